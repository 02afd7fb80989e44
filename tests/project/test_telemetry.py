"""Traces and errors as a collector and a Sentry get them, from real servers; nothing is there where they are off."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, cast

import httpx
import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from sentry_sdk.utils import event_from_exception

from chatbackend.celery import app
from chatbackend.connections import redis_database
from chatbackend.embedded.processes import stop
from chatbackend.embedded.redis import Redis
from chatbackend.telemetry import bound, errors
from chatbackend.telemetry.bare import LONGEST_TEXT, bare
from chatbackend.telemetry.traces import Beginnings, headers
from conversations.models import User
from tests import factories
from tests.dbperf.receivers import Hook, hook
from tests.realtime.client import Client, token_of
from tests.realtime.proxy import Proxy
from tests.server import ROOT, Server, work

SECRET = "Nachtigall-4711"  # said, searched for, and to be found nowhere
STRANGE = "a" * 32  # a trace that a client would have us join
STRANGE_HEADERS = {
    "traceparent": f"00-{STRANGE}-{'b' * 16}-01",
    "sentry-trace": f"{STRANGE}-{'b' * 16}-1",
    "baggage": f"sentry-trace_id={STRANGE},sentry-sample_rand=0.000001,sentry-user_id={SECRET}",
}
DOORS = ["chatbackend.asgi", "chatbackend.wsgi", "chatbackend.celery"]

Span = dict[str, Any]


def telling(port: int) -> dict[str, str]:
    """The settings of a process that tells everything to this port."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=its%20own",
        "OTEL_TRACES_SAMPLER_ARG": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "SENTRY_DSN": f"http://public@127.0.0.1:{port}/7",
        "SENTRY_TRACES": "1",
        "LOG_FORMAT": "json",
        "CHATBACKEND_EMBEDDED": "off",
    }


def spans(collector: Hook) -> list[Span]:
    """Everything that came so far, decoded."""
    found = []
    for call in [each for each in collector.calls if each.path == "/v1/traces"]:
        assert call.headers["x-key"] == "its own"
        for resource in ExportTraceServiceRequest.FromString(call.body).resource_spans:
            process = _plain(resource.resource.attributes)["chatbackend.process"]
            for scope in resource.scope_spans:
                found += [_span(each, process) for each in scope.spans]
    return found


def _span(given: Any, process: str) -> Span:
    return {
        "name": given.name,
        "trace": given.trace_id.hex(),
        "process": process,
        "failed": given.status.code == 2,
        **_plain(given.attributes),
    }


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}


def events(sentry: Hook) -> list[dict[str, Any]]:
    """The errors that came to Sentry."""
    return [item for item in _items(sentry) if "exception" in item or "logentry" in item]


def transactions(sentry: Hook, name: str) -> list[dict[str, Any]]:
    """Times of one address or task that came to Sentry."""
    return [
        item for item in _items(sentry) if item.get("type") == "transaction" and item["transaction"] == name
    ]


def _items(sentry: Hook) -> Iterator[dict[str, Any]]:
    for call in [each for each in sentry.calls if each.path == "/api/7/envelope/"]:
        lines = opened(call.body).split(b"\n")
        yield from (json.loads(line) for line in lines[2::2] if line.startswith(b"{"))


def opened(body: bytes) -> bytes:
    """What a body says."""
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def eventually(found: Callable[[], Any], within_s: float = 20) -> Any:
    until = time.monotonic() + within_s
    while not (result := found()) and time.monotonic() < until:
        time.sleep(0.05)
    return result


@contextmanager
def served(database: str, **settings: str) -> Iterator[Server]:
    server = Server(database=database, settings=settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.log.unlink()


@contextmanager
def working(server: Server) -> Iterator[None]:
    """A worker beside the server, with the same settings."""
    process = work(server.env)
    try:
        yield
    finally:
        stop(process, signal.SIGTERM, within_s=20)


class Person:
    """Somebody who asks over REST, each time with an id of their own."""

    def __init__(self, user: User, server: Server) -> None:
        self.token = token_of(user)
        self.http = httpx.Client(base_url=f"{server.base_url}/api/v1", timeout=20)

    def ask(self, method: str, path: str, request_id: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "X-Request-ID": request_id}
        return self.http.request(method, path, headers=headers | STRANGE_HEADERS, **more)


def ask_for(task: str, redis_url: str) -> None:
    """As the clock does."""
    with app.connection_for_write(url=redis_database(redis_url, settings.REDIS_BROKER_DB)) as connection:
        app.send_task(task, connection=connection)


@pytest.mark.slow
def test_a_request_an_op_and_a_task_and_what_breaks(daphne: Server, own_redis: Redis) -> None:
    alice = factories.person("alice", display_name="Alice Liddell")
    room = factories.group(alice, name="Their room")
    with hook() as told:
        way = Proxy()
        settings = {
            **telling(told.port),
            "REDIS_URL": own_redis.url,
            "DATABASE_URL": way.url(daphne.database),
        }
        with served(daphne.database, **settings) as server, working(server):
            person = Person(alice, server)
            messages = f"/conversations/{room}/messages"
            said = person.ask("POST", messages, "says-1", json={"content": SECRET})
            assert said.status_code == 201, said.text
            assert person.ask("GET", "/search/messages", "seeks-1", params={"q": SECRET}).status_code == 200
            assert person.ask("GET", f"/{SECRET}", "lost-1").status_code == 404
            assert person.ask("POST", "/users/me/export", "takes-1", json={}).status_code == 202
            for path in ("/health", "/health/ready", "/metrics"):
                assert httpx.get(server.base_url + path).status_code == 200
            with Client(server.ws_url, token=person.token) as client:
                client.do("send", conversation=room, client_id="1", content=SECRET)
            last = {
                "run/personal.tasks.work",
                "socket send",
            }  # a span comes when it is over, after those in it
            eventually(lambda: last <= {each["name"] for each in spans(told)})
            _it_was_a_trace(spans(told))
            eventually(lambda: transactions(told, "personal.tasks.work"))
            _times_were_told(told)

            way.cut()
            ask_for("conversations.tasks.wake_cases", own_redis.url)
            for number in range(1, 2 * bound.OF_A_KIND):
                broken = person.ask("GET", "/conversations", f"breaks-{number}")
                assert (broken.status_code, broken.json()["code"]) == (503, "database_unavailable")
            eventually(lambda: {each["tags"]["process"] for each in events(told)} == {"web", "worker"})
            _it_was_an_event(events(told))
            log = server.log.read_text()
        way.close()
        _nothing_of_it_left(told, person.token, str(alice.username))
    traced = {
        record.get("trace_id")
        for record in map(json.loads, re.findall(r"^{.*$", log, re.MULTILINE))
        if record["request_id"] == "breaks-1"
    }
    assert traced == {each["trace"] for each in spans(told) if each.get("request_id") == "breaks-1"}


def _it_was_a_trace(all_spans: list[Span]) -> None:
    (request,) = [each for each in all_spans if each.get("request_id") == "says-1" and "http.route" in each]
    assert request["name"] == "POST /api/v1/conversations/<id:conversation_id>/messages"
    assert request["http.response.status_code"] == 201
    inside = [each for each in all_spans if each["trace"] == request["trace"] and each is not request]
    assert {each["request_id"] for each in inside} == {"says-1"}
    statements = [each["db.query.text"] for each in inside if "db.query.text" in each]
    assert statements
    assert not any(re.search(r"['%]|says-1", each) for each in statements)
    assert any(each.get("db.system") == "redis" and each["db.statement"].endswith("?") for each in inside)
    lost = [each for each in all_spans if each.get("request_id") == "lost-1" and "http.route" in each]
    assert [each["name"] for each in lost] == ["GET outside of all addresses"]
    (asked,) = [each for each in all_spans if each.get("request_id") == "takes-1" and "http.route" in each]
    ran = [each for each in all_spans if each["trace"] == asked["trace"] and each["process"] == "worker"]
    assert "run/personal.tasks.work" in {each["name"] for each in ran}
    assert any("db.query.text" in each for each in ran)
    (op,) = [each for each in all_spans if each["name"] == "socket send"]
    assert [each for each in all_spans if each["trace"] == op["trace"] and "db.query.text" in each]


def _times_were_told(told: Hook) -> None:
    """Of the request and of its task, as one trace; not of what machines ask."""
    (asked,), ran = transactions(told, "/api/v1/users/me/export"), transactions(told, "personal.tasks.work")
    assert {each["contexts"]["trace"]["trace_id"] for each in ran} == {asked["contexts"]["trace"]["trace_id"]}
    assert [each["tags"]["process"] for each in ran] == ["worker"]
    looks = {item.get("transaction") for item in _items(told)} | {each["name"] for each in spans(told)}
    assert [each for each in looks if each and re.search("health|metrics", each)] == []


def _it_was_an_event(found: list[dict[str, Any]]) -> None:
    (of_task,) = [each for each in found if each["tags"]["process"] == "worker"]
    assert of_task["transaction"] == "conversations.tasks.wake_cases"
    assert of_task["exception"]["values"][-1]["type"] == "OperationalError"
    web = [each for each in found if each["tags"]["process"] == "web"]
    kinds = Counter(each["logentry"]["message"] for each in web)
    assert kinds == {"database: %s (%s)": bound.OF_A_KIND}
    event = next(each for each in found if each["tags"].get("request_id") == "breaks-1")
    assert event["tags"]["trace_id"]
    assert event["logentry"] == {"message": "database: %s (%s)"}
    assert event["tags"]["error"] == "OperationalError"
    assert event["transaction"].endswith("/conversations")
    assert event.keys().isdisjoint({"user", "request", "extra", "breadcrumbs", "modules"})


def _nothing_of_it_left(told: Hook, token: str, username: str) -> None:
    everything = b"\n".join(opened(call.body) for call in told.calls)
    for each in (SECRET, STRANGE, token, username, "Liddell", "Their room", "Bearer"):
        assert each.encode() not in everything, each


def test_what_an_exception_says_stays_here() -> None:
    """Events and spans as the libraries make them, with everything that they could hold."""
    said = SECRET  # a variable of the code, which Sentry takes along
    try:
        raise ValueError(said)
    except ValueError as error:
        event, hint = event_from_exception(error)
        more: dict[str, Any] = {
            name: {"data": SECRET} for name in ("request", "user", "extra", "breadcrumbs")
        }
        more["logger"] = "asyncio"
        more["logentry"] = {"message": f"never retrieved: {error!r}", "params": [SECRET]}
        more |= {"transaction": f"/{SECRET}", "transaction_info": {"source": "url"}}
        kept: Any = errors.bare(cast(Any, {**event, **more}), hint)
    assert SECRET not in json.dumps(kept, default=str)
    (exception,) = kept["exception"]["values"]
    assert (exception["type"], kept["tags"]["error"]) == ("ValueError", "ValueError")
    assert exception["stacktrace"]["frames"][-1]["function"] == "test_what_an_exception_says_stays_here"

    span = (
        TracerProvider()
        .get_tracer("test")
        .start_span(
            "GET",
            attributes={"url.full": SECRET, "http.route": "/", "db.statement": "GET ?\n" * 10_000},
            links=[Link(SpanContext(1, 1, is_remote=True), {"said": SECRET})],
        )
    )
    span.add_event(SECRET)
    span.record_exception(ValueError(SECRET))
    span.set_status(Status(StatusCode.ERROR, SECRET))
    span.end()
    assert isinstance(span, ReadableSpan)
    text = bare(span).to_json()
    assert SECRET not in text
    assert '"exception.type": "ValueError"' in text
    assert '"http.route": "/"' in text
    assert len(text) < 2 * LONGEST_TEXT


def test_what_breaks_in_a_loop_is_told_a_few_times_a_minute() -> None:
    now = 100.0
    some = bound.Bound(lambda: now)
    assert [some.admits("one") for _ in range(bound.OF_A_KIND + 3)] == [True] * bound.OF_A_KIND + [False] * 3
    assert some.admits("another")
    assert (some.left_out(), some.left_out()) == (3, 0)
    others = sum(some.admits(number) for number in range(1_000))
    assert others == bound.IN_ALL - bound.OF_A_KIND - 1
    now += bound.MINUTE_S - 1
    assert not some.admits("a third")
    now += 1
    assert some.admits("one")


def test_a_trace_begins_with_a_request_an_op_or_a_task() -> None:
    """And not with each command by which a worker asks its queue."""
    tracer = TracerProvider(sampler=ParentBased(root=Beginnings(1.0))).get_tracer("test")
    begun = {kind for kind in SpanKind if tracer.start_span("x", kind=kind).is_recording()}
    assert begun == {SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.PRODUCER}
    with tracer.start_as_current_span("request", kind=SpanKind.SERVER):
        assert tracer.start_span("GET", kind=SpanKind.CLIENT).is_recording()


def test_headers_are_read_as_opentelemetry_has_them() -> None:
    assert headers("") == {}
    assert headers("Authorization=Basic%20eDp5, x-team = chat") == {
        "authorization": "Basic eDp5",
        "x-team": "chat",
    }


@pytest.mark.slow
def test_who_is_told_may_be_away(daphne: Server) -> None:
    """Somebody takes everything and answers nothing. To send what waits would take minutes; the process ends before."""
    alice = factories.person("alice")
    with hook() as mute:
        mute.wait = Event()
        settings = telling(mute.port) | {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4"}
        with served(daphne.database, **settings) as server:
            person = Person(alice, server)
            for number in range(40):
                assert person.ask("GET", "/conversations", f"asks-{number}").status_code == 200
            assert eventually(lambda: "opentelemetry" in server.log.read_text())
            # The third attempt says that the second failed, too.
            assert eventually(lambda: [call.path for call in mute.calls].count("/v1/traces") >= 3)
            log, process = server.log.read_text(), server.process
            server.stop()
        mute.wait.set()
    assert {"/v1/traces", "/api/7/envelope/"} <= {call.path for call in mute.calls}
    said = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert ["opentelemetry" in each["logger"] for each in said if each["level"] != "INFO"] == [True]
    assert process is not None
    assert process.returncode != -signal.SIGKILL  # it ended by itself, within ten seconds


LAST_WORDS = """
import logging, multiprocessing

def work():
    import chatbackend.wsgi
    from opentelemetry import trace
    with trace.get_tracer("test").start_as_current_span("the last span", kind=trace.SpanKind.SERVER):
        for number in range(40):
            logging.getLogger("chatbackend").error(f"word {number}")

process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
"""


def test_what_is_left_is_sent_when_a_worker_ends() -> None:
    """As Granian ends its own: `multiprocessing` does not ask `atexit`."""
    with hook() as told:
        ended = _python(LAST_WORDS, **telling(told.port) | {"OTEL_BSP_SCHEDULE_DELAY": "60000"})
        assert ended.returncode == 0, ended.stderr
        assert [each["name"] for each in spans(told)] == ["the last span"]
        assert [each["logentry"]["message"] for each in events(told)] == [f"word {n}" for n in range(40)]


FORKED = """
import logging, os
import chatbackend.celery, django
django.setup()
import sentry_sdk
from chatbackend import telemetry

def say(words):
    for word in words:
        logging.getLogger("chatbackend").error(word)
        sentry_sdk.flush(5)

telemetry.load()
say(["by the worker", "again"])
if child := os.fork():
    os.waitpid(child, 0)
else:
    telemetry.start()
    say(["by its fork"])
    os._exit(0)
"""


def test_a_fork_has_a_connection_to_sentry_of_its_own() -> None:
    """The worker's own comes along: two that write into it, each by itself, break what the other says."""
    with hook(stays=True) as told:
        ended = _python(FORKED, **telling(told.port) | {"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
        assert ended.returncode == 0, ended.stderr
        assert [each["logentry"]["message"] for each in events(told)] == [
            "by the worker",
            "again",
            "by its fork",
        ]
        worker, again, fork = (call.caller for call in told.calls)
        assert worker == again != fork


def _python(code: str, *options: str, **env: str) -> "subprocess.CompletedProcess[str]":
    names = {**os.environ, "DJANGO_SETTINGS_MODULE": "chatbackend.settings", **env}
    argv = [sys.executable, *options, "-c", code]
    return subprocess.run(argv, cwd=ROOT, env=names, capture_output=True, text=True, check=False)


IMPORTED = """
import importlib, sys
from django.core.management import call_command
for door in {doors}: importlib.import_module(door)
call_command("check")
print(len([name for name in sys.modules if name.startswith({names})]))
"""
# Redis's client looks for OpenTelemetry's metrics by itself, wherever they are installed.
OURS = (
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter",
    "opentelemetry.instrumentation",
    "sentry_sdk",
    "wrapt",
)


def test_nothing_is_imported_where_it_is_off() -> None:
    code = IMPORTED.format(doors=DOORS, names=(*OURS, "chatbackend.telemetry."))
    assert _python(code).stdout.splitlines()[-1] == "0"


@pytest.fixture
def without_packages(tmp_path: Path) -> dict[str, str]:
    """An environment with everything that is installed but what requirements-observability.txt adds."""
    (site,) = {Path(path) for path in sys.path if path.endswith("site-packages")}
    for each in site.iterdir():
        if not each.name.startswith(("opentelemetry", "sentry_sdk")):
            (tmp_path / each.name).symlink_to(each)
    return {"PYTHONPATH": str(tmp_path)}


REFUSED = """
import sys, django
from django.core.management import call_command
from chatbackend.celery import app
for ask in (
    lambda: app.worker_main(["worker", "--concurrency", "1"]),
    lambda: __import__("chatbackend.wsgi"),
    lambda: call_command("check"),
):
    try:
        ask()
    except BaseException as end:
        print(type(end).__name__, str(end).replace("\\n", " "), file=sys.__stdout__)  # not Celery's
assert not any(name.startswith(("opentelemetry", "sentry_sdk")) for name in sys.modules)
"""


def test_a_process_without_the_packages_says_what_to_install(without_packages: dict[str, str]) -> None:
    ended = _python(
        "import chatbackend.asgi", "-S", SENTRY_DSN="http://public@127.0.0.1/7", **without_packages
    )
    assert (ended.returncode, ended.stderr.strip().splitlines()) == (
        1,
        ["SENTRY_DSN is set, but not installed: sentry-sdk. pip install -r requirements-observability.txt"],
    )
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    said = _python(REFUSED, "-S", **endpoint, **without_packages)
    assert said.returncode == 0, said.stderr
    *starts, checked = said.stdout.splitlines()
    assert len(starts) == 2
    for each in starts:
        assert each.startswith(
            "SystemExit OTEL_EXPORTER_OTLP_ENDPOINT is set, but not installed: opentelemetry-sdk"
        )
        assert each.endswith("pip install -r requirements-observability.txt")
    assert checked.startswith("SystemCheckError")
    assert "chatbackend.E016" in checked
