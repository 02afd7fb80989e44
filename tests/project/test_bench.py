"""`manage.py bench` and its parts."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import Max, Min

from chatbackend.benchmark import kept, report
from chatbackend.benchmark.cases import CASES, PAGE, statements
from chatbackend.benchmark.client import Load, measure
from chatbackend.benchmark.data import READERS, Dataset, Seat, fill
from chatbackend.benchmark.data.vocabulary import ABSENT, COMMON, words
from chatbackend.benchmark.layouts import tables
from chatbackend.benchmark.monitor import staff
from chatbackend.benchmark.queries import figures, plot
from chatbackend.benchmark.queries import targets as ways
from chatbackend.benchmark.queries.limit import Statement
from chatbackend.benchmark.queries.questions import QUESTIONS
from conversations.models import Conversation, Participant, User
from conversations.queries import inbox
from messaging.models import Message
from messaging.services.messages import send_message
from tests import factories

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextmanager
def answering(*pieces: bytes) -> Iterator[int]:
    """A server that answers each request of each connection with the pieces, one by one; yields its port."""

    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            while connection.recv(65536):
                for piece in pieces:
                    connection.sendall(piece)
                if not pieces:
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[connection], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def load(port: int) -> Load:
    return Load("127.0.0.1", port, 3, 0.1, ["GET /a HTTP/1.1\r\n\r\n", "GET /b HTTP/1.1\r\n\r\n"])


def test_the_client_counts_whole_replies() -> None:
    with answering(OK[:20], OK[20:-1], OK[-1:]) as port:
        measured = measure(load(port))
    assert measured.requests == len(measured.latencies) >= 3
    assert measured.bytes == measured.requests * len(OK)
    assert (measured.errors, measured.statuses) == (0, {"200": measured.requests})
    assert measured.seconds >= 0.1
    assert min(measured.latencies) > 0


def test_the_client_counts_refusals() -> None:
    with answering(OK.replace(b"200 OK", b"429 Too Many Requests")) as port:
        measured = measure(load(port))
    assert measured.errors == measured.requests > 0


@pytest.mark.parametrize(
    ("pieces", "words"), [((), "closed"), ((b"HTTP/1.1 200 OK\r\n\r\n",), "Content-Length")]
)
def test_the_client_gives_up_where_it_cannot_measure(pieces: tuple[bytes, ...], words: str) -> None:
    with answering(*pieces) as port, pytest.raises(ConnectionError, match=words):
        measure(load(port))


def test_percentiles() -> None:
    hundred = [float(value) for value in range(100, 0, -1)]
    assert [report.percentile(hundred, rank) for rank in (50, 95, 99)] == [51.0, 96.0, 100.0]
    assert report.percentile([], 50) == 0.0
    assert report.percentile([7.0], 99) == 7.0


def test_what_makes_figures_doubtful_is_said() -> None:
    fine = {"errors": 0, "client_cpu": 0.2, "server_cpu": 0.9}
    targets = {"wsgi": fine, "daphne": fine | {"errors": 3}, "bare": fine | {"client_cpu": 0.9}}
    result = {"machine": {"cores": 2, "load_before": 1.5}, "results": {"history": targets}}
    assert report.warnings(result) == [
        "the machine was busy with other things before the run (load 1.5)",
        "history, daphne: 3 replies were errors",
        "history, bare: the client was busy (90%): a lower bound",
    ]


@pytest.mark.django_db(transaction=True)
def test_the_data_holds_the_rules_of_real_data() -> None:
    data = fill(messages=3_000)
    call_command("check_integrity", stdout=StringIO(), stderr=StringIO())
    assert Message.objects.count() == data.messages
    assert User.objects.count() == data.users
    assert set(Conversation.Type.values) == set(Conversation.objects.values_list("type", flat=True))
    assert len({seat.user for seat in data.seats}) == READERS
    assert all(inbox.unread_totals(viewer=seat.user) for seat in data.seats)
    assert data.desks
    for desk in data.desks:
        page = inbox.business_inbox(
            viewer=desk.user, business_id=desk.business, wanted=inbox.InboxFilter(), limit=9
        )
        assert page
    largest = data.largest[0]
    assert largest.messages == Conversation.objects.aggregate(most=Max("last_seq"))["most"]
    written = send_message(sender_id=largest.user, conversation_id=largest.conversation, content="hi")
    assert written.seq == largest.messages + 1


@pytest.mark.django_db(transaction=True)
def test_the_data_is_skewed_and_reaches_to_its_end() -> None:
    end = datetime(2026, 6, 1, tzinfo=UTC)
    data = fill(messages=3_000, end=end)
    assert data.largest[0].messages > 10 * data.messages / data.conversations
    times = Message.objects.aggregate(first=Min("sent_at"), last=Max("sent_at"))
    assert end - timedelta(days=366) < times["first"] < times["last"] < end
    assert Message.objects.filter(sent_at__gt=end - timedelta(days=7)).exists()
    said = Message.objects.filter(deleted_at=None)
    common, rare = (said.filter(content__iregex=rf"\m{word}\M").count() for word in (COMMON, words()[999]))
    assert common > 20 * rare
    assert not said.filter(content__icontains=ABSENT).exists()


@pytest.mark.django_db(transaction=True)
def test_the_data_is_the_same_for_the_same_numbers_and_leaves_every_index() -> None:
    end, there = datetime(2026, 6, 1, tzinfo=UTC), definitions()
    fill(messages=1_000, end=end)
    one = content()
    empty()
    fill(messages=1_000, end=end)
    assert content() == one
    empty()
    fill(messages=1_000, end=end, seed=2)
    assert content() != one
    assert definitions() == there


def content() -> list[tuple[object, ...]]:
    columns = ("conversation", "seq", "sender", "type", "content", "sent_at", "client_id", "deleted_at")
    seats = Participant.objects.order_by("conversation", "user")
    return [
        *Message.objects.order_by("conversation", "seq").values_list(*columns),
        *seats.values_list("conversation", "user", "role", "last_read_seq", "left_at"),
    ]


def empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE users, conversations CASCADE")


def definitions() -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text !~ '^pg_'
            UNION ALL SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint
            ORDER BY 1"""
        )
        found: list[tuple[str, ...]] = cursor.fetchall()
        return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_measures_everything_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    sizes = ["--messages", "3000", "--rounds", "1", "--seconds", "0.15", "--connections", "4"]
    finished = run_bench("http", *sizes, "--json", str(file))
    assert finished.returncode == 0, finished.stderr
    assert "wsgi / bare_constant_wsgi" in finished.stdout
    result = json.loads(file.read_text())
    assert set(result) >= {"machine", "versions", "messages", "results", "ratios"}
    assert set(result["results"]) == {"history", "inbox", "stats", "send"}
    for targets in result["results"].values():
        assert set(targets) == {
            "wsgi", "daphne", "statement", "bare_constant_wsgi", "bare_statement_wsgi", "bare_constant_daphne",
            "bare_statement_daphne",
        }  # fmt: skip
        for each in targets.values():
            assert each["per_second"] > 0
            assert each["errors"] == 0
            assert 0 < each["p50_ms"] <= each["p95_ms"] <= each["p99_ms"]
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert (
            connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE %s", ["%bench"]).fetchall() == []
        )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_of_watching(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    sizes = ["--messages", "3000", "--seconds", "0.1", "--connections", "2", "--year", "0.01"]
    finished = run_bench("monitor", *sizes, "--json", str(file))
    assert finished.returncode == 0, finished.stderr
    result = json.loads(file.read_text())
    paths = {f"/admin/database/{name}" for name in staff.REST} | {
        f"/admin/dbperf/{name}/" for name in staff.PAGES
    }
    assert set(result["answers"]) == {"a page of history", *paths}
    for path, each in [*result["alone"].items(), *result["answers"].items()]:
        assert (each["errors"], each["requests"] > 0) == (0, True), path
        assert f" {path.removeprefix('/admin/')} " in finished.stdout
    assert 0 < result["cost"]["pulse_ms"] < result["cost"]["own_ms_an_hour"]
    assert 0 < result["cost"]["share_pct"] < 100
    assert 0 < result["kept"]["bytes"] < result["kept"]["budget_bytes"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_over_the_queries(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    sizes = ["--messages", "3k", "--rounds", "1", "--seconds", "0.01"]
    finished = run_bench(*sizes, "--json", str(file), "--svg", str(tmp_path / "figures.svg"))
    assert finished.returncode == 0, finished.stderr
    drawn = ElementTree.parse(tmp_path / "figures.svg").getroot()  # noqa: S314 - we drew it
    assert len(drawn.findall("{*}rect/{*}title")) == len(QUESTIONS) * 3
    assert "history_deep" in finished.stdout
    result = json.loads(file.read_text())
    assert list(result) == [
        "machine", "versions", "messages", "queries", "growth", "indexes", "index_use_pct",
    ]  # fmt: skip
    assert result["queries"].keys() == result["growth"].keys() == {each.name for each in QUESTIONS}
    copied = {("bulk_insert", "limit"), ("bulk_insert_together", "limit")}
    for name, query in result["queries"].items():
        assert list(query) == ["before", "after", "limit", "speedup_p95", "over_limit_p50"]
        for way in ("before", "after", "limit"):
            assert list(query[way]) == ["p50_ms", "p95_ms", "p99_ms", "per_s", "buffers"]
            assert query[way]["per_s"] > 0
            assert (query[way]["buffers"] is None) == ((name, way) in copied)
        assert query["before"]["buffers"] > 0
        assert result["growth"][name].keys() == {
            "small_p95_ms", "large_p95_ms", "ratio", "small_buffers", "large_buffers",
        }  # fmt: skip
    assert {each["name"] for each in result["indexes"]} >= {"messages_unique_seq", "messages_search"}
    assert 0 < result["index_use_pct"] <= 100


RESULT = {
    "messages": 5_000_000,
    "queries": {
        "inbox": {**{way: {"p95_ms": ms} for way, ms in (("before", 100.0), ("after", 1.0), ("limit", 0.1))},
                  "speedup_p95": 100.0},
    },
    "growth": {"inbox": {"ratio": 1.25}},
}  # fmt: skip


def test_the_plot_is_logarithmic_and_says_what_it_shows() -> None:
    drawn = ElementTree.fromstring(plot.svg(RESULT))  # noqa: S314 - we drew it
    widths = {bar.get("class"): float(bar.get("width", 0)) for bar in drawn.findall("{*}rect[{*}title]")}
    third = plot.PLOT / 3  # of three powers of ten, from 0.1 to 100 ms
    assert widths == pytest.approx({"before": 3 * third, "after": third, "limit": 0}, abs=0.1)
    words = [text.text for text in drawn.findall("{*}text")]
    assert {"inbox", "100\N{MULTIPLICATION SIGN} · 1.25", "0.1", "100"} <= set(words)
    assert [bar.findtext("{*}title") for bar in drawn.findall("{*}rect[{*}title]")][
        1
    ] == "inbox, ours: 1.00 ms"


@pytest.mark.django_db(transaction=True)
def test_kept_data_is_copied_from_and_known_by_what_makes_it(settings: Any) -> None:
    settings.DATABASE_URL = settings.DATABASE_URL.rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"
    older = kept.kept_name(1_000)[:-10] + "0123456789"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{older}"')
    told: list[str] = []
    try:
        with kept.filled_database("bench_kept", messages=1_000, keep=True, say=told.append) as made:
            assert kept.kept() == [kept.kept_name(1_000)]  # in place of the older
            Message.objects.update(content="only in this copy")
            with connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                assert cursor.fetchone() == ("0",)  # over the connection after the copying, too
        with kept.filled_database("bench_kept", messages=1_000, keep=False, say=told.append) as copied:
            assert copied == made
            assert not Message.objects.filter(content="only in this copy").exists()
        assert told[-1] == f"Copied 1,000 messages from {kept.kept_name(1_000)}"
        settings.SEARCH_LANGUAGE = "german"
        assert kept.kept_name(1_000) not in kept.kept()
    finally:
        kept.forget(kept.kept())
    assert kept.kept() == []


def test_pgbench_is_told_who_it_is_where_nobody_sees_it() -> None:
    url = "postgresql://some%40body:se%2Fcret@localhost:5433/chat"
    login = ways._login(url)
    assert {name: login[name] for name in ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE")} == {
        "PGUSER": "some@body", "PGPASSWORD": "se/cret", "PGHOST": "localhost", "PGPORT": "5433", "PGDATABASE": "chat",
    }  # fmt: skip


@pytest.mark.django_db
def test_values_reach_pgbench_as_they_are(settings: Any) -> None:
    url = settings.DATABASE_URL.rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"
    text = "it's 10:05:00, \\: or so"
    sql = """SELECT 1 / (md5(%(text)s::text) = %(digest)s::text)::int
        / ('a:b\\' = concat('a', chr(58), 'b', chr(92)))::int"""
    with psycopg.connect(url) as raw:
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        script = ways.script(raw, [Statement(sql, {"text": text, "digest": digest})])
    program = ways.pgbench()
    assert program
    assert (
        len(ways.Pgbench(program, url, [script], None).timed(0.01)) == 3
    )  # a wrong value would divide by zero


@pytest.mark.django_db(transaction=True)
def test_who_sends_two_statements_is_no_measure_for_one() -> None:
    agent, customer = factories.agent(), factories.person()
    room = factories.case(customer, content="hello?")
    seats = [Seat(user.pk, room, PAGE) for user in (agent, customer)]
    data = Dataset(PAGE, 2, 1, seats, seats, [])
    (send,) = [case for case in CASES if case.name == "send"]
    assert [statement.params["sender"] for statement in statements(send, data)] == [customer.pk]


def run_bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "bench", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_ratio_that_got_worse_is_told() -> None:
    one = {"queries": {"inbox": {"speedup_p95": 100.0, "over_limit_p50": 1.5}, "new": {}}}
    assert figures.regressions(one, {"queries": {"inbox": one["queries"]["inbox"]}}, allowed=0.25) == []
    slower = {"queries": {"inbox": {"speedup_p95": 70.0, "over_limit_p50": 2.0}}}
    assert figures.regressions(slower, one, allowed=0.25) == [
        "inbox: 70.0 times before, it was 100.0",
        "inbox: 2.0 times the limit, it was 1.5",
    ]
    assert figures.regressions(slower, one, allowed=0.5) == []


def test_the_layouts_hold_the_same_and_are_asked_the_same(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    finished = run_bench(
        "layouts", "--messages", "3k", "--rounds", "1", "--seconds", "0.01", "--json", str(file)
    )
    assert finished.returncode == 0, finished.stderr
    result = json.loads(file.read_text())
    assert result["messages"] == 6_000
    assert list(result["layouts"]) == ["plain", "by_conversation", "by_month"]
    reads = {each.name for each in QUESTIONS if not each.writes}
    for layout in result["layouts"].values():
        assert layout["queries"].keys() == reads
        assert all(0 < each["p50_ms"] <= each["p95_ms"] for each in layout["queries"].values())
        assert min(layout[figure] for figure in ("bytes", "insert_us", "month_s")) > 0


@pytest.mark.parametrize(
    ("definition", "by_conversation", "by_month"),
    [
        ("CREATE UNIQUE INDEX k ON {}.messages USING btree (id)", "(id, conversation_id)", "(id, sent_at)"),
        (
            "CREATE UNIQUE INDEX k ON {}.messages USING btree (conversation_id, seq)",
            "CREATE UNIQUE",
            "CREATE INDEX",
        ),
        ("CREATE INDEX k ON {}.messages USING btree (sender_id) WHERE (type = '{x}')", "'{{x}}'", "'{{x}}'"),
    ],
)
def test_an_index_of_parts_is_unique_only_with_what_divides_them(
    definition: str, by_conversation: str, by_month: str
) -> None:
    ours = definition.replace("{}", "public")
    assert tables.index(ours, tables.PLAIN).format(*"x").startswith(definition.split("{}")[0])
    assert by_conversation in tables.index(ours, tables.BY_CONVERSATION)
    assert by_month in tables.index(ours, tables.BY_MONTH)
