"""What every request passes: its id, the bounds of its body, the content security policy of its reply."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import BaseThrottle

from chatbackend.problems import problem_http
from conversations.context import caller_address, request_id

GetResponse = Callable[[HttpRequest], HttpResponse]

USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def usable_id(given: str) -> str:
    """The id that a client gave its request, where it can be used; else a new one."""
    return given if USABLE_ID.fullmatch(given) else uuid.uuid4().hex


class RequestContextMiddleware:
    """X-Request-ID: taken where usable, made otherwise; in the reply, the logs and the statements."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        current = usable_id(request.headers.get("X-Request-ID", ""))
        request.request_id = current  # type: ignore[attr-defined]  # for what Django logs after us
        token, from_ = request_id.set(current), caller_address.set(BaseThrottle().get_ident(request) or "")  # type: ignore[arg-type]
        try:
            response = self._answer(request)
            response["X-Request-ID"] = current
            return response
        finally:
            request_id.reset(token)
            caller_address.reset(from_)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        # PostgreSQL text cannot hold NUL: refuse it here instead of in each filter and path converter.
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return problem_http(400, code="nul_character", detail="A URL may not contain the NUL character")
        return self.get_response(request)


UPLOADS = "/api/v1/attachments"
FORM = 65_536  # bytes that a form may put around its file


def most_bytes(path: str) -> int:
    """How large a body may be that is sent there."""
    return settings.MAX_ATTACHMENT_BYTES + FORM if path == UPLOADS else int(settings.MAX_BODY_BYTES)


class BodyLimitMiddleware:
    """413 for a body that announces more than may be sent there. What comes in chunks is counted by
    `chatbackend.asgi`; WSGI servers hand a body without a length on as empty."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit():
            return problem_http(400, code="bad_request", detail="Content-Length is not a number")
        if int(length) > (most := most_bytes(request.path)):
            return too_large(most)
        return self.get_response(request)


def too_large(most: int) -> HttpResponse:
    """The refusal of a body over the limit."""
    detail = f"A request body may have at most {most} bytes here"
    return problem_http(413, code="body_too_large", detail=detail)


class AdminMessagesMiddleware(MessageMiddleware):
    """Django's notices, for the admin's pages: no other page shows any, and each request would pay for them."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path.startswith("/admin/"):
            super().process_request(request)


class ContentSecurityPolicyMiddleware:
    """No inline script or style, nothing from elsewhere; a page talks to its own host only. WebSocket
    addresses are named because older browsers do not count them as 'self'."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response.setdefault("Content-Security-Policy", policy(request))
        return response


def policy(request: HttpRequest) -> str:
    """The policy for a page of this host."""
    scheme = "wss" if request.is_secure() else "ws"
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob: https:",  # blob: of files that were loaded with a token
            "font-src 'self'",
            "media-src 'self'",
            "manifest-src 'self'",
            f"connect-src 'self' {scheme}://{request.get_host()}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )
