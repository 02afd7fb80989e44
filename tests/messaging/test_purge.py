"""What was deleted long ago goes, a step at a time, and leaves everything in order after each."""

import json
from datetime import timedelta
from io import StringIO
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

from chatbackend.management.commands.check_integrity import RULES
from conversations.models import Conversation, User
from conversations.queries.integrity import faults
from conversations.services import conversations
from messaging import tasks
from messaging.jobs import Gone, purge_deleted
from messaging.models import Message
from messaging.queries import purge as queries
from messaging.services import messages, reactions
from messaging.services.reports import report
from tests import factories
from tests.factories import Json
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=91)
BEFORE = NOW - timedelta(days=90)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "BATCH", 4)


def ended(number: int = 9, *, since: Any = LONG_AGO) -> UUID:
    """A group in which much was said, deleted since then: answers across all steps, mentions, reactions."""
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    for place in range(number):
        factories.say(ann, room, client_id=f"{place}", reply_to=place // 2 or None, mentions=[ben.pk])
        reactions.react(actor_id=ben.pk, conversation_id=room, seq=place + 1, emoji="👍", on=True)
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content="edited")
    report(reporter_id=ben.pk, conversation_id=room, seq=1, reason="spam")
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=number)
    Message.objects.filter(conversation=room, seq=number).update(deleted_at=since)
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    Conversation.objects.filter(pk=room).update(deleted_at=since)
    return room


def in_order(*rooms: UUID) -> None:
    assert [fault for rule in RULES for fault in faults(rule, rooms)] == []


def left_of(room: UUID) -> dict[str, int]:
    """How many rows of each table belong to it."""
    found = {}
    for model in apps.get_models():
        for path in ("conversation", "message__conversation"):
            if model._meta.app_label in ("conversations", "messaging") and _has(model, path):
                found[model._meta.db_table] = model._default_manager.filter(**{path: room}).count()
    return found | {"conversations": Conversation.objects.filter(pk=room).count()}


def _has(model: Any, path: str) -> bool:
    names = {field.name for field in model._meta.get_fields()}
    return path.split("__")[0] in names and (
        path == "conversation" or model._meta.db_table in {"reactions", "message_revisions", "reports"}
    )


def test_a_deleted_conversation_goes_from_its_newest_message_down_and_is_in_order_after_each_step() -> None:
    room, kept = ended(), ended(3, since=BEFORE + timedelta(hours=1))
    assert {table for table, number in left_of(room).items() if number} >= {
        "messages", "mentions", "reactions", "message_revisions", "reports", "participants",
    }  # fmt: skip
    in_order(room)
    steps = []
    for gone in purge_deleted(before=BEFORE):
        steps.append(gone)
        in_order(room, kept)
    assert steps == [Gone(messages=4), Gone(messages=4), Gone(1, 1)]
    assert set(left_of(room).values()) == {0}
    assert left_of(kept)["messages"] == 3


def test_what_broke_off_goes_on_from_there() -> None:
    room = ended()
    assert list(islice(purge_deleted(before=BEFORE), 1)) == [Gone(messages=4)]
    assert Conversation.objects.get(pk=room).last_seq == 5
    assert sum(purge_deleted(before=BEFORE), Gone()) == Gone(1, 5)


@pytest.mark.django_db(transaction=True)
def test_what_somebody_holds_is_left_for_the_next_time() -> None:
    held, free = ended(1), ended(2)
    with holding(held):  # nobody waits for whom
        rival = Rival(lambda: list(purge_deleted(before=BEFORE)))
        assert rival.result() == [Gone(1, 2), Gone(client_ids=1)]
    assert left_of(held)["messages"] == 1
    assert list(purge_deleted(before=BEFORE)) == [Gone(1, 1)]
    assert left_of(free)["conversations"] == 0


def lively(number: int = 4) -> tuple[User, User, UUID]:
    """A group where all but the first message were taken back, half of them long ago."""
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    factories.say(ann, room, "stays", client_id="0")
    for seq in range(2, number + 2):
        factories.say(ann, room, "goes", client_id=f"{seq}", reply_to=1)
        messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=seq)
    old = Message.objects.filter(conversation=room, seq__gt=1, seq__lte=1 + number // 2)
    old.update(deleted_at=LONG_AGO)
    return ann, ben, room


def test_a_deleted_message_keeps_its_place_and_loses_its_client_id() -> None:
    ann, ben, room = lively(10)
    said, seen = factories.said(ann, room), factories.view(ben, room)
    assert list(purge_deleted(before=BEFORE)) == [Gone(client_ids=4), Gone(client_ids=1)]
    assert factories.said(ann, room) == [
        _without_client_id(one) if 2 <= one["seq"] <= 6 else one for one in said
    ]
    assert factories.view(ben, room) == seen
    assert seen is not None
    assert seen["unread_count"] == 1
    in_order(room)
    assert list(purge_deleted(before=BEFORE)) == []


def _without_client_id(one: Json) -> Json:
    return {**one, "client_id": None}


def run(*arguments: str) -> Json:
    output = StringIO()
    call_command("purge_deleted", "--json", *arguments, stdout=output, stderr=StringIO())
    found: Json = json.loads(output.getvalue())
    return found


def test_a_dry_run_tells_what_would_go_and_changes_nothing() -> None:
    room = ended(3)
    lively()
    everything = {"conversations": 1, "messages": 3, "client_ids": 2}
    told = run("--dry-run")
    assert told == {"days": 90, "dry_run": True, **everything}
    assert left_of(room)["messages"] == 3
    assert run("--days", "100") == {"days": 100, "dry_run": False, **dict.fromkeys(everything, 0)}
    assert run() == {"days": 90, "dry_run": False, **everything}
    assert run("--dry-run") == {"days": 90, "dry_run": True, **dict.fromkeys(everything, 0)}


def test_the_clock_does_it_too_and_stops_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ended(6)
    monkeypatch.setattr(tasks, "ENOUGH_S", 0.0)
    assert tasks.purge() == {"conversations": 0, "messages": 4, "client_ids": 0}
    monkeypatch.setattr(tasks, "ENOUGH_S", 60.0)
    assert tasks.purge() == {"conversations": 1, "messages": 2, "client_ids": 0}


def test_a_step_is_few_statements_however_many_rows_it_takes(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(queries, "BATCH", 20)
    for number in (2, 16):
        ended(number)
        with django_assert_max_num_queries(28):
            assert sum(purge_deleted(before=BEFORE), Gone()).messages == number
