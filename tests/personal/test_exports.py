"""Exports: what the asker may read and nothing else, made once, kept for a while, had by nobody else."""

import resource
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from conversations.models import AuditEntry, User
from conversations.services import blocks, business, participants
from messaging import files
from messaging.models import Attachment
from messaging.services import messages, notes, reactions, reports
from personal import tasks
from personal.archives import conversation, own, pages
from personal.archives.parcel import MOST_NAME, short
from personal.exceptions import Lost
from personal.jobs import turns
from personal.jobs.exporting import export
from personal.models import Job
from tests import factories
from tests.api import Api, problem, read
from tests.personal.conftest import Export, Unpacked, asked, done, result

pytestmark = pytest.mark.django_db
MARKUP = "<script>alert('hello')</script>"


@pytest.fixture
def people() -> tuple[User, User, UUID]:
    """Two in a group of the first: words, an answer, a reaction, a file, something taken back."""
    ann, ben = factories.person("ann", display_name="Ann & Co"), factories.person("ben")
    room = factories.group(ann, ben, name="den")
    factories.say(ann, room, MARKUP)
    factories.say(ben, room, "an answer", reply_to=1)
    sent = factories.file(ben, factories.PNG, name="map #1?.png")
    factories.say(ben, room, "", attachments=[sent.pk])
    factories.say(ben, room, "not meant so")
    messages.delete_message(actor_id=ben.pk, conversation_id=room, seq=4)
    reactions.react(actor_id=ben.pk, conversation_id=room, seq=1, emoji="👍", on=True)
    return ann, ben, room


def failed(job: Any) -> str:
    found = Job.objects.get(pk=job["job"])
    assert found.state == Job.State.FAILED
    return str(found.why)


def test_a_conversation_as_its_owner_reads_it(
    people: tuple[User, User, UUID], exported: Export, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _, room = people
    monkeypatch.setattr(conversation, "PAGE", 3)
    monkeypatch.setattr(pages, "PER_PAGE", 2)
    found = exported(ann, f"/conversations/{room}/export")
    assert found.lines("messages.jsonl") == factories.said(ann, room)
    assert found.lines("participants.jsonl") == factories.seated(ann, room)
    (file,) = found.lines("attachments.jsonl")
    assert (file["name"], file["left_out"]) == ("map #1.png", None)
    assert found.files[file["path"]] == factories.PNG
    written = "".join(found.text(name) for name in sorted(found.files) if name.startswith("messages/"))
    assert MARKUP not in written
    assert "&lt;script&gt;" in written
    assert "%231.png" in written
    assert "Ann &amp; Co" in written
    assert written.count("<article>") == 4
    assert found.text("index.html").count("<li>") == 2
    assert "notes.jsonl" not in found.files
    assert not found.has("not meant so")
    kept = [path for path in stored.rglob("*") if "export" in path.name]
    assert kept
    assert not any(b"an answer" in path.read_bytes() or b"PK" in path.read_bytes()[:2] for path in kept)


def test_only_who_asked_has_it_and_only_while_they_might_ask_again(people: tuple[User, User, UUID]) -> None:
    ann, ben, room = people
    path = f"/conversations/{room}/export"
    staff = factories.person(is_staff=True, is_superuser=True)
    problem(Api(ben).post(path), 403)
    problem(Api(staff).post(path), 404)
    job = asked(ann, path)
    assert asked(ann, path) == job
    problem(Api(ann).get(f"/jobs/{job['job']}/result"), 404)
    done(ann, job)
    for other in (ben, staff):
        problem(Api(other).get(f"/jobs/{job['job']}"), 404)
        problem(Api(other).get(f"/jobs/{job['job']}/result"), 404)
    result(ann, job)
    fetched = AuditEntry.objects.get(action="export_fetched")
    assert (fetched.actor, fetched.subject) == (ann.pk, str(room))
    participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="owner")
    participants.set_role(actor_id=ben.pk, conversation_id=room, user_id=ann.pk, role="member")
    problem(Api(ann).get(f"/jobs/{job['job']}/result"), 404)
    assert asked(ben, path)["job"] != job["job"]


def test_a_case_with_its_notes_for_agents_and_not_at_all_for_who_is_none_any_more(exported: Export) -> None:
    ann, agent, chief = factories.person("ann"), factories.agent(), factories.agent(role="owner")
    case = factories.case(ann, content="help")
    notes.write_note(agent_id=agent.pk, conversation_id=case, content="has called twice")
    problem(Api(ann).post(f"/conversations/{case}/export"), 403)
    found = exported(chief, f"/conversations/{case}/export")
    assert [note["content"] for note in found.lines("notes.jsonl")] == ["has called twice"]
    assert [message["content"] for message in found.lines("messages.jsonl")] == ["help"]
    job = asked(agent, f"/conversations/{case}/export")
    business.remove_agent(actor=chief, business_id="acme", user_id=agent.pk)
    assert done(agent, job)["why"] == "not_allowed"


def test_who_loses_the_right_to_it_while_it_is_made_has_nothing(
    people: tuple[User, User, UUID], monkeypatch: pytest.MonkeyPatch, stored: Path
) -> None:
    ann, ben, room = people
    participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="admin")
    monkeypatch.setattr(conversation, "PAGE", 2)
    monkeypatch.setattr(turns.Turn, "reached", lambda turn, done, whole: demote())

    def demote() -> None:
        participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="member")

    job = asked(ben, f"/conversations/{room}/export")
    assert done(ben, job)["why"] == "not_allowed"
    assert not list(stored.rglob("*.export*"))


def test_ones_own_is_what_one_wrote_and_nothing_of_others(
    people: tuple[User, User, UUID], exported: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben, room = people
    agent = factories.agent()
    factories.case(ann, content="help")
    factories.case(ben, "other", content="my case")
    reports.report(reporter_id=ben.pk, conversation_id=room, seq=1, reason="spam", note="too loud")
    blocks.block(user_id=ben.pk, blocked_id=agent.pk)
    blocks.block(user_id=ann.pk, blocked_id=ben.pk)
    monkeypatch.setattr(own, "PAGE", 2)
    for number in range(3):
        factories.file(ben, b"not sent yet", name=f"draft {number}.txt")
    participants.leave(user_id=ben.pk, conversation_id=room)
    cat = factories.person("cat")
    other = factories.direct(ben, cat)
    factories.say(cat, other, "said by another")
    found = exported(ben, "/users/me/export")
    mine = read(Api(ben).get("/users/me/messages"))["results"]
    assert found.lines("messages.jsonl") == mine
    assert {one["content"] for one in mine} == {"an answer", "", "my case"}
    assert [one["blocked"] for one in found.lines("blocks.jsonl")] == [str(agent.pk)]
    assert [one["action"] for one in found.lines("audit.jsonl")] == ["export_asked"]
    assert [one["note"] for one in found.lines("reports.jsonl")] == ["too loud"]
    assert [one["emojis"] for one in found.lines("reactions.jsonl")] == [["👍"]]
    told = {file["name"]: file for file in found.lines("attachments.jsonl")}
    for number in range(3):
        assert found.files[told[f"draft {number}.txt"]["path"]] == b"not sent yet"
    assert told["map #1.png"]["left_out"] == "not to be read"  # they have left
    assert not found.has("alert(")
    assert not found.has("Ann")
    assert not found.has("not meant so")
    assert str(other) in {one["id"] for one in found.lines("conversations.jsonl")}
    assert not found.has("said by another")


def test_notes_of_ones_own_are_there_while_one_may_read_them(exported: Export) -> None:
    agent, chief = factories.agent(), factories.agent(role="owner")
    case = factories.case(factories.person(), content="help")
    notes.write_note(agent_id=agent.pk, conversation_id=case, content="for us")
    notes.write_note(agent_id=chief.pk, conversation_id=case, content="of another")
    found = exported(agent, "/users/me/export")
    assert [one["content"] for one in found.lines("notes.jsonl")] == ["for us"]
    business.remove_agent(actor=chief, business_id="acme", user_id=agent.pk)
    assert exported(agent, "/users/me/export").lines("notes.jsonl") == []


def test_files_for_which_there_is_no_room_and_that_cannot_be_read(
    people: tuple[User, User, UUID], exported: Export, settings: Settings
) -> None:
    ann, ben, room = people
    damaged = factories.file(ben, b"x" * 50, name="a.bin")
    for file in (damaged, factories.file(ben, b"y" * 50, name="b.bin")):
        factories.say(ben, room, "", attachments=[file.pk])
    settings.EXPORT_MAX_BYTES = len(factories.PNG) + 60
    Attachment.objects.filter(pk=damaged.pk).update(key_name="lost")
    found = exported(ann, f"/conversations/{room}/export")
    why = {file["name"]: file["left_out"] for file in found.lines("attachments.jsonl")}
    assert why == {"map #1.png": None, "a.bin": "not to be read", "b.bin": "no room"}
    assert sum(name.startswith("attachments/") for name in found.files) == 1


def test_a_worker_that_dies_is_followed_by_another(people: tuple[User, User, UUID], stored: Path) -> None:
    ann, _, room = people
    job = asked(ann, f"/conversations/{room}/export")
    dead = turns.claim()
    assert dead is not None
    dead.reached(2, 4)
    assert read(Api(ann).get(f"/jobs/{job['job']}"))["progress"] == 50
    assert turns.claim() is None  # it is still that worker's
    Job.objects.update(busy_until=timezone.now() - timedelta(seconds=1))
    assert turns.due()
    assert done(ann, job)["state"] == "done"
    with pytest.raises(Lost):
        dead.reached(3, 4)
    assert Unpacked(result(ann, job)).lines("messages.jsonl") == factories.said(ann, room)


def test_what_fails_is_tried_again_and_then_has_failed(
    people: tuple[User, User, UUID], stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _, room = people
    job = asked(ann, f"/conversations/{room}/export")
    monkeypatch.setattr(files, "_save", refuse)
    for attempt in range(turns.ATTEMPTS):
        assert done(ann, job)["state"] == "queued", attempt
        assert done(ann, job)["state"] == "queued"  # not before its pause is over
        assert Job.objects.get().attempts == attempt + 1
        Job.objects.update(busy_until=timezone.now())
    assert done(ann, job)["why"] == "storage_unavailable"
    assert failed(job) == "storage_unavailable"


def test_who_was_too_slow_writes_over_nobody(
    people: tuple[User, User, UUID], stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _, room = people
    job = asked(ann, f"/conversations/{room}/export")
    slow, write = turns.claim(), files.write
    assert slow is not None

    def late(*args: Any, **more: Any) -> None:
        held = Job.objects.get().busy_until - timezone.now()
        assert held > turns.LEASE - timedelta(seconds=30)
        monkeypatch.setattr(files, "write", write)
        Job.objects.update(busy_until=timezone.now())
        assert done(ann, job)["state"] == "done"
        write(*args, **more)

    monkeypatch.setattr(files, "write", late)
    with pytest.raises(Lost):
        export(slow)
    assert Unpacked(result(ann, job)).lines("messages.jsonl") == factories.said(ann, room)
    assert len(list(stored.rglob("*.export*"))) == 1


def test_what_a_dead_worker_wrote_goes_with_the_next(people: tuple[User, User, UUID], stored: Path) -> None:
    ann, _, room = people
    job = asked(ann, f"/conversations/{room}/export")
    dead = turns.claim()
    assert dead is not None
    files.write(dead.job.stored_as, BytesIO(b"a part of it"), key=b"k" * 32, part="export")
    Job.objects.update(busy_until=timezone.now())
    assert done(ann, job)["state"] == "done"
    assert len(list(stored.rglob("*.export*"))) == 1
    result(ann, job)


def test_the_more_there_is_to_write_the_longer_it_may_take(people: tuple[User, User, UUID]) -> None:
    ann, _, room = people
    asked(ann, f"/conversations/{room}/export")
    turn = turns.claim()
    assert turn is not None
    turn.hold(size=600_000_000)
    assert Job.objects.get().busy_until > timezone.now() + timedelta(minutes=12)


def test_a_full_disk_is_said_to_be_one(people: tuple[User, User, UUID]) -> None:
    """This process may write no file that is longer: what the system then says is an OSError, as for a full disk."""
    ann, _, room = people
    job = asked(ann, f"/conversations/{room}/export")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        assert done(ann, job)["state"] == "queued"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Job.objects.get().why == "storage_unavailable"


def refuse(*_: Any) -> None:
    raise OSError("no space left")


def test_there_are_not_too_many(people: tuple[User, User, UUID], settings: Settings) -> None:
    ann, ben, room = people
    rooms = [room, factories.direct(ann, ben), factories.group(ann), factories.group(ann)]
    for each in rooms[:3]:
        asked(ann, f"/conversations/{each}/export")
    refused = Api(ann).post(f"/conversations/{rooms[3]}/export")
    assert problem(refused, 429)["code"] == "too_many_exports"
    assert int(refused["Retry-After"]) > 0
    now = timezone.now()
    made = [
        Job(
            kind="own_export",
            asked_by=ben,
            state="expired",
            created_at=now - timedelta(hours=number),
            ended_at=now,
        )
        for number in range(20)
    ]
    Job.objects.bulk_create(made)
    refused = Api(ben).post("/users/me/export")
    assert problem(refused, 429)["code"] == "too_many_exports"
    assert 4.9 * 3_600 < int(refused["Retry-After"]) <= 5 * 3_600
    assert {bool(turns.claim()) for _ in range(turns.AT_ONCE)} == {True}
    assert turns.claim() is None  # one more waits, whoever asks
    assert turns.due()


def test_after_its_days_it_is_gone(people: tuple[User, User, UUID], stored: Path) -> None:
    ann, _, room = people
    job = done(ann, asked(ann, f"/conversations/{room}/export"))
    assert tasks.purge() == 0
    Job.objects.update(kept_until=timezone.now())
    problem(Api(ann).get(f"/jobs/{job['job']}/result"), 404)
    assert tasks.purge() == 1
    told = read(Api(ann).get(f"/jobs/{job['job']}"))
    assert (told["state"], told["result_url"], told["size"]) == ("expired", None, None)
    assert not list(stored.rglob("*.export*"))
    Job.objects.update(ended_at=timezone.now() - timedelta(days=31))
    tasks.purge()
    problem(Api(ann).get(f"/jobs/{job['job']}"), 404)


def test_its_key_is_turned_over_with_the_others(people: tuple[User, User, UUID], settings: Settings) -> None:
    ann, _, room = people
    job = done(ann, asked(ann, f"/conversations/{room}/export"))
    settings.ENCRYPTION_KEYS = {"new": b"n" * 32, **settings.ENCRYPTION_KEYS}
    call_command("rotate_keys", stdout=StringIO(), stderr=StringIO())
    settings.ENCRYPTION_KEYS = {"new": b"n" * 32}
    assert Unpacked(result(ann, job)).lines("messages.jsonl") == factories.said(ann, room)
    settings.ENCRYPTION_KEYS = {"another": b"a" * 32}
    problem(Api(ann).get(f"/jobs/{job['job']}/result"), 503)


@pytest.mark.parametrize(
    ("name", "end"),
    [("a" * 200 + ".pdf", "a.pdf"), ("ü" * 198 + ".p", "ü.p"), ("." + "é" * 199, "é"), ("東" * 200, "東")],
)
def test_names_fit_on_every_file_system(name: str, end: str) -> None:
    cut = short(name)
    assert MOST_NAME - 4 < len(cut.encode()) <= MOST_NAME
    assert cut.endswith(end)
