"""`GET /metrics`."""

import os
from hmac import compare_digest

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from chatbackend.health import for_askers
from chatbackend.metrics.state import StateCollector
from chatbackend.problems import problem_http

LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")

STATE = StateCollector()
REGISTRY.register(STATE)


@for_askers
def metrics(request: HttpRequest) -> HttpResponse:
    """This process's metrics, in Prometheus's text format.

    For who has METRICS_TOKEN; where none is set, for this machine alone.
    """
    if settings.METRICS_TOKEN:
        if not _has_token(request):
            return _refused(401, "token_not_valid", {"WWW-Authenticate": "Bearer"})
    elif not _from_here(request):
        return _refused(403, "forbidden", {})
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """Where several processes have one port, any of them answers: what they count in a shared directory is added up."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    ProcessCollector(registry=together)
    together.register(STATE)
    return together


def _has_token(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and compare_digest(token.encode(), settings.METRICS_TOKEN.encode())


def _from_here(request: HttpRequest) -> bool:
    """Straight from this machine: what a proxy hands on comes from anywhere."""
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not any(map(request.headers.get, FORWARDED))


def _refused(status: int, code: str, headers: dict[str, str]) -> HttpResponse:
    detail = "Metrics are for who has METRICS_TOKEN, or, where none is set, for the machine itself"
    return problem_http(status, code=code, detail=detail, headers=headers)
