"""RFC 9457 problem details: the one shape of every error that a program reads."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from conversations.context import request_id

CONTENT_TYPE = "application/problem+json"
PREFIXES = ("/api", "/health", "/admin/database")


def for_programs(request: HttpRequest) -> bool:
    """Whether this path promises problem+json instead of a page."""
    return any(request.path == prefix or request.path.startswith(f"{prefix}/") for prefix in PREFIXES)


def problem(
    status: int,
    *,
    code: str,
    detail: str,
    title: str = "",
    errors: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The members of a problem. `errors` are `{field, code, detail}`, for input that failed validation."""
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id.get(),
    }
    if errors:
        members["errors"] = list(errors)
    return members


def problem_http(
    status: int, *, code: str, detail: str, title: str = "", headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The same as a plain Django response, for what goes wrong outside REST framework."""
    body = orjson.dumps(problem(status, code=code, detail=detail, title=title))
    return HttpResponse(body, status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))
