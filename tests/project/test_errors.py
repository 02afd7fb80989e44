"""One shape for every error, wherever it arises."""

import io
import logging
import uuid
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client, RequestFactory, override_settings
from django.urls import get_callable
from rest_framework import exceptions as drf
from rest_framework import serializers
from rest_framework.response import Response

from chatbackend.exceptions import flatten, problem_response
from chatbackend.logs import JSONFormatter, TextFormatter
from conversations.context import request_id
from conversations.exceptions import Conflict, Invalid, Unauthenticated
from tests import factories
from tests.realtime.client import token_of

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def answer(exc: Exception) -> Response:
    response = problem_response(exc, {})
    assert response is not None
    assert response.content_type == "application/problem+json"
    assert response.data["status"] == response.status_code
    assert response.data.keys() - {"errors"} == MEMBERS
    return response


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (Conflict("taken", code="username_taken"), 409, "username_taken"),
        (Invalid.field("seq", "too high"), 400, "invalid"),
        (drf.NotFound(), 404, "not_found"),
        (drf.PermissionDenied(), 403, "permission_denied"),
        (drf.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (drf.UnsupportedMediaType("text/csv"), 415, "unsupported_media_type"),
        (drf.ParseError("no", code="malformed_json"), 400, "malformed_json"),
        (OperationalError("connection refused for user chat password geheim"), 503, "database_unavailable"),
    ],
)
def test_status_and_code(exc: Exception, status: int, code: str) -> None:
    response = answer(exc)
    assert (response.status_code, response.data["code"]) == (status, code)
    assert "geheim" not in str(response.data)


def test_headers() -> None:
    assert answer(Unauthenticated())["WWW-Authenticate"].startswith("Bearer")
    assert answer(drf.Throttled(wait=2.1))["Retry-After"] == "3"
    assert answer(OperationalError())["Retry-After"] == "2"


def test_a_statement_that_took_too_long_is_told_apart() -> None:
    error = OperationalError()
    error.__cause__ = psycopg.errors.QueryCanceled()
    assert answer(error).data["code"] == "database_busy"


def test_what_is_not_known_is_left_to_the_500() -> None:
    assert problem_response(RuntimeError("geheim"), {}) is None


class Line(serializers.Serializer[object]):
    name = serializers.CharField()
    tags = serializers.ListField(child=serializers.IntegerField())


class Order(serializers.Serializer[object]):
    title = serializers.CharField(max_length=3)
    lines = Line(many=True)


def test_nested_validation_errors_become_dotted_paths() -> None:
    serializer = Order(data={"title": "long", "lines": [{"name": "a", "tags": [1, "x"]}, {"tags": []}]})
    with pytest.raises(drf.ValidationError) as refused:
        serializer.is_valid(raise_exception=True)
    errors = answer(refused.value).data["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [
        ("title", "max_length"),
        ("lines.0.tags.1", "invalid"),
        ("lines.1.name", "required"),
    ]


def test_an_error_of_no_field() -> None:
    assert list(flatten(drf.ValidationError("no").get_full_details())) == [
        {"field": "", "code": "invalid", "detail": "no"}
    ]
    errors = drf.ValidationError({"non_field_errors": ["no"]}).get_full_details()
    assert [error["field"] for error in flatten(errors)] == [""]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/nope", "/health/nope", "/admin/database/nope"])
def test_unknown_addresses(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json().keys() == MEMBERS
    assert response.json()["request_id"] == response["X-Request-ID"]


def test_a_foreign_host_is_a_problem_too(client: Client) -> None:
    response = client.get("/api/v1/nope", headers={"host": "evil.example.org"})
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")


def test_request_ids(client: Client) -> None:
    given = client.get("/health/live", headers={"X-Request-ID": "abc-1.2_3"})
    assert given["X-Request-ID"] == "abc-1.2_3"
    for unusable in ("a b", "x" * 65, "*/ DROP", ""):
        made = client.get("/health/live", headers={"X-Request-ID": unusable})["X-Request-ID"]
        assert uuid.UUID(hex=made).hex == made
    assert request_id.get() == ""


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_is_only_asked(path: str) -> None:
    for method in ("post", "put", "delete", "options"):
        response = getattr(Client(enforce_csrf_checks=True), method)(path)
        assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
        assert response.json()["code"] == "method_not_allowed"
        assert response["Allow"] == "GET, HEAD"


def test_nothing_is_told_to_addresses_that_are_not_there() -> None:
    client = Client(enforce_csrf_checks=True)
    for response in (
        client.post("/admin/database/no-such-thing"),
        client.delete("/admin/database/no-such-thing"),
    ):
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_csrf_refusals_have_the_shape_of_the_path() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/api/nope")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert "text/html" in client.post("/admin/login/")["Content-Type"]
    refusal = get_callable(settings.CSRF_FAILURE_VIEW)(RequestFactory().post("/api/v1/x"), reason="no cookie")
    assert (refusal.status_code, refusal["Content-Type"]) == (403, "application/problem+json")


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs", "/api/v1/users/me", "/api/v1/auth/token"])
def test_options_is_neither_allowed_nor_said_to_be(client: Client, path: str) -> None:
    response = client.put(path)
    allowed = client.options(path)["Allow"]
    assert response.status_code in {401, 405}
    assert allowed
    assert "OPTIONS" not in allowed


@pytest.mark.parametrize("formatter", [TextFormatter(), JSONFormatter()])
def test_what_django_logs_of_a_request_has_its_id(
    client: Client, caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    client.get("/api/v1/nope", headers={"X-Request-ID": "told-4xx"})
    (record,) = [record for record in caplog.records if record.name == "django.request"]
    assert request_id.get() == ""
    assert "told-4xx" in formatter.format(record)


@pytest.mark.parametrize("path", ["/api/v1/users?search=a%00b", "/api/v1/users/a%00b"])
def test_nul_in_an_address(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()["code"]) == (400, "nul_character")


@override_settings(MAX_BODY_BYTES=2000)
def test_a_body_over_the_limit(client: Client) -> None:
    at_limit = client.post("/api/v1/nope", b"x" * 2000, content_type="application/json")
    over = client.post("/api/v1/nope", b"x" * 2001, content_type="application/json")
    assert (at_limit.status_code, over.status_code) == (404, 413)
    assert over.json()["code"] == "body_too_large"


class Broken(io.RawIOBase):
    """What a server reads from of somebody who hung up in the middle."""

    def read(self, size: int = -1) -> bytes:
        raise ConnectionResetError("reset by peer")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_breaks_off(client: Client, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    path = "/api/v1/attachments" if "form" in kind else "/api/v1/auth/token"
    token = token_of(factories.person())
    broken: dict[str, Any] = {"wsgi.input": Broken(), "HTTP_AUTHORIZATION": f"Bearer {token}"}
    reply = client.generic("POST", path, b"{}", kind, **broken)
    assert (reply.status_code, reply.json()["code"]) == (400, "incomplete_body")
    assert {record.levelname for record in caplog.records} <= {"WARNING", "INFO"}


def test_pages_have_a_strict_policy(client: Client) -> None:
    policy = client.get("/nope")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'self' ws://testserver" in policy
    assert "Content-Security-Policy" not in client.get("/health/live")


@pytest.mark.django_db
def test_statements_carry_the_request_id() -> None:
    token = request_id.set("req-42")
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() AND %s::int = 1", [1]
            )
            (query,) = cursor.fetchone() or ("",)
    finally:
        request_id.reset(token)
    assert query.endswith("/* request_id=req-42 */")
