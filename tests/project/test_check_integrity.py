"""`manage.py check_integrity`: each fault is seen, said, put right where that needs no guessing, and silent then."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from chatbackend.management.commands.check_integrity import REPAIRS, RULES
from conversations.models import User
from conversations.services import conversations, participants
from messaging.services import messages, notes, pins, reactions
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def room() -> UUID:
    """A conversation in which everything happened: answers, mentions, edits, one taken back, somebody who left."""
    ann, ben, cid = factories.person("ann"), factories.person("ben"), factories.person("cid")
    room = factories.group(ann, ben, cid)
    first = factories.say(ann, room, "hello", mentions=[ben.pk])
    factories.say(ben, room, "hi", reply_to=first.seq, attachments=[factories.file(ben).pk])
    gone = factories.say(ben, room, "oh", reply_to=first.seq, mentions=[ann.pk])
    messages.delete_message(actor_id=ben.pk, conversation_id=room, seq=gone.seq)
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=first.seq, content="hello!")
    for actor, emoji in ((ann, "👍"), (ben, "👍"), (ben, "🎉"), (ann, "🚀")):
        react(actor, room, emoji, on=True)
    react(ann, room, "🚀", on=False)
    participants.leave(user_id=cid.pk, conversation_id=room)
    factories.direct(ann, ben)
    case, agent = factories.case(cid, content="help"), factories.agent()
    for content in ("called", "called again"):
        notes.write_note(agent_id=agent.pk, conversation_id=case, content=content)
    pins.pin(actor_id=ann.pk, conversation_id=room, seq=1, on=True)
    ended = factories.group(ann, ben)
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=ended)
    return room


def react(actor: User, room: UUID, emoji: str, *, on: bool) -> None:
    reactions.react(actor_id=actor.pk, conversation_id=room, seq=2, emoji=emoji, on=on)


def run(*arguments: str) -> dict[str, object]:
    """The result, whether or not anything is left; `left` says so."""
    output = StringIO()
    try:
        call_command("check_integrity", "--json", *arguments, stdout=output, stderr=StringIO())
        left = ""
    except CommandError as error:
        left = str(error)
    return {**json.loads(output.getvalue()), "left": left}


def broken(result: dict[str, object]) -> set[str]:
    rules = result["rules"]
    assert isinstance(rules, dict)
    return {name for name, count in rules.items() if count["faults"]}


def execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        assert cursor.rowcount > 0


def set_conversation(change: str) -> Callable[[UUID], None]:
    return lambda room: execute(f"UPDATE conversations SET {change} WHERE id = %s", room)  # noqa: S608


def set_seats(change: str) -> Callable[[UUID], None]:
    return lambda room: execute(f"UPDATE participants SET {change} WHERE conversation_id = %s", room)  # noqa: S608


def set_message(seq: int, change: str) -> Callable[[UUID], None]:
    where = f"WHERE conversation_id = %s AND seq = {seq}"
    return lambda room: execute(f"UPDATE messages SET {change} {where}", room)  # noqa: S608


def mention_nobody_said(room: UUID) -> None:
    execute("INSERT INTO mentions (conversation_id, user_id, seq) SELECT %s, id, 2 FROM users LIMIT 1", room)


def forget_mentions(room: UUID) -> None:
    execute("DELETE FROM mentions WHERE conversation_id = %s", room)


def lose_the_last_message(room: UUID) -> None:
    execute("UPDATE conversations SET last_message_id = NULL WHERE id = %s", room)
    execute("DELETE FROM messages WHERE conversation_id = %s AND seq = 3", room)


def lose_a_case(room: UUID) -> None:
    execute("DELETE FROM business_cases")


def swap_a_direct_seat(room: UUID) -> None:
    stranger = factories.person("stranger")
    execute(
        "UPDATE participants SET user_id = %s WHERE id = (SELECT p.id FROM participants p"
        " JOIN conversations c ON c.id = p.conversation_id WHERE c.type = 'direct' LIMIT 1)",
        stranger.pk,
    )


FAULTS: dict[str, tuple[Callable[[UUID], None], set[str]]] = {
    "participant_count": (set_conversation("participant_count = 7"), {"participant_count"}),
    "read_positions": (set_seats("last_read_seq = 99"), {"read_positions"}),
    "seat_versions": (set_seats("version = 900"), {"seat_versions", "versions_distinct"}),
    "one_seat_version": (
        lambda room: execute("UPDATE participants SET version = 900 WHERE id = (SELECT max(id) FROM participants"
                             " WHERE conversation_id = %s)", room),
        {"seat_versions"},
    ),
    "direct_pair": (swap_a_direct_seat, {"direct_pair"}),
    "business_case": (lose_a_case, {"business_case"}),
    "seq too low": (set_conversation("last_seq = 2"), {"seq", "last_message", "read_positions"}),
    "seq lost": (lose_the_last_message, {"seq"}),
    "message_versions": (set_message(2, "version = 900"), {"message_versions"}),
    "versions_distinct": (
        set_message(1, "version = (SELECT max(version) FROM messages o WHERE o.conversation_id ="
                       " messages.conversation_id), created_version = 1"),
        {"versions_distinct"},
    ),
    "last_message": (set_conversation("last_message_id = NULL"), {"last_message"}),
    "last_activity": (set_conversation("last_activity_at = now() - interval '1 day'"), {"last_activity"}),
    "a mention too many": (mention_nobody_said, {"mentions"}),
    "a mention too few": (forget_mentions, {"mentions"}),
    "reply_count": (set_message(1, "reply_count = 5"), {"reply_count"}),
    "reactions miscounted": (set_message(2, """reactions = '[{"emoji": "👍", "count": 9}]'"""), {"reactions"}),
    "reactions not said": (set_message(2, "reactions = NULL"), {"reactions"}),
    "attachments of nobody": (set_message(1, "attachments = ARRAY[gen_random_uuid()]"), {"attachments"}),
    "attachments not named": (set_message(2, "attachments = NULL"), {"attachments"}),
    "reactions of nobody": (set_message(1, """reactions = '[{"emoji": "👍", "count": 1}]'"""), {"reactions"}),
    "a pin of what was taken back": (set_conversation("pins = '{1,3}'"), {"pins"}),
    "a pin of nothing": (set_conversation("pins = '{9}'"), {"pins"}),
    "notes beyond the last": (
        lambda room: execute("UPDATE notebooks SET last_number = 1, version = 1"), {"notes"}),
    "a note of a version not reached": (
        lambda room: execute("UPDATE notes SET version = 9 WHERE number = 1"), {"notes"}),
    "a note lost": (lambda room: execute("DELETE FROM notes WHERE number = 1"), {"notes"}),
    "notes of one version": (lambda room: execute("UPDATE notes SET version = 2"), {"notes"}),
    "reply_count of none": (set_message(1, "reply_count = 0"), {"reply_count"}),
}  # fmt: skip
LEFT = {  # what cannot be put right without guessing
    "seat_versions": {"versions_distinct"},
    "direct_pair": {"direct_pair"},
    "seq lost": {"seq"},
    "versions_distinct": {"versions_distinct"},
    "attachments of nobody": {"attachments"},
    "attachments not named": {"attachments"},
    "a note lost": {"notes"},
    "notes of one version": {"notes"},
}


def test_every_rule_is_tried() -> None:
    assert {name for _, rules in FAULTS.values() for name in rules} == {rule.name for rule in RULES}
    assert {rule.name for rule in RULES} - REPAIRS.keys() == {
        "direct_pair",
        "versions_distinct",
        "attachments",
    }


def test_what_is_whole_is_silent(room: UUID) -> None:
    result = run()
    assert (broken(result), result["left"], result["faults"]) == (set(), "", [])
    assert result["conversations"] == 4


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_put_right(room: UUID, name: str) -> None:
    breaks, expected = FAULTS[name]
    breaks(room)
    found = run()
    assert broken(found) == expected
    assert found["left"]
    assert broken(run()) == expected  # looking changes nothing
    assert broken(run("--repair")) == expected
    after = run()
    assert broken(after) == LEFT.get(name, set())
    assert bool(after["left"]) == (name in LEFT)


def test_a_repair_that_people_see_is_told(room: UUID) -> None:
    execute("UPDATE conversations SET participant_count = 7 WHERE id = %s", room)
    with factories.heard() as events:
        run("--repair")
    assert [
        (frame["event"], frame["data"]["participant_count"]) for frame in map(factories.frame, events)
    ] == [("conversation.updated", 2)]


def test_repaired_reactions_are_told_and_as_people_put_them(room: UUID) -> None:
    set_message(2, "reactions = NULL")(room)
    with factories.heard() as events:
        run("--repair")
    (frame,) = map(factories.frame, events)
    put = [{"emoji": "👍", "count": 2}, {"emoji": "🎉", "count": 1}]
    assert (frame["event"], frame["data"]["seq"], frame["data"]["reactions"]) == ("message.updated", 2, put)
    assert run()["left"] == ""


def test_one_conversation_alone(room: UUID) -> None:
    other = factories.group(factories.person("dan"))
    execute("UPDATE conversations SET participant_count = 7")
    result = run("--conversation", str(other))
    assert result["conversations"] == 1
    assert [fault["conversation"] for fault in result["faults"]] == [str(other)]  # type: ignore[attr-defined]


def test_many_conversations_are_looked_at_in_batches(
    room: UUID, django_assert_max_num_queries: object
) -> None:
    owner = User.objects.first()
    assert owner
    for _ in range(450):
        factories.group(owner)
    with django_assert_max_num_queries(1 + 4 + 3 * len(RULES)):  # type: ignore[operator]
        assert run()["conversations"] == 454


def test_people_read_a_table_and_no_words_of_others(room: UUID) -> None:
    execute("UPDATE messages SET reply_count = 5 WHERE conversation_id = %s AND seq = 1", room)
    output = StringIO()
    with pytest.raises(CommandError, match="1 faults; --repair puts right what it can of 1"):
        call_command("check_integrity", stdout=output, stderr=StringIO())
    text = output.getvalue()
    assert "reply_count is the number of answers that stand" in text
    assert f"reply_count {room}: message 1 says 5, and 1 stand" in text
    assert "hello" not in text
