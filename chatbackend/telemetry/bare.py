"""What leaves in a span: what is listed here, and nothing else. Libraries put more into their spans with each version,
and what an exception says may quote what somebody wrote."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

ATTRIBUTES: Final = frozenset(
    {
        "request_id",
        "error.type",
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "db.system",
        "db.system.name",
        "db.namespace",
        "db.operation.name",
        "db.query.text",
        "db.statement",  # of Redis: the command, and a ? for each argument
        "db.redis.args_length",
        "db.redis.pipeline_length",
        "celery.action",
        "celery.state",
        "celery.task_name",
        "messaging.destination",
        "messaging.message.id",
    }
)
OF_EXCEPTIONS: Final = frozenset({"exception.type"})
LONGEST_NAME: Final = 100  # Redis's name a pipeline by all of its commands
LONGEST_TEXT: Final = 4_000
LAST_CALL_S: Final = 2.0


class BareExporter(SpanExporter):
    """Hands spans on with what is listed."""

    def __init__(self, to: SpanExporter) -> None:
        self._to = to
        self._until = float("inf")

    def last_call(self) -> None:
        """The process ends: what the collector has not begun to take in two seconds stays here."""
        self._until = monotonic() + LAST_CALL_S

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """In the thread that sends; no request waits for it."""
        if monotonic() > self._until:
            return SpanExportResult.FAILURE
        return self._to.export([bare(span) for span in spans])

    def shutdown(self) -> None:
        """No more will come."""
        self._to.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._to.force_flush(timeout_millis)


def bare(span: ReadableSpan) -> ReadableSpan:
    """A copy with what is listed. Why it failed is left out but for the kind of the exception."""
    return ReadableSpan(
        name=span.name[:LONGEST_NAME],
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_only(ATTRIBUTES, span.attributes),
        events=[
            Event(e.name, _only(OF_EXCEPTIONS, e.attributes), e.timestamp)
            for e in span.events
            if e.name == "exception"
        ],
        links=[Link(each.context) for each in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _only(names: frozenset[str], given: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    return {name: _short(value) for name, value in (given or {}).items() if name in names}


def _short(value: AttributeValue) -> AttributeValue:
    return value[:LONGEST_TEXT] if isinstance(value, str) else value
