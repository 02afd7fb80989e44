"""Spans: requests, socket ops and statements by seams of our own, Redis and Celery by their instrumentations."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from celery.signals import worker_process_shutdown
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TraceState
from opentelemetry.util.types import Attributes

from chatbackend import __version__, logs, watched
from chatbackend.telemetry import by_machines
from chatbackend.telemetry.bare import BareExporter
from chatbackend.telemetry.ending import at_end
from conversations.context import request_id
from dbperf.aliases import EXPLAIN
from dbperf.fingerprints import plain
from messaging.consumers import work

SEND_WITHIN_S: Final = 3.0  # a batch; what the collector does not take by then is gone
BEGINNINGS: Final = frozenset({SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.PRODUCER})
MOST_LETTERS: Final = 12  # of the first word of a statement

_tracer = trace.get_tracer("chatbackend", __version__)
_statement = lru_cache(maxsize=1_000)(plain)


class Beginnings(Sampler):
    """A trace begins with a request, an op or a task. What a worker asks of its queue all day long begins none."""

    def __init__(self, ratio: float) -> None:
        self._some = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As OpenTelemetry asks it."""
        if kind not in BEGINNINGS:
            return SamplingResult(Decision.DROP)
        return self._some.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """For people."""
        return f"Beginnings({self._some.get_description()})"


class Marking(SpanProcessor):
    """Each span says which request it belongs to, as each log line and statement does."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """While the request's own context is at hand."""
        if current := request_id.get():
            span.set_attribute("request_id", current)


class TraceMiddleware:
    """A span for each request, named by the pattern of its address. What stands in the address is not in it, nor is
    a trace that a stranger's header would have us join."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request) if by_machines(request.path) else self._traced(request)

    def _traced(self, request: HttpRequest) -> HttpResponse:
        with _tracer.start_as_current_span("request", context=Context(), kind=SpanKind.SERVER) as span:
            request.trace_id = trace_id() or None  # type: ignore[attr-defined]  # for what Django logs after us
            response = self.get_response(request)
            span.update_name(watched.endpoint(request))
            span.set_attributes(_about(request, response))
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
            return response


def start() -> None:
    """From now on spans are made, and sent by a thread of their own."""
    exporter = BareExporter(_collector())
    sampler = ParentBased(root=Beginnings(settings.OTEL_TRACES_SAMPLER_ARG))
    provider = TracerProvider(sampler=sampler, resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(Marking())
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    _end_with_process(provider, exporter)
    RedisInstrumentor().instrument()
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    connection_created.connect(_watch, dispatch_uid="chatbackend.telemetry")
    work.watched_by(_op)
    logs.traced_by(trace_id)


def trace_id() -> str:
    """Of the trace at hand, where it is one that is sent."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.trace_flags.sampled else ""


def _collector() -> OTLPSpanExporter:
    endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    return OTLPSpanExporter(
        endpoint, headers=headers(settings.OTEL_EXPORTER_OTLP_HEADERS), timeout=SEND_WITHIN_S
    )


def headers(given: str) -> dict[str, str]:
    """`name=value,name=value`, values quoted as in a URL."""
    pairs = [pair.partition("=") for pair in given.split(",") if pair.strip()]
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


def _resource() -> Resource:
    """What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say wins over the name."""
    ours = {"service.version": settings.RELEASE or __version__, "chatbackend.process": settings.PROCESS}
    named = Resource.create(ours)
    unnamed = str(named.attributes.get("service.name", "")).startswith("unknown_service")
    return named.merge(Resource({"service.name": "chatbackend"})) if unnamed else named


def _end_with_process(provider: TracerProvider, exporter: BareExporter) -> None:
    def end(**kwargs: Any) -> None:
        exporter.last_call()
        provider.shutdown()

    at_end(end)
    worker_process_shutdown.connect(end, weak=False, dispatch_uid="chatbackend.telemetry")


def _about(request: HttpRequest, response: HttpResponse) -> dict[str, str | int]:
    match = request.resolver_match
    method = request.method if request.method in watched.METHODS else "_OTHER"
    return {
        "http.request.method": method or "",
        "http.route": f"/{match.route}" if match else "",
        "http.response.status_code": response.status_code,
    }


@contextmanager
def _op(name: str) -> Iterator[None]:
    also = watched.op(name) if settings.DB_TRACE else nullcontext()
    with also, _tracer.start_as_current_span(f"socket {name or 'work'}", kind=SpanKind.SERVER):
        yield


def _watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Outermost, so that it sees a statement as the code wrote it. Not where what staff typed is explained."""
    if connection.alias != EXPLAIN and traced not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, traced)


def traced(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """An execute wrapper of Django's: a span for the statement without its values, inside of one that is sent."""
    if not trace.get_current_span().is_recording():
        return execute(sql, params, many, context)
    text = _statement(sql if isinstance(sql, str) else sql.as_string())
    about = {
        "db.system.name": "postgresql",
        "db.namespace": context["connection"].alias,
        "db.query.text": text,
    }
    with _tracer.start_as_current_span(_operation(text), kind=SpanKind.CLIENT, attributes=about):
        return execute(sql, params, many, context)


def _operation(text: str) -> str:
    word = text.split(" ", 1)[0].split("(", 1)[0]
    return word.upper() if word.isalpha() and len(word) <= MOST_LETTERS else "statement"
