"""Every failure in the one error shape, without a traceback or a secret."""

import logging
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from chatbackend.problems import CONTENT_TYPE, for_programs, problem, problem_http
from conversations.exceptions import ChatError

logger = logging.getLogger(__name__)

RETRY_AFTER = {"Retry-After": "2"}
BUSY_STATES = {
    "57014": "The database took too long to answer",
    "55P03": "The database is busy with the same thing",
    "40001": "Two changes met; try again",
    "40P01": "Two changes met; try again",
    "53100": "The database has no room for this at the moment",
    "53200": "The database has no memory for this at the moment",
}


def problem_response(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler. What it does not know becomes a 500 further out."""
    answer = _answer(exc)
    if answer is None:
        return None
    set_rollback()
    body, headers = answer
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if not for_programs(request):
        return defaults.bad_request(request, exception)  # type: ignore[arg-type]
    return problem_http(400, code="bad_request", detail="The request cannot be understood")


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if not for_programs(request):
        return defaults.permission_denied(request, exception)  # type: ignore[arg-type]
    return problem_http(403, code="forbidden", detail="This is not allowed")


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if not for_programs(request):
        return defaults.page_not_found(request, exception)
    return problem_http(404, code="not_found", detail="There is nothing at this address")


def handler500(request: HttpRequest) -> HttpResponse:
    """Also the way out for a database that fails outside of REST framework (sessions, admin, pages)."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        code, detail = _database_trouble(error)
        return problem_http(503, code=code, detail=detail, headers=RETRY_AFTER)
    if not for_programs(request):
        return defaults.server_error(request)
    return problem_http(500, code="internal_error", detail="Something broke on our side; it has been logged")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF refusals in the shape of the path."""
    if not for_programs(request):
        return defaults.permission_denied(request, PermissionDenied(reason))
    return problem_http(403, code="csrf_failed", detail=reason)


def _answer(exc: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    if isinstance(exc, ChatError):
        body = problem(exc.status, code=exc.code, title=exc.title, detail=exc.detail, errors=exc.errors)
        return body, exc.headers
    if isinstance(exc, drf.ValidationError):
        errors = list(flatten(exc.get_full_details()))
        detail = errors[0]["detail"] if len(errors) == 1 else "Several fields are invalid"
        return problem(400, code="invalid", title="The input is invalid", detail=detail, errors=errors), {}
    if isinstance(exc, drf.APIException):
        return problem(exc.status_code, code=_code(exc), detail=_detail(exc)), _headers(exc)
    if isinstance(exc, UnreadablePostError):  # they hung up in the middle of it
        return problem(400, code="incomplete_body", detail="The body ended before all of it was here"), {}
    if isinstance(exc, Http404):
        return problem(404, code="not_found", detail="There is nothing at this address"), {}
    if isinstance(exc, PermissionDenied):
        return problem(403, code="forbidden", detail="This is not allowed"), {}
    return _database_answer(exc)


def _database_answer(exc: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    if isinstance(exc, OperationalError | InterfaceError):
        code, detail = _database_trouble(exc)
        return problem(503, code=code, detail=detail), dict(RETRY_AFTER)
    if isinstance(exc, DataError):
        logger.warning("a value that no serializer refused: %s", type(exc.__cause__).__name__)
        return problem(400, code="invalid", detail="A value lies outside of what can be stored"), {}
    return None


def _database_trouble(error: Error) -> tuple[str, str]:
    state = getattr(error.__cause__, "sqlstate", None)
    logger.error("database: %s (%s)", type(error.__cause__ or error).__name__, state or "no connection")
    if state in BUSY_STATES:
        return "database_busy", BUSY_STATES[state]
    return "database_unavailable", "The database is out of reach; try again in a moment"


def _code(exc: drf.APIException) -> str:
    codes = exc.get_codes()
    if isinstance(exc, drf.Throttled):
        return "rate_limited"
    return codes if isinstance(codes, str) else str(getattr(exc, "default_code", "error"))


def _detail(exc: drf.APIException) -> str:
    if isinstance(exc.detail, dict):  # simplejwt puts its message beside its code
        return str(exc.detail.get("detail", exc.default_detail))
    return str(exc.detail)


def _headers(exc: drf.APIException) -> dict[str, str]:
    headers: dict[str, str] = {}
    if authenticate := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = authenticate
    wait = getattr(exc, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    elif isinstance(exc, drf.Throttled):
        headers["Retry-After"] = "1"
    return headers


def flatten(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """REST framework's nested error details as `{field, code, detail}`, the field a dotted path."""
    if isinstance(details, dict) and {"message", "code"} == details.keys():
        yield {"field": path, "code": str(details["code"]), "detail": str(details["message"])}
    elif isinstance(details, dict):
        for key, value in details.items():
            yield from flatten(value, path if key == "non_field_errors" else _joined(path, str(key)))
    elif isinstance(details, list):
        for index, value in enumerate(details):
            leaf = isinstance(value, dict) and {"message", "code"} == value.keys()
            yield from flatten(value, path if leaf else _joined(path, str(index)))


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
