"""A server that finds neither PostgreSQL nor Redis: it starts, says what is wrong, and refuses in the one shape."""

import json
from time import monotonic

import httpx
import pytest
from rest_framework_simplejwt.tokens import AccessToken
from websockets.exceptions import ConnectionClosed

from tests.integration.conftest import FRONT
from tests.realtime.client import Client
from tests.server import Server

PROBLEM = "application/problem+json"
TOKEN = "/api/v1/auth/token"
ME = "/api/v1/users/me"
JSON = {"Content-Type": "application/json"}


def refused(answer: httpx.Response, status: int, code: str) -> httpx.Headers:
    """The headers of a refusal, which must be a problem of this status and code."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["request_id"] == answer.headers["X-Request-ID"]
    return answer.headers


def test_it_is_alive_and_says_what_is_missing(lonely: httpx.Client) -> None:
    began = monotonic()
    told = lonely.get("/health").raise_for_status().json()
    assert monotonic() - began < 1
    assert told["dependencies"] == {"postgresql": "unavailable", "redis": "unavailable"}
    assert (told["name"], told["status"]) == ("chatbackend", "unavailable")
    assert lonely.get("/health/live").json() == {"status": "ok"}
    assert refused(lonely.get("/health/ready"), 503, "database_unavailable")["Retry-After"]


def test_an_address_that_is_none(lonely: httpx.Client) -> None:
    refused(lonely.get("/api/v1/nope"), 404, "not_found")
    refused(lonely.delete(TOKEN), 405, "method_not_allowed")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x.y.z", "Token x", "Bearer " + "x" * 5000])
def test_a_token_that_is_none(lonely: httpx.Client, value: str) -> None:
    answer = lonely.get(ME, headers={"Authorization": value} if value else {})
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_ours_is_known_by_its_signature(lonely: httpx.Client) -> None:
    token = AccessToken()
    token["user_id"] = "0192d6a1-3c5b-7f43-9a51-5d0c7b6e8f21"
    forged = str(token)[:-4] + "AAAA"
    refused(lonely.get(ME, headers={"Authorization": f"Bearer {forged}"}), 401, "token_not_valid")
    refused(lonely.get(ME, headers={"Authorization": f"Bearer {token}"}), 503, "database_unavailable")
    token.set_exp(lifetime=-token.lifetime)
    refused(lonely.get(ME, headers={"Authorization": f"Bearer {token}"}), 401, "token_not_valid")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b'{"username": "\x00"}', 400, "malformed_json"),
        (b'{"username": "ann"}', 400, "invalid"),
        (b'{"username": "ann", "password": "x", "admin": true}', 400, "unknown_field"),
        (b'{"username": ["ann"], "password": "x"}', 400, "invalid"),
        (b'{"username": "' + b"a" * 1_100_000 + b'"}', 413, "body_too_large"),
    ],
    ids=["malformed", "control", "missing", "unknown", "kind", "large"],
)
def test_input_is_checked_before_anything_is_asked(
    lonely: httpx.Client, content: bytes, status: int, code: str
) -> None:
    refused(lonely.post(TOKEN, content=content, headers=JSON), status, code)


def test_another_kind_of_body(lonely: httpx.Client) -> None:
    refused(lonely.post(TOKEN, data={"username": "ann"}), 415, "unsupported_media_type")


def test_what_needs_postgresql_is_refused_at_once_and_says_when_to_come_back(lonely: httpx.Client) -> None:
    answer = lonely.post(TOKEN, json={"username": "ann", "password": "a long one"})
    assert int(refused(answer, 503, "database_unavailable")["Retry-After"]) > 0


def test_other_sites_may_ask_only_if_they_are_named(lonely: httpx.Client) -> None:
    def preflight(origin: str) -> httpx.Headers:
        asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        return lonely.options(ME, headers=asked).headers

    assert preflight(FRONT)["Access-Control-Allow-Origin"] == FRONT
    assert "PATCH" in preflight(FRONT)["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in preflight("https://elsewhere.example.org")


def test_its_documentation_is_there(lonely: httpx.Client) -> None:
    schema = json.loads(lonely.get("/api/schema").raise_for_status().content)
    assert schema["openapi"].startswith("3.1")
    assert "/api/v1/conversations/{conversation_id}/messages" in schema["paths"]
    page = lonely.get("/api/docs").raise_for_status()
    assert "swagger" in page.text.lower()


def test_a_socket_is_told_to_come_back(lonely_server: Server) -> None:
    token = AccessToken()
    token["user_id"] = "0192d6a1-3c5b-7f43-9a51-5d0c7b6e8f21"
    with Client(lonely_server.ws_url, token=str(token)) as client:
        assert client.code() == 1012
    with Client(lonely_server.ws_url, token="x.y.z") as client:
        assert client.code() == 4401
    with pytest.raises(ConnectionClosed), Client(lonely_server.ws_url, token="x.y.z") as client:
        client.next()


def test_nothing_of_it_was_a_fault_of_ours(lonely_server: Server) -> None:
    assert lonely_server.tracebacks() == ""
