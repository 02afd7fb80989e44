"""Word of alerts on its way: to a mailbox and to a webhook, signed, once, whatever stands in the way."""

import hashlib
import hmac
import json
import logging
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import connection, connections
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from dbperf import checks, tasks
from dbperf.alerts import addresses, webhook
from dbperf.alerts.ways import ways
from dbperf.aliases import MONITOR
from dbperf.checks import idle_in_transaction
from dbperf.connections import Database
from dbperf.findings import Finding, Level, Remedy
from dbperf.models import Alert, AlertWord
from dbperf.services import alerting, delivering, looking
from tests.dbperf import receivers
from tests.dbperf.faults import run, session
from tests.dbperf.receivers import Hook, Post

pytestmark = pytest.mark.django_db
SECRET = "the shared secret of the two"
PATH = "hook?room=7"


@pytest.fixture
def hook(settings: Settings) -> Iterator[Hook]:
    with receivers.hook() as found:
        settings.DEBUG = True  # or http would be refused
        settings.DBPERF = {
            "ALERTS": {"WEBHOOK_URL": found.url, "WEBHOOK_SECRET": SECRET, "WEBHOOK_PRIVATE": True}
        }
        yield found


@pytest.fixture
def post(settings: Settings) -> Iterator[Post]:
    with receivers.post() as found:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", found.port
        settings.DBPERF = {"ALERTS": {"MAILS": ["ann@example.org", "ben@example.org"]}}
        yield found


def fire(subject: str = "pid 1", times: int = 2) -> AlertWord:
    found = Finding("blocking", Level.CRITICAL, subject, "It waits.", Remedy("End it.", "SELECT 1;"))
    for _ in range(times):
        alerting.heed(checks.Outcome([found]), asked=["blocking"])
    return AlertWord.objects.get()


def now_due() -> list[int]:
    AlertWord.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    return delivering.due()


def test_a_webhook_is_signed(hook: Hook) -> None:
    word = fire()
    assert delivering.due() == [word.pk]
    assert delivering.deliver(word.pk)
    (call,) = hook.calls
    assert call.path == "/hook?room=7"
    said = json.loads(call.body)
    assert said["delivery"] == call.headers["x-dbperf-delivery"] == str(word.delivery)
    expected = {
        "what": "fired",
        "level": "critical",
        "key": "blocking:pid 1",
        "detail": "It waits.",
        "turn": 1,
    }
    assert {name: said[name] for name in expected} == expected
    stamp = call.headers["x-dbperf-timestamp"]
    assert abs(time.time() - int(stamp)) < 60
    made = hmac.new(SECRET.encode(), f"{stamp}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert call.headers["x-dbperf-signature"] == f"sha256={made}"
    word.refresh_from_db()
    assert (word.attempts, word.error, word.sent_at is not None) == (1, "", True)


def taken_over(url: str, body: bytes, headers: dict[str, str], *, plain: bool, private: bool) -> None:
    """A project's own way, as the settings name it."""
    TAKEN.append((url, json.loads(body)["what"], headers["X-Dbperf-Delivery"], plain, private))


TAKEN: list[tuple[str, str, str, bool, bool]] = []


def test_a_project_may_have_a_way_of_its_own(hook: Hook, settings: Settings) -> None:
    settings.DBPERF["ALERTS"]["WEBHOOK_POST"] = f"{__name__}.taken_over"
    word = fire()
    assert delivering.deliver(word.pk)
    (taken,) = TAKEN
    assert taken == (hook.url, "fired", str(word.delivery), True, True)
    assert hook.calls == []


def test_each_turn_is_sent_once(hook: Hook) -> None:
    word = fire()
    fire(times=3)  # it goes on
    assert [delivering.deliver(word.pk) for _ in range(3)] == [True, False, False]
    assert now_due() == []
    assert len(hook.calls) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_word(hook: Hook) -> None:
    word, hook.wait, sent = fire(), threading.Event(), []

    def first() -> None:
        sent.append(delivering.deliver(word.pk))
        connection.close()

    worker = threading.Thread(target=first)
    worker.start()
    assert hook.came.wait(30)
    assert not delivering.deliver(word.pk)
    hook.wait.set()
    worker.join(30)
    assert (sent, len(hook.calls)) == ([True], 1)


def test_what_was_not_taken_is_tried_again(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    word = fire()
    hook.answers = [500] * delivering.MOST_ATTEMPTS
    pauses = []
    for attempt in range(delivering.MOST_ATTEMPTS):
        assert not delivering.deliver(word.pk)
        assert not delivering.deliver(word.pk)  # not yet
        word.refresh_from_db()
        assert (word.attempts, word.error) == (attempt + 1, "answered 500")
        pauses.append(round((word.due_at - timezone.now()).total_seconds() / 60, 1))
        now_due()
    assert pauses[:-1] == [0.5, 2, 10, 60, 360]
    assert (word.failed_at is not None, word.sent_at) == (True, None)
    assert not delivering.deliver(word.pk)
    assert delivering.due() == []
    assert len({call.headers["x-dbperf-delivery"] for call in hook.calls}) == 1
    assert "given up" in caplog.text


def test_workers_that_die_of_it_are_not_sent_for_ever(hook: Hook) -> None:
    word = fire()
    AlertWord.objects.update(attempts=delivering.MOST_ATTEMPTS)  # each claimed it, none came back
    assert not delivering.deliver(word.pk)
    word.refresh_from_db()
    assert (word.failed_at is not None, hook.calls) == (True, [])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(hook: Hook, status: int) -> None:
    word, hook.answers = fire(), [status]
    assert not delivering.deliver(word.pk)
    assert [call.path for call in hook.calls] == [f"/{PATH}"]


def problem(url: str, **given: bool) -> str:
    with pytest.raises(webhook.NotAccepted) as refused:
        webhook.post(url, b"{}", {}, plain=given.get("plain", False), private=given.get("private", False))
    return str(refused.value)


def test_only_https_and_only_outside(hook: Hook) -> None:
    port = hook.port
    assert problem(hook.url, private=True) == "only https is allowed"
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"):
        assert problem(f"http://{host}:{port}/", plain=True) == "not a public address"
    for url in (
        "ftp://127.0.0.1/",
        "https://",
        "http://[::1",
        "https://h:x/",
        "file:///etc/passwd",
        "",
        "http://h:0/",
    ):
        assert problem(url, plain=True, private=True) == "not an address"
    assert problem("https://ann:geheim@h/") == "a name or password in the address is not sent"
    assert hook.calls == []
    webhook.post(hook.url, b"{}", {}, plain=True, private=True)
    assert len(hook.calls) == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("::7f00:1", False),
        ("fec0::1", False),
    ],
)
def test_addresses(address: str, public: bool) -> None:
    assert addresses.is_public(address) is public


def test_a_receiver_that_is_not_there_or_does_not_answer(
    hook: Hook, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.2)
    word, hook.wait = fire(), threading.Event()
    assert not delivering.deliver(word.pk)
    hook.wait.set()
    word.refresh_from_db()
    assert word.error == "TimeoutError"
    settings.DBPERF["ALERTS"]["WEBHOOK_URL"] = "http://127.0.0.1:1/"
    now_due()
    assert not delivering.deliver(word.pk)
    word.refresh_from_db()
    assert word.error == "ConnectionRefusedError"


def test_the_secret_is_told_to_nobody(
    hook: Hook, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    word, hook.answers = fire(), [500]
    delivering.deliver(word.pk)
    settings.DBPERF["ALERTS"]["WEBHOOK_URL"] = f"http://127.0.0.1:1/{SECRET}"
    now_due()
    delivering.deliver(word.pk)
    word.refresh_from_db()
    assert hook.calls[0].body
    for text in (caplog.text, word.error, json.dumps(word.said), repr(ways()), repr(hook.calls)):
        assert SECRET not in text
    assert "was not taken" in caplog.text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this machine, trusted by nobody."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    name = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", f"{path}.cert"]
    subprocess.run([*made.split(), *name], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.cert").read_text())
    return path


def test_https(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receivers.hook(certificate) as hook:
        given: dict[str, Any] = {"plain": False, "private": True}
        with pytest.raises(ssl.SSLCertVerificationError):
            webhook.post(f"https://localhost:{hook.port}/", b"{}", {}, **given)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        webhook.post(f"https://localhost:{hook.port}/x", b"{}", {}, **given)
        with pytest.raises(ssl.SSLCertVerificationError):  # trusted, and of another name
            webhook.post(f"https://127.0.0.1:{hook.port}/", b"{}", {}, **given)
    assert [call.path for call in hook.calls] == ["/x"]


def test_mail(post: Post) -> None:
    word = fire("a\nBcc: eve@example.org")
    assert delivering.deliver(word.pk)
    letter = message_from_string(post.letters[0])
    assert letter["Subject"] == "Critical: blocking: a Bcc: eve@example.org"
    assert letter["Bcc"] is None
    assert letter["To"] == "ann@example.org, ben@example.org"
    assert letter["Message-ID"] == f"<{word.delivery}@dbperf.invalid>"
    body = letter.get_payload()
    assert all(text in body for text in ("It waits.", "End it.", "SELECT 1;"))


def test_a_letter_that_was_refused_is_sent_again(post: Post) -> None:
    word, post.refusals = fire(), 1
    assert not delivering.deliver(word.pk)
    now_due()
    assert delivering.deliver(word.pk)
    word.refresh_from_db()
    assert (len(post.letters), word.attempts) == (1, 2)


def test_a_way_that_was_taken_away(post: Post, settings: Settings) -> None:
    word = fire()
    settings.DBPERF = {}
    assert not delivering.deliver(word.pk)
    word.refresh_from_db()
    assert word.error == "this way is not set up any more"


@pytest.fixture
def at_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tasks are carried out where they are asked for."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False
    with django_db_blocker.unblock():
        connections[MONITOR].close()


def pulse() -> None:
    """The whole test is one transaction, in which PostgreSQL would show the same sessions for ever."""
    run(Database(MONITOR), "SELECT pg_stat_clear_snapshot()")
    tasks.pulse()


@pytest.mark.django_db(databases=["default", MONITOR])
@pytest.mark.usefixtures("at_once")
def test_from_a_fault_to_the_receiver(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the clock has it: looks, then workers that send."""
    monkeypatch.setattr(idle_in_transaction, "WARNING_S", 0.0)
    monkeypatch.setattr(looking, "overdue", lambda: False)
    with session(Database("default")) as other:
        other.execute("SELECT 1")
        pulse()
        assert hook.calls == []
        pulse()
        subject = f"pid {other.info.backend_pid}"
    for _ in range(3):
        pulse()
    told = [json.loads(call.body) for call in hook.calls]
    ours = [(each["what"], each["check"]) for each in told if each["subject"] == subject]
    assert ours == [("fired", "idle_in_transaction"), ("resolved", "idle_in_transaction")]
    assert not Alert.objects.get(subject=subject).awake
