"""`manage.py bench` and its parts."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db.models import Count, F, Max, Min

from chatbackend.benchmark import report
from chatbackend.benchmark.client import Load, measure
from chatbackend.benchmark.dataset import READERS, fill
from conversations.models import Conversation, Participant, User
from conversations.queries import inbox
from messaging.models import Message
from messaging.services.messages import send_message

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
    rooms = Conversation.objects.annotate(
        said=Count("messages"),
        first=Min("messages__seq"),
        last=Max("messages__seq"),
        moved=Max("messages__version"),
    )
    assert not rooms.exclude(said=F("last_seq"), first=1, last=F("last_seq"), moved=F("version")).exists()
    assert not Conversation.objects.exclude(last_message__seq=F("last_seq")).exists()
    seated = Conversation.objects.annotate(seats=Count("participants"))
    assert not seated.exclude(seats=F("participant_count")).exists()
    assert Message.objects.count() == data.messages
    assert {Conversation.Type.DIRECT, Conversation.Type.GROUP} == set(
        Conversation.objects.values_list("type", flat=True)
    )
    by_reader = {seat.user for seat in data.seats}
    assert len(by_reader) == READERS
    for seat in data.seats[:10]:
        mine = Participant.objects.get(conversation=seat.conversation, user=seat.user)
        said = Message.objects.filter(conversation=seat.conversation, sender=seat.user)
        assert mine.last_sent_seq == (said.aggregate(last=Max("seq"))["last"] or 0) <= mine.last_read_seq
        unread = Message.objects.filter(
            conversation=seat.conversation, seq__gt=mine.last_read_seq, deleted_at=None
        ).exclude(type="system")
        found = inbox.unread_count(viewer=seat.user, conversation_id=seat.conversation)
        assert found == (mine.last_read_seq, unread.count())
    written = send_message(
        sender_id=data.seats[0].user, conversation_id=data.seats[0].conversation, content="hi"
    )
    assert written.seq == data.seats[0].messages + 1
    assert User.objects.count() == data.users


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_measures_everything_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    sizes = ["--messages", "3000", "--rounds", "1", "--seconds", "0.2", "--connections", "4"]
    finished = subprocess.run(
        [sys.executable, "manage.py", "bench", *sizes, "--json", str(file)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "wsgi / bare_constant_wsgi" in finished.stdout
    result = json.loads(file.read_text())
    assert set(result) >= {"machine", "versions", "messages", "results", "ratios"}
    assert set(result["results"]) == {"history", "inbox", "send"}
    for targets in result["results"].values():
        assert set(targets) == {
            "wsgi", "daphne", "statement", "bare_constant_wsgi", "bare_statement_wsgi", "bare_constant_daphne",
            "bare_statement_daphne",
        }  # fmt: skip
        for figures in targets.values():
            assert figures["per_second"] > 0
            assert figures["errors"] == 0
            assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert (
            connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE %s", ["%bench"]).fetchall() == []
        )
