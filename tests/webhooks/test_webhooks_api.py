"""Making and changing webhooks: the secret is seen once, addresses are looked at, bounds hold."""

import logging
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from conversations.models import BusinessAgent, User
from tests import factories
from tests.api import Api, pages, problem, read
from webhooks import secrets
from webhooks.models import Webhook
from webhooks.services import webhooks as services

pytestmark = pytest.mark.django_db
FACTS: dict[str, Any] = {"url": "https://hooks.example.org/x?key=geheim", "events": ["message.created"]}


@pytest.fixture
def chief() -> User:
    return factories.agent("acme", role="owner")


def make(owner: User, **more: Any) -> Any:
    return read(Api(owner).post("/webhooks", {**FACTS, "business_id": "acme", **more}), 201)


def test_the_secret_is_shown_once(chief: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api = Api(chief)
    with CaptureQueriesContext(connection) as captured:
        made = make(chief)
    secret = made["secret"]
    assert secret.startswith("whsec_")
    kept = Webhook.objects.get()
    assert secrets.unseal(kept.secret) == secret
    changed = read(api.patch(f"/webhooks/{made['id']}", {"events": ["message.deleted", "message.created"]}))
    assert (changed["secret"], changed["events"]) == (None, ["message.created", "message.deleted"])
    listed = api.get("/webhooks").content.decode()
    assert made["id"] in listed
    statements = "".join(query["sql"] for query in captured.captured_queries)
    for text in (listed, statements, caplog.text, repr(vars(kept)), str(kept)):
        assert secret not in text
        assert secret.removeprefix("whsec_") not in text


def test_a_new_secret_and_the_one_before_it(chief: User) -> None:
    made, api = make(chief), Api(chief)
    rotated = read(api.patch(f"/webhooks/{made['id']}", {"rotate_secret": True}))
    kept = Webhook.objects.get()
    assert rotated["secret"] not in (None, made["secret"])
    assert [secrets.unseal(each or "") for each in (kept.secret, kept.old_secret)] == [
        rotated["secret"],
        made["secret"],
    ]
    assert rotated["old_secret_until"] is not None


def test_a_key_is_changed_by_putting_a_new_one_before_it(settings: Settings) -> None:
    sealed = secrets.seal("whsec_eA==")
    settings.WEBHOOK_KEYS = ["k8Jq2-vX7pLw4RzT9bNc3mYd6fHs1gQe5uAi0oE", *settings.WEBHOOK_KEYS]
    assert secrets.unseal(sealed) == "whsec_eA=="
    again = secrets.seal("whsec_eA==")
    settings.WEBHOOK_KEYS = settings.WEBHOOK_KEYS[1:]
    with pytest.raises(secrets.Unreadable):
        secrets.unseal(again)


def test_without_a_key_there_are_none(chief: User, settings: Settings) -> None:
    settings.WEBHOOK_KEYS = []
    refused = problem(Api(chief).post("/webhooks", {**FACTS, "business_id": "acme"}), 409)
    assert refused["code"] == "webhooks_off"
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://169.254.169.254/latest/meta-data/",
        "https://ann:geheim@example.org/",
        "https://example.org:8080/",
        "not an address",
        "",
    ],
)
def test_addresses_that_cannot_be_called_are_refused_at_once(chief: User, url: str) -> None:
    made, api = make(chief), Api(chief)
    for response in (
        api.post("/webhooks", {**FACTS, "url": url, "business_id": "acme"}),
        api.patch(f"/webhooks/{made['id']}", {"url": url}),
    ):
        refused = problem(response, 400)
        assert refused["errors"][0]["field"] == "url"
        assert "geheim" not in response.content.decode()
    assert Webhook.objects.get().url == FACTS["url"]


@pytest.mark.parametrize(
    "facts",
    [
        {"events": []},
        {"events": ["typing"]},
        {"events": "message.created"},
        {"events": [["message.created"]]},
        {"events": ["message.created"] * 10},
        {"url": 5},
        {"business_id": "a b"},
        {"secret": "mine"},
    ],
)
def test_input_that_is_none(chief: User, facts: dict[str, Any]) -> None:
    problem(Api(chief).post("/webhooks", {**FACTS, "business_id": "acme", **facts}), 400)
    assert not Webhook.objects.exists()


def test_who_sees_which() -> None:
    staff, chief, rival = (
        factories.person(is_staff=True),
        factories.agent("acme", role="owner"),
        factories.person(),
    )
    BusinessAgent.objects.create(business_id="other", user=rival, role="owner")
    everything = read(Api(staff).post("/webhooks", FACTS), 201)
    ours, theirs = make(chief), make(rival, business_id="other")
    seen = {
        name: {one["id"] for page in pages(Api(user), "/webhooks", limit=1) for one in page}
        for name, user in {"staff": staff, "chief": chief, "rival": rival, "agent": factories.agent()}.items()
    }
    assert seen == {
        "staff": {everything["id"], ours["id"], theirs["id"]},
        "chief": {ours["id"]},
        "rival": {theirs["id"]},
        "agent": set(),
    }
    problem(Api(chief).get(f"/webhooks/{everything['id']}/deliveries"), 404)
    problem(Api(chief).post("/webhooks", FACTS), 403)


def test_not_too_many(chief: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_OF_A_BUSINESS", 2)
    make(chief), make(chief)
    refused = problem(Api(chief).post("/webhooks", {**FACTS, "business_id": "acme"}), 409)
    assert (refused["code"], Webhook.objects.count()) == ("too_many_webhooks", 2)


def test_switching_off_and_on_makes_its_owner(chief: User) -> None:
    made, other = make(chief), factories.agent("acme", role="owner")
    path = f"/webhooks/{made['id']}"
    off = read(Api(other).patch(path, {"active": False}))
    assert (off["active"], off["disabled_why"], off["owner"]) == (False, "switched_off", str(chief.pk))
    on = read(Api(other).patch(path, {"active": True}))
    assert (on["active"], on["disabled_why"], on["owner"]) == (True, None, str(other.pk))
    read(Api(other).delete(path), 204)
    assert not Webhook.objects.exists()
