"""A business's agents and cases over HTTP."""

import pytest
from django.test import Client

from conversations.models import BusinessAgent
from tests import factories
from tests.api import BASE, Api, pages, problem, read

pytestmark = pytest.mark.django_db


def test_agents_are_named_and_dismissed() -> None:
    staff, user = Api(factories.person(is_staff=True)), factories.person()
    path = f"/business/acme/agents/{user.pk}"
    assert read(staff.put(path))["role"] == "agent"
    assert read(staff.put(path, {"role": "owner"}))["role"] == "owner"
    assert [one["user"]["id"] for one in read(staff.get("/business/acme/agents"))["results"]] == [
        str(user.pk)
    ]
    read(staff.delete(path), 204)
    problem(staff.delete(path), 404)
    assert read(staff.get("/business/acme/agents")) == {"results": [], "next": None}


def test_pages_of_agents() -> None:
    agents = [factories.agent() for _ in range(3)]
    found = list(pages(Api(agents[0]), "/business/acme/agents", limit=2))
    assert [[one["user"]["id"] for one in page] for page in found] == [
        [str(agents[0].pk), str(agents[1].pk)],
        [str(agents[2].pk)],
    ]


def test_a_case_is_answered_assigned_and_resolved() -> None:
    customer, agent = factories.person("customer"), factories.agent()
    case = factories.case(customer, content="help")
    assert [one["id"] for one in read(Api(agent).get("/business/acme/conversations"))["results"]] == [
        str(case)
    ]
    read(Api(agent).post(f"/conversations/{case}/messages", {"content": "How?"}), 201)
    mine = read(Api(agent).post(f"/conversations/{case}/assign", {"user_id": str(agent.pk)}))
    assert mine["business"]["assignee"]["id"] == str(agent.pk)
    done = read(Api(agent).post(f"/conversations/{case}/status", {"status": "resolved"}))
    assert done["business"]["status"] == "resolved"
    assert done["business"]["resolved_at"] >= done["business"]["first_response_at"]
    told = read(Api(customer).get(f"/conversations/{case}/messages"))["results"]
    assert [message["type"] for message in told] == ["text", "text", "system", "system"]


def test_a_case_is_given_back() -> None:
    customer, agent = factories.person(), factories.agent()
    case = factories.case(customer)
    read(Api(agent).post(f"/conversations/{case}/assign", {"user_id": str(agent.pk)}))
    assert read(Api(agent).get("/business/acme/conversations", assignee="me"))["results"]
    given_back = read(Api(agent).post(f"/conversations/{case}/assign", {"user_id": None}))
    assert given_back["business"]["assignee"] is None
    assert read(Api(agent).get("/business/acme/conversations", assignee="none"))["results"]


def test_only_agents_get_a_case() -> None:
    agent, rival = factories.agent(), factories.agent("other")
    case = factories.case(factories.person())
    for user in (rival, factories.person()):
        refused = problem(Api(agent).post(f"/conversations/{case}/assign", {"user_id": str(user.pk)}), 400)
        assert refused["code"] == "not_an_agent"


def test_pages_of_cases() -> None:
    agent = factories.agent()
    cases = [str(factories.case(factories.person())) for _ in range(3)]
    found = pages(Api(agent), "/business/acme/conversations", limit=2)
    assert [[one["id"] for one in page] for page in found] == [[cases[2], cases[1]], [cases[0]]]


@pytest.mark.parametrize("business_id", ["a b", "a%00b", "a" * 65, "a/b"])
def test_what_is_no_business(business_id: str) -> None:
    response = Api(factories.agent()).get(f"/business/{business_id.replace(' ', '%20')}/agents")
    assert response.status_code == (400 if "%00" in business_id else 404)


def test_staff_may_come_with_the_admins_cookie_and_a_csrf_token() -> None:
    browser, user = Client(enforce_csrf_checks=True), factories.person()
    browser.force_login(factories.person(is_staff=True))
    address = f"{BASE}/business/acme/agents/{user.pk}"
    problem(browser.put(address), 403)
    assert not BusinessAgent.objects.exists()
    browser.get("/admin/")
    browser.cookies["csrftoken"] = token = "t" * 32
    read(browser.put(address, headers={"X-CSRFToken": token}))
