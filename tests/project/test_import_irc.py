"""`manage.py import_irc` on small logs written for it."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks

from conversations.models import Conversation, Participant, User
from conversations.queries import inbox
from messaging.models import Message
from tests import factories

pytestmark = pytest.mark.django_db

FIRST = """\
=== ann [~a@host]  has joined #Tea
[09:14] <ann> anybody here?
[09:14] <Ben> yes
[09:15] <ben> me too
[09:15]  * ann waves

[09:16] <Ben>
[09:16] -spam:#tea- buy
"""
SECOND = "[23:59] <ann> late\n[00:01] <|cid`^[]> later\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "2020-01-02.raw.txt").write_text(SECOND)
    (tmp_path / "2020-01-01.raw.txt").write_text(FIRST)
    (tmp_path / "2020-01-01.annotation.txt").write_text("1 2 -")
    (tmp_path / "notes.raw.txt").write_text("[09:00] <x> undated")
    (tmp_path / "README.md").write_text("about")
    return tmp_path


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", "a-password")


def run(*args: object, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("import_irc", *map(str, args), json=True, stdout=out, stderr=StringIO(), **options)
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def told(room: Conversation) -> list[tuple[int, str | None, str, str]]:
    lines = Message.objects.filter(conversation=room).order_by("seq")
    return [
        (line.seq, line.sender.username if line.sender else None, line.type, line.content) for line in lines
    ]


def test_a_folder_becomes_one_group(logs: Path, alice: User) -> None:
    summary = run(logs)
    room = Conversation.objects.get()
    assert (room.type, room.name, room.last_seq) == ("group", "#tea", 7)
    assert told(room) == [
        (1, None, "system", "ann [~a@host]  has joined #Tea"),
        (2, "ann", "text", "anybody here?"),
        (3, "Ben", "text", "yes"),
        (4, "ben", "text", "me too"),
        (5, "ann", "system", "ann waves"),
        (6, "ann", "text", "late"),
        (7, "|cid`^[]", "text", "later"),
    ]
    assert {
        name: summary[name] for name in ("files", "lines", "messages", "actions", "notices", "users")
    } == {
        "files": 2,
        "lines": 10,
        "messages": 5,
        "actions": 1,
        "notices": 1,
        "users": 4,
    }
    assert (summary["added"], summary["already_there"]) == (7, 0)
    assert summary["skipped"] == {"blank": 1, "nothing said": 1, "not a line of a log": 1}
    assert list(summary["skipped_files"]) == ["notes.raw.txt"]
    assert summary["conversations"] == {"#tea": str(room.pk)}


def test_times_are_real_and_ascending(logs: Path) -> None:
    run(logs)
    times = list(Message.objects.order_by("seq").values_list("sent_at", flat=True))
    assert times == sorted(set(times))
    assert times[1] == datetime(2020, 1, 1, 9, 14, 0, 1000, UTC)
    assert times[-1] == datetime(2020, 1, 3, 0, 1, tzinfo=UTC)
    room = Conversation.objects.get()
    assert (room.created_at, room.last_activity_at) == (times[0], times[-1])
    assert room.last_message
    assert room.last_message.seq == room.last_seq


def test_everybody_takes_part_and_has_read_everything(logs: Path, alice: User) -> None:
    run(logs)
    room = Conversation.objects.get()
    seats = {seat.user.username: seat for seat in Participant.objects.select_related("user")}
    assert set(seats) == {"ann", "Ben", "ben", "|cid`^[]", "alice"}
    assert {seat.last_read_seq for seat in seats.values()} == {room.last_seq}
    assert room.participant_count == len(seats)
    assert seats["alice"].role == "owner"
    assert inbox.unread_count(viewer=alice.pk, conversation_id=room.pk) == (7, 0)


def test_versions_are_never_shared(logs: Path, alice: User) -> None:
    run(logs)
    room = Conversation.objects.get()
    versions = [*Message.objects.values_list("version", flat=True)]
    versions += Participant.objects.values_list("version", flat=True)
    versions.append(room.facts_version)
    assert len(set(versions)) == len(versions)
    assert max(versions) == room.version == room.facts_version


def test_imported_people_cannot_sign_in(logs: Path) -> None:
    run(logs)
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_a_second_time_adds_nothing_and_says_nothing(
    logs: Path, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    run(logs)
    before = Conversation.objects.values().get(), list(Participant.objects.order_by("pk").values())
    with django_capture_on_commit_callbacks() as callbacks:
        summary = run(logs)
    assert (summary["added"], summary["already_there"]) == (0, 7)
    assert (Conversation.objects.values().get(), list(Participant.objects.order_by("pk").values())) == before
    assert callbacks == []


def test_a_log_that_grew_adds_its_new_lines(logs: Path) -> None:
    run(logs)
    with (logs / "2020-01-01.raw.txt").open("a") as log:
        log.write("[09:30] <ann> one more\n")
    assert run(logs)["added"] == 1
    assert told(Conversation.objects.get())[-1] == (8, "ann", "text", "one more")


def test_what_stands_after_an_interruption_is_completed(logs: Path, alice: User) -> None:
    run(logs / "2020-01-01.raw.txt")
    assert run(logs)["added"] == 2
    assert Conversation.objects.get().last_seq == 7


def test_nobody_is_made_to_say_what_they_did_not(logs: Path) -> None:
    ann = User.objects.create_user("ann", "a-password")
    run(logs)
    assert not Message.objects.filter(sender=ann).exists()
    assert Message.objects.filter(sender__username="ann@import").count() == 3


def test_an_account_taken_over_since_doubles_nothing(logs: Path) -> None:
    run(logs)
    ann = User.objects.get(username="ann")
    ann.set_password("claimed-by-its-person")
    ann.save()
    assert run(logs)["added"] == 0


def test_the_name_and_the_readers_may_be_chosen(logs: Path, alice: User) -> None:
    User.objects.create_user("dora", "a-password")
    run(logs, conversation="Old times", members=["dora"])
    room = Conversation.objects.get()
    assert room.name == "Old times"
    assert Participant.objects.get(user__username="dora").role == "owner"
    assert not Participant.objects.filter(user=alice).exists()


def test_a_group_of_the_same_name_is_left_alone(logs: Path) -> None:
    other = Conversation.objects.create(type="group", name="#tea")
    run(logs)
    assert Conversation.objects.exclude(pk=other.pk).get().last_seq == 7
    other.refresh_from_db()
    assert other.last_seq == 0


def test_a_file_that_names_no_channel_lends_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "kitchen 2020-01-01.log").write_text("[09:00] <ann> hi\n")
    run(tmp_path / "kitchen 2020-01-01.log")
    assert Conversation.objects.get().name == "kitchen 2020-01-01"


def test_long_nicks_are_cut_and_kept_apart_by_case(tmp_path: Path) -> None:
    (tmp_path / "2020-01-01.log").write_text(f"[09:00] <{'n' * 90}> hi\n[09:00] <{'N' * 90}> hi\n")
    run(tmp_path)
    assert set(User.objects.values_list("username", flat=True)) == {"n" * 64, "N" * 64}


def test_clients_hear_of_it_once(logs: Path, alice: User) -> None:
    with factories.heard() as heard:
        run(logs)
    room = Conversation.objects.get()
    events = [(json.loads(one["frame"])["event"], one["version"], one["joined"]) for one in heard]
    assert events == [
        ("participant.joined", room.version - 1, [str(alice.pk)]),
        ("conversation.updated", room.version, []),
    ]


def test_the_summary_is_a_table_and_the_progress_lines_where_nobody_watches(logs: Path) -> None:
    out, err = StringIO(), StringIO()
    call_command("import_irc", str(logs), stdout=out, stderr=err)
    assert "already there" in out.getvalue()
    assert "nothing said: 1" in out.getvalue()
    assert err.getvalue().splitlines() == [
        "Importing 1/2: 2020-01-01.raw.txt (8 lines)",
        "Importing 2/2: 2020-01-02.raw.txt (2 lines)",
    ]


def test_refusals(tmp_path: Path, logs: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "2020-01-01.txt").symlink_to("/proc/self/mem")
    undated = tmp_path / "notes.raw.txt"
    cases: list[tuple[list[object], str]] = [
        ([tmp_path / "absent"], "no such file or folder"),
        ([undated], "No logs"),
        ([logs, "--member", "nobody-here"], "No such user: nobody-here"),
        ([logs, "--conversation", "x" * 121], "1 to 120 characters"),
        ([empty], "Cannot read"),
    ]
    for arguments, words in cases:
        with pytest.raises(CommandError, match=words):
            call_command("import_irc", *map(str, arguments), stdout=StringIO(), stderr=StringIO())
    assert not Conversation.objects.exists()
    assert not User.objects.exists()
