"""What is put away, by hand or after long quiet, is back with the next message."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from conversations import jobs, tasks
from conversations.models import Conversation, Participant, User
from conversations.queries import archive
from conversations.services import conversations, participants
from messaging.services import bulk, messages
from tests import factories
from tests.races import Rival

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BEFORE = NOW - timedelta(days=30)
LONG_AGO = NOW - timedelta(days=31)


def quiet(*people: User, since: Any = LONG_AGO) -> UUID:
    """A group in which the first said something then, and everybody read it."""
    room = factories.group(*people)
    factories.say(people[0], room)
    Participant.objects.filter(conversation=room).update(last_read_seq=1)
    Conversation.objects.filter(pk=room).update(last_activity_at=since)
    return room


def run() -> int:
    return sum(archive.archive(before=BEFORE))


def away(user: User) -> set[str]:
    return {one["id"] for one in factories.inbox_of(user, archived=True)}


def shown(user: User) -> set[str]:
    found = factories.inbox_of(user)
    assert not any(one["membership"]["archived"] for one in found)
    return {one["id"] for one in found}


def put_away(user: User, room: UUID) -> None:
    participants.update_membership(user_id=user.pk, conversation_id=room, archived=True)


def test_what_is_quiet_is_put_away_for_those_who_read_all_of_it() -> None:
    ann, ben, cid, dan, eve = factories.persons(5)
    room = quiet(ann, ben, cid, dan, eve)
    Participant.objects.filter(conversation=room, user=ben).update(last_read_seq=0)
    participants.update_membership(user_id=cid.pk, conversation_id=room, pinned=True)
    participants.leave(user_id=dan.pk, conversation_id=room)
    lively = quiet(ann, eve, since=BEFORE + timedelta(hours=1))
    assert run() == 2
    for user in (ann, eve):
        assert (away(user), shown(user)) == ({str(room)}, {str(lively)})
    for user in (ben, cid):
        assert (away(user), shown(user)) == (set(), {str(room)})
    assert run() == 0


def test_what_nobody_can_read_counts_as_read() -> None:
    ann, ben = factories.persons(2)
    room = quiet(ann, ben)
    said = factories.say(ann, room, "oh")
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=said.seq)
    Conversation.objects.filter(pk=room).update(last_activity_at=LONG_AGO)
    assert run() == 2


@pytest.mark.parametrize("by_hand", [True, False])
def test_the_next_message_brings_it_back(by_hand: bool) -> None:
    ann, ben = factories.persons(2)
    room = quiet(ann, ben)
    if by_hand:
        put_away(ann, room)
        put_away(ben, room)
    else:
        assert run() == 2
    old = bulk.Line(ann.pk, "long ago", LONG_AGO - timedelta(days=1), "1")
    bulk.add_batch(conversation_id=room, lines=[old])
    assert away(ann) == away(ben) == {str(room)}
    factories.say(ben, room, "are you there?")
    assert shown(ann) == shown(ben) == {str(room)}
    assert away(ann) == set()
    put_away(ann, room)
    assert (away(ann), shown(ben)) == ({str(room)}, {str(room)})


def test_what_is_put_away_while_the_clock_of_the_database_is_ahead_is_put_away() -> None:
    ann = factories.person()
    room = quiet(ann, since=timezone.now() + timedelta(minutes=1))
    put_away(ann, room)
    assert away(ann) == {str(room)}
    participants.update_membership(user_id=ann.pk, conversation_id=room, archived=False)
    assert shown(ann) == {str(room)}


def test_what_is_deleted_is_left_alone() -> None:
    ann = factories.person()
    room = quiet(ann)
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    Participant.objects.filter(conversation=room).update(left_at=None)
    assert run() == 0


@pytest.mark.django_db(transaction=True)
def test_a_seat_that_somebody_holds_is_left_for_the_next_time() -> None:
    ann, ben = factories.persons(2)
    room = quiet(ann, ben)
    with transaction.atomic():
        Participant.objects.select_for_update().get(conversation=room, user=ann)
        assert Rival(run).result() == 1
    assert run() == 1


def test_everything_is_looked_at_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "AT_ONCE", 2)
    ann = factories.person()
    rooms = [quiet(ann) for _ in range(archive.AT_ONCE + 1)]
    steps = list(archive.archive(before=BEFORE))
    assert steps == [2, 1]
    assert away(ann) == {str(room) for room in rooms}


def command(*arguments: str) -> Any:
    output = StringIO()
    call_command("archive_quiet", "--json", *arguments, stdout=output)
    return json.loads(output.getvalue())


def test_a_dry_run_tells_for_how_many_and_changes_nothing() -> None:
    ann, ben = factories.persons(2)
    quiet(ann, ben)
    assert command("--days", "30", "--dry-run") == {"days": 30, "dry_run": True, "seats": 2}
    assert away(ann) == set()
    assert command("--days", "30") == {"days": 30, "dry_run": False, "seats": 2}
    assert command("--days", "30", "--dry-run")["seats"] == 0
    with pytest.raises(CommandError):
        command()


def test_the_clock_does_it_where_it_is_wanted(settings: Settings) -> None:
    quiet(factories.person())
    assert tasks.archive_quiet() == 0
    settings.ARCHIVE_AFTER_DAYS = 30
    assert tasks.archive_quiet() == 1


def test_a_job_ends_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "AT_ONCE", 2)
    ann = factories.person()
    for _ in range(archive.AT_ONCE + 1):
        quiet(ann)
    assert jobs.archive_quiet(before=BEFORE, within_s=0) == archive.AT_ONCE
