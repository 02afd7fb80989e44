"""What holds for every endpoint of the API."""

import base64
from typing import Any

import orjson
import pytest
from django.test import Client
from pytest_django import Settings

from conversations import cursors
from conversations.exceptions import Invalid
from conversations.models import User
from messaging.models import Message
from messaging.serializers import messages, search
from tests import factories
from tests.api import BASE, Api, problem, read
from tests.project.test_access import ROWS

pytestmark = pytest.mark.django_db
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
ID = "0192d6a1-3c5b-7f43-9a51-5d0c7b6e8f21"
ADDRESSES = {
    f"/{row.path.partition('?')[0]}".replace("{business}", "acme").replace(
        "{kaha}", "k"
    ): row.address.split()[1]
    for row in ROWS
}
PATHS = sorted(ADDRESSES)
METHODS = {"TRACE", "OPTIONS", "GET", "POST", "PUT", "PATCH", "DELETE"}
NAMED = (
    "group", "direct", "case", "user", "clerk", "emoji", "hook", "delivery", "file", "scan", "export", "erasure",
    "canned",
)  # fmt: skip
BODILESS = {
    "POST auth/ws-ticket",
    "POST attachments",  # a form
    "POST conversations/*/leave",
    "POST conversations/*/export",
    "POST users/me/export",
    "POST users/*/erase",
    "PUT conversations/*/messages/*/reactions/*",
    "PUT conversations/*/pins/*",
    "PUT users/me/blocks/*",
    "POST webhooks/*/deliveries/*/replay",
}
WITH_BODY = [row for row in ROWS if row.method in {"POST", "PATCH", "PUT"} and row.address not in BODILESS]
BODIES = [(row.method, f"/{row.path}") for row in WITH_BODY]


@pytest.fixture
def staff() -> Api:
    """Somebody whom no permission keeps from the input being read."""
    return Api(factories.person(is_staff=True, is_superuser=True))


def _filled(path: str) -> str:
    return path.replace("{business}", "acme").replace("{job}", "999").format(**dict.fromkeys(NAMED, ID))


@pytest.mark.parametrize("path", PATHS)
def test_methods_that_an_address_does_not_know(staff: Api, path: str) -> None:
    known = {row.method for row in ROWS if row.address.split()[1] == ADDRESSES[path]}
    for method in METHODS - known:
        response = staff.call(method, _filled(path))
        assert problem(response, 405).keys() == MEMBERS
        assert response["Allow"]


@pytest.mark.parametrize("path", PATHS)
def test_a_slash_at_the_end_is_another_address(staff: Api, path: str) -> None:
    problem(staff.get(_filled(path) + "/"), 404)


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_bodies(method: str, path: str, staff: Api) -> None:
    """Malformed, of another type, with a NUL, with a field that is not there: each refused before anything is done."""
    for body, code in (
        (b'{"a":', "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": "\\u0000"}', "nul_character"),
        (b'{"surprise": 1}', "unknown_field"),
        (b'"text"', "invalid"),
        (b"[1]", "invalid"),
    ):
        refused = problem(staff.call(method, _filled(path), body), 400)
        assert (refused["code"], refused["request_id"]) == (code, "from-a-test")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_only_json_is_read(kind: str) -> None:
    response = Client().post(f"{BASE}/auth/token", b"username=ann", content_type=kind)
    assert problem(response, 415)["code"] == "unsupported_media_type"


def test_large_bodies(staff: Api, settings: Settings) -> None:
    body = b'{"content": "' + b"x" * settings.MAX_BODY_BYTES + b'"}'
    assert problem(staff.call("POST", "/conversations", body), 413)["code"] == "body_too_large"


@pytest.mark.parametrize("query", ["search=%00", "search=%ff", "search=%ed%a0%80", "search=%C3"])
def test_what_is_no_text_in_a_query(staff: Api, query: str) -> None:
    response = staff.http.get(f"{BASE}/users?{query}", headers={"Authorization": f"Bearer {staff.token}"})
    problem(response, 400)


def test_too_many_query_parameters(staff: Api) -> None:
    query = "&".join(f"a{number}=1" for number in range(1_500))
    response = staff.http.get(f"{BASE}/users?{query}", headers={"Authorization": f"Bearer {staff.token}"})
    problem(response, 400)


def test_parameters_that_nobody_knows_are_let_be(staff: Api) -> None:
    read(staff.get("/users", utm_source="mail"))


HUGE = "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ"  # [99999999999999999999]
CURSORS = ["!", "a", "e30", "bnVsbA", "WzFd", "W251bGxd", "W3RydWVd", "WyJcdTAwMDAiXQ", HUGE, "x" * 600]
LISTS = [
    "/users",
    "/conversations",
    "/search/messages",
    "/users/me/messages",
    "/business/acme/conversations",
    "/business/acme/agents",
    "/webhooks",
]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("cursor", CURSORS)
def test_cursors_that_no_list_gave_out(path: str, cursor: str) -> None:
    response = Api(factories.agent()).get(path, cursor=cursor, q="a")
    taken = {"/business/acme/agents": {"WzFd"}}.get(path, set())  # a number is a place among agents
    assert response.status_code == (200 if cursor in taken else 400)
    if response.status_code == 400:
        assert problem(response, 400)["code"] == "bad_cursor"


@pytest.mark.parametrize(
    "place",
    [
        ["x", "2026-01-01T00:00:00Z", ID],
        [True, "2026-01-01T00:00:00", ID],
        [True, "yesterday", ID],
        [True, "2026-01-01T00:00:00Z", "x"],
        [True, "2026-01-01T00:00:00Z"],
        [True, "2026-01-01T00:00:00Z", ID, 1],
        {"pinned": True},
        ["2026-01-01T00:00:00Z", 1, 1],
        ["2026-01-01T00:00:00Z", ID, "1"],
        ["2026-01-01T00:00:00", ID, 1],
        [5, ID, 1],
        [None, None, None, "2026-01-01T00:00:00Z", ID, 1],
        [True, 5, None, "2026-01-01T00:00:00Z", ID, 1],
        [True, None, "x", "2026-01-01T00:00:00Z", ID, 1],
        [True, None, None, "2026-01-01T00:00:00Z", 5, 1],
        [True, None, None],
    ],
)
@pytest.mark.parametrize("reader", [cursors.place, search.place, messages.place])
def test_places_of_the_wrong_shape(reader: Any, place: Any) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()
    with pytest.raises(Invalid) as refused:
        cursors.decode(cursor, reader)
    assert refused.value.code == "bad_cursor"


@pytest.mark.parametrize(
    "path", ["/users/1", "/users/x", f"/users/{ID}x", "/conversations/1", f"/conversations/{ID}/", "/x"]
)
def test_ids_that_are_none(staff: Api, path: str) -> None:
    refused = problem(staff.get(path), 404)
    assert (refused["status"], refused["code"]) == (404, "not_found")


def test_an_absent_and_a_forbidden_conversation_look_alike() -> None:
    ann, eve = factories.persons(2)
    there = problem(Api(eve).get(f"/conversations/{factories.group(ann)}"), 404)
    assert problem(Api(eve).get(f"/conversations/{ID}"), 404) == there


@pytest.mark.parametrize("header", ["Token x", "Basic eDp5", "Bearer", "bearer  "])
def test_other_kinds_of_credentials(header: str) -> None:
    response = Client().get(f"{BASE}/users/me", headers={"Authorization": header})
    problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_cookies_of_the_admin_open_nothing_else() -> None:
    browser = Client()
    browser.force_login(factories.person(is_staff=True))
    problem(browser.get(f"{BASE}/users/me"), 401)


def test_replies_are_not_kept_by_caches(staff: Api) -> None:
    for path in ("/users/me", "/conversations", f"/users/{ID}"):
        assert staff.get(path)["Cache-Control"] == "no-store"


def test_times_are_utc_with_microseconds() -> None:
    ann = factories.person()
    sent = factories.body(factories.say(ann, factories.group(ann)))["sent_at"]
    assert sent == Message.objects.get().sent_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_what_is_not_built_is_404() -> None:
    ann = Api(factories.person())
    problem(ann.get(f"/conversations/{ID}/stats"), 404)
    assert User.objects.count() == 1
