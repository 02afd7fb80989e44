"""Coming back: exactly what was missed, in order, once."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

from django.db import connection, transaction

from conversations.models import User
from conversations.services import participants
from messaging.services import messages
from tests import factories
from tests.realtime.client import Client, Frame, durable, token_of
from tests.realtime.conftest import Join
from tests.realtime.test_hearing import assert_whole, post, versions
from tests.server import Server


def resumed(client: Client, **cursors: int) -> list[Frame]:
    """All that comes up to the end of the replay."""
    client.say(op="resume", ref="again", cursors=cursors)
    *frames, last = client.until(lambda frame: frame.get("ref") == "again")
    assert last == {"event": "resumed", "ref": "again"}
    return frames


def test_what_was_missed_comes_in_order(alice: User, bob: User, join: Join) -> None:
    room, quiet = factories.group(alice, bob), factories.group(alice, bob)
    first = factories.say(alice, room, "one")
    factories.say(alice, room, "two")
    factories.say(alice, room, "three")
    messages.edit_message(actor_id=alice.pk, conversation_id=room, seq=1, content="uno")
    messages.delete_message(actor_id=alice.pk, conversation_id=room, seq=2)
    participants.set_role(actor_id=alice.pk, conversation_id=room, user_id=bob.pk, role="admin")
    b = join(bob, past=True)
    frames = resumed(b, **{str(room): first.version, str(quiet): 1})
    assert [(frame["event"], frame["version"], frame["prev"]) for frame in frames] == [
        ("message.created", 4, 2),
        ("message.updated", 5, 4),
        ("message.deleted", 6, 5),
        ("participant.updated", 7, 6),
    ]
    assert resumed(b, **{str(room): 7, str(quiet): 1}) == []
    assert b.hello["heads"] == {str(room): 7, str(quiet): 1}


def test_several_conversations(alice: User, bob: User, join: Join) -> None:
    rooms = [factories.group(alice, bob) for _ in range(45)]
    for room in rooms:
        factories.say(alice, room)
    frames = resumed(join(bob, past=True), **{str(room): 1 for room in rooms})
    assert all(versions(durable(frames, room)) == [2] for room in rooms)
    assert len(frames) == 45


def test_too_far_behind_gone_strange_and_future_are_reset(alice: User, bob: User, join: Join) -> None:
    far, left, strange = factories.group(alice, bob), factories.group(alice, bob), factories.group(alice)
    for _ in range(201):
        factories.say(alice, far)
    participants.leave(user_id=bob.pk, conversation_id=left)
    ahead = factories.group(alice, bob)
    b = join(bob, past=True)
    cursors = {str(far): 1, str(left): 1, str(strange): 1, str(uuid4()): 5, str(ahead): 99}
    frames = resumed(b, **cursors)
    assert sorted(frames, key=lambda frame: frame["conversation"]) == [
        {"event": "reset", "conversation": conversation} for conversation in sorted(cursors)
    ]
    assert versions(durable(resumed(b, **{str(far): 2}), far)) == list(range(3, 203))
    factories.say(alice, far)
    factories.say(alice, ahead)
    assert b.hear("message.created", conversation=far)["version"] == 203
    assert b.hear("message.created", conversation=ahead)["version"] == 2


def test_resume_under_load_is_exact(alice: User, bob: User, join: Join, daphne: Server) -> None:
    people = [alice, *factories.persons(3)]
    room = factories.group(bob, *people)
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(post, daphne, user, room, 40) for user in people]
        seen = 1
        while seen < 161:
            seen = come_and_go(daphne, bob, room, seen)
        for job in work:
            job.result()
    view = factories.view(bob, room)
    assert view is not None
    assert view["version"] == 161


def come_and_go(server: Server, user: User, room: UUID, seen: int) -> int:
    """Connects, resumes, hears a little, leaves. Returns the last version heard, all of them having come in turn."""
    with Client(server.ws_url, token=token_of(user)) as client:
        client.say(op="resume", ref="again", cursors={str(room): seen})
        frames = client.until(lambda frame: frame.get("ref") == "again")
        while len(durable(frames, room)) < 15 and seen + len(durable(frames, room)) < 161:
            frames.append(client.next())
        told = durable(frames, room)
        assert_whole(told, after=seen, upto=seen + len(told))
        return seen + len(told)


def test_resume_after_hello_is_as_exact(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    b = join(bob, past=True)
    factories.say(alice, room)
    assert versions(durable(resumed(b, **{str(room): 1}), room)) == [2]
    factories.say(alice, room)
    assert b.hear("message.created")["version"] == 3
    assert b.heard_by_now() == []


def test_twice_at_once(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    factories.say(alice, room)
    b = join(bob, past=True)
    for ref in ("one", "two"):
        b.say(op="resume", ref=ref, cursors={str(room): 1})
    frames = b.until(lambda frame: frame.get("ref") == "two")
    assert [frame.get("ref", frame.get("version")) for frame in frames] == [2, "one", 2, "two"]


def test_what_would_come_after_something_newer_is_read_anew(alice: User, bob: User, join: Join) -> None:
    busy, quiet, known = (factories.group(alice, bob) for _ in range(3))
    for room in (busy, quiet, known):
        factories.say(alice, room)
    b = join(bob, past=True)
    factories.say(alice, busy)
    factories.say(alice, known)
    live = b.until(lambda frame: frame.get("conversation") == str(known))
    assert [frame["version"] for frame in live] == [3, 3]
    cursors = {str(busy): 1, str(quiet): 1, str(known): 2}
    frames = resumed(b, **cursors)
    assert [frame for frame in frames if frame["event"] == "reset"] == [
        {"event": "reset", "conversation": str(busy)}
    ]
    assert versions(durable(frames, quiet)) == [2]
    assert versions(durable(frames, known)) == [3]
    factories.say(alice, busy)
    assert b.hear("message.created", conversation=busy)["version"] == 4
    again = resumed(b, **{str(busy): 1})  # knowing that
    assert versions(durable(again, busy)) == [2, 3, 4]


def test_several_that_are_asked_for_at_once_all_wait_for_their_past(
    alice: User, bob: User, join: Join
) -> None:
    rooms = [factories.group(alice, bob) for _ in range(3)]
    for room in rooms:
        factories.say(alice, room)
    b = join(bob, past=True)
    for room in rooms:
        b.say(op="resume", ref=str(room), cursors={str(room): 1})
    for room in rooms:
        factories.say(alice, room)
    frames = b.until(lambda frame: frame.get("ref") == str(rooms[-1]))
    while any(len(durable(frames, room)) < 2 for room in rooms):
        frames.append(b.next())
    assert all(versions(durable(frames, room)) == [2, 3] for room in rooms)


def test_a_page_that_ends_where_a_conversation_does_is_no_reset(alice: User, bob: User, join: Join) -> None:
    rooms = [factories.group(alice, bob) for _ in range(20)]
    for room in rooms:
        factories.say(alice, room, "\N{GRINNING FACE}" * 16_000)  # 64 KB: a page is full at one that is whole
    frames = resumed(join(bob, past=True), **{str(room): 1 for room in rooms})
    assert all(versions(durable(frames, room)) == [2] for room in rooms)
    assert len(frames) == 20


def test_more_than_can_wait_is_refused_for_now(bob: User, join: Join) -> None:
    b = join(bob, past=True)
    parts = 40
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE conversations")  # the first one is being answered
        for part in range(parts):
            b.say(op="resume", ref=part, cursors={str(uuid4()): 1 for _ in range(1_000)})
        answers = b.until(lambda frame: "ref" in frame)[-1:]  # refused, while that one waits
    while len(answers) < parts:
        answers += [frame for frame in [b.next()] if "ref" in frame]
    refused = [frame for frame in answers if frame["event"] == "error"]
    assert {frame["error"]["code"] for frame in refused} == {"rate_limited"}
    assert {frame["event"] for frame in answers} == {"resumed", "error"}
    assert resumed(b, **{str(uuid4()): 1})  # later it is heard again
