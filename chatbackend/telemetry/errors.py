"""Errors to Sentry: what broke and where, found again in our own log by the request's id. What was said stays here."""

import sys
from typing import TYPE_CHECKING, Any, Final, cast

import sentry_sdk
from django.conf import settings
from django.utils.crypto import salted_hmac
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from chatbackend import __version__, logs
from chatbackend.telemetry import by_machines
from chatbackend.telemetry.bound import Bound
from chatbackend.telemetry.ending import at_end
from conversations.context import request_id
from dbperf.fingerprints import plain

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

LAST_CALL_S: Final = 2.0
OURS: Final = frozenset({"chatbackend", "personal", "webhooks", "messaging", "conversations", "dbperf"})
KEPT: Final = frozenset(
    {"event_id", "timestamp", "start_timestamp", "type", "platform", "level", "logger", "transaction"}
    | {
        "transaction_info",
        "release",
        "environment",
        "server_name",
        "sdk",
        "exception",
        "logentry",
        "contexts",
        "spans",
    }
)
OF_CONTEXTS: Final = frozenset({"trace", "runtime"})
OF_TRACES: Final = frozenset({"trace_id", "span_id", "parent_span_id", "op", "origin", "status"})
OF_SPANS: Final = OF_TRACES | {"start_timestamp", "timestamp"}
OF_FRAMES: Final = frozenset(
    {"filename", "abs_path", "function", "module", "lineno", "in_app"}
    | {"pre_context", "context_line", "post_context"}
)

_bound = Bound()


def start() -> None:
    """From now on what is logged as an error, and what nobody caught, is sent by a thread of its own."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.RELEASE or __version__,
        traces_sampler=_share if settings.SENTRY_TRACES else None,
        # A trace is gone on with where it bears this mark: by our own tasks, not by whoever sends a header.
        strict_trace_continuation=True,
        org_id=_mark(),
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=_integrations(),
        before_send=told,
        before_send_transaction=bare,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        trace_propagation_targets=[],  # webhooks go to other people's servers
        auto_session_tracking=False,
        shutdown_timeout=LAST_CALL_S,
    )
    at_end(sentry_sdk.flush)


def _mark() -> str:
    """The same in all processes, and in no client's reach."""
    return salted_hmac("chatbackend.telemetry.errors", "trace").hexdigest()


def _share(about: dict[str, Any]) -> float:
    """A task goes with its request."""
    path = about.get("wsgi_environ", {}).get("PATH_INFO") or about.get("asgi_scope", {}).get("path") or ""
    if by_machines(path):
        return 0.0
    parent = about.get("parent_sampled")
    return float(settings.SENTRY_TRACES if parent is None else parent)


def _integrations() -> list[Any]:
    return [
        DjangoIntegration(middleware_spans=False, signals_spans=False, cache_spans=False),
        CeleryIntegration(propagate_traces=settings.SENTRY_TRACES > 0),
        LoggingIntegration(level=None, sentry_logs_level=None),
        ExcepthookIntegration(),
        ThreadingIntegration(),
        DedupeIntegration(),
    ]


def told(event: "Event", hint: "Hint") -> "Event | None":
    """An error, unless there were enough of its kind in this minute; the next one that is told says of how many."""
    kept = bare(event, hint)
    if not _bound.admits(_kind(cast(dict[str, Any], kept))):
        return None
    if left_out := _bound.left_out():
        kept["tags"]["left_out"] = str(left_out)
    return kept


def _kind(event: dict[str, Any]) -> tuple[str, ...]:
    """Where it broke, and what was said of it."""
    raised = [each["stacktrace"]["frames"] for each in event.get("exception", {}).get("values", [])]
    places = [f"{frames[-1].get('module')}:{frames[-1].get('lineno')}" for frames in raised if frames]
    error = str(event["tags"].get("error", ""))
    return (str(event.get("logentry", {}).get("message", "")), error, *places)


def bare(event: "Event", hint: "Hint") -> "Event":
    """What is listed above, and nothing else: libraries add to their events with each version."""
    given: dict[str, Any] = dict(event)
    kept = {name: value for name, value in given.items() if name in KEPT}
    if "exception" in kept:
        kept["exception"] = {"values": [_exception(each) for each in given["exception"].get("values", [])]}
    if "logentry" in kept:
        kept["logentry"] = {"message": _line(given)}
    if (
        given.get("transaction_info", {}).get("source") == "url"
    ):  # no address of ours: whatever somebody typed
        kept["transaction"] = "outside of all addresses"
    kept["contexts"] = _contexts(given.get("contexts", {}))
    if "spans" in kept:
        kept["spans"] = [_span(each) for each in given["spans"]]
    kept["tags"] = _tags(hint)
    return kept  # type: ignore[return-value]


def _line(given: dict[str, Any]) -> str:
    """A line of our own, without what is put into it. Others' may have it in them already."""
    logger = str(given.get("logger", ""))
    return str(given["logentry"].get("message", "")) if logger.split(".")[0] in OURS else logger


def _exception(given: dict[str, Any]) -> dict[str, Any]:
    """Its kind and where it was raised. Its text may quote a value, as PostgreSQL's and Python's own do."""
    kept = _only(frozenset({"type", "module"}), given)
    handled = {name: given.get("mechanism", {}).get(name) for name in ("type", "handled")}
    frames = (given.get("stacktrace") or {}).get("frames", [])
    return {
        **kept,
        "mechanism": handled,
        "stacktrace": {"frames": [_only(OF_FRAMES, each) for each in frames]},
    }


def _contexts(given: dict[str, Any]) -> dict[str, Any]:
    kept = _only(OF_CONTEXTS, given)
    if "trace" in kept:
        kept["trace"] = _only(OF_TRACES, kept["trace"])
    return kept


def _span(given: dict[str, Any]) -> dict[str, Any]:
    """Statements without their values; of everything else only what kind it is."""
    kept = _only(OF_SPANS, given)
    if str(given.get("op", "")).startswith("db") and given.get("data", {}).get("db.system") == "postgresql":
        kept["description"] = plain(str(given.get("description", "")))
    return kept


def _tags(hint: "Hint") -> dict[str, str]:
    error = (hint.get("exc_info") or sys.exc_info())[1]
    found = {
        "process": settings.PROCESS,
        "request_id": request_id.get(),
        "trace_id": logs.trace_id(),
        "error": type(error).__name__ if error else "",
        "sqlstate": getattr(error and error.__cause__, "sqlstate", None) or "",
    }
    return {name: value for name, value in found.items() if value}


def _only(names: frozenset[str], given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in names}
