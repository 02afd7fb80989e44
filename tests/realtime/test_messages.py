"""Saying, changing and taking back over the socket."""

from uuid import uuid4

import httpx

from conversations.models import Participant, User
from conversations.services import blocks
from messaging.models import Message
from messaging.services import reactions
from tests import factories
from tests.realtime.client import durable, token_of
from tests.realtime.conftest import Join
from tests.server import Server


def test_an_ack_carries_the_committed_message_and_the_other_hears_the_same(
    alice: User, bob: User, join: Join
) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob)
    said = a.do("send", conversation=room, client_id="1", content="hello")
    assert Message.objects.get(conversation=room, seq=said["seq"]).content == "hello"
    assert said.pop("duplicate") is False
    heard = b.hear("message.created")
    assert (heard["conversation"], heard["version"], heard["prev"]) == (str(room), said["version"], 1)
    assert heard["data"] == said
    assert factories.said(alice, room) == [said]


def test_everything_a_message_may_carry(alice: User, bob: User, join: Join, daphne: Server) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob)
    first = a.do("send", conversation=room, client_id="1", content="which one?")
    file = factories.file(bob, b"%PDF-" + b"x" * 200_000)
    reply = b.do(
        "send",
        conversation=room,
        client_id="1",
        content="this \u2603 one",
        type="image",
        metadata={"width": 3},
        reply_to=first["seq"],
        mentions=[alice.pk],
        attachments=[file.pk],
    )
    assert (reply["type"], reply["content"], reply["metadata"]) == ("image", "this \u2603 one", {"width": 3})
    assert (reply["reply_to"], reply["mentions"]) == (first["seq"], [str(alice.pk)])
    heard = durable(a.heard_by_now(), room)
    (named,) = reply["attachments"]
    assert (named, reply["attachments"]) == (
        {**named, "id": str(file.pk), "size": 200_005},
        heard[0]["data"]["attachments"],
    )
    loaded = httpx.get(
        f"{daphne.base_url}{named['url']}", headers={"Authorization": f"Bearer {token_of(alice)}"}
    )
    assert (loaded.status_code, loaded.content) == (200, b"%PDF-" + b"x" * 200_000)
    assert [frame["event"] for frame in heard] == ["message.created", "message.updated"]
    assert heard[1]["data"]["reply_count"] == 1


def test_the_same_client_id_is_one_message_through_either_door(
    alice: User, bob: User, join: Join, daphne: Server
) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob)
    first = a.do("send", conversation=room, client_id="once", content="hello")
    again = a.do("send", conversation=room, client_id="once", content="hello, hello")
    rest = httpx.post(
        f"{daphne.base_url}/api/v1/conversations/{room}/messages",
        json={"client_id": "once", "content": "over there"},
        headers={"Authorization": f"Bearer {token_of(alice)}"},
    )
    assert again == {**first, "duplicate": True}
    assert rest.status_code == 200
    assert {**rest.json(), "duplicate": False} == first
    assert Message.objects.filter(conversation=room).count() == 1
    assert len(durable(b.heard_by_now(), room)) == 1


def test_a_message_over_rest_is_heard_on_the_socket(
    alice: User, bob: User, join: Join, daphne: Server
) -> None:
    room = factories.direct(alice, bob)
    b = join(bob)
    sent = httpx.post(
        f"{daphne.base_url}/api/v1/conversations/{room}/messages",
        json={"content": "by post"},
        headers={"Authorization": f"Bearer {token_of(alice)}"},
    )
    assert b.hear("message.created")["data"] == sent.json()


def test_editing_and_deleting(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob)
    seq = a.do("send", conversation=room, client_id="1", content="helo")["seq"]
    edited = a.do("edit", conversation=room, seq=seq, content="hello")
    deleted = a.do("delete", conversation=room, seq=seq)
    created, updated, removed = durable(b.heard_by_now(), room)
    assert created["event"] == "message.created"
    assert (updated["event"], updated["data"]) == ("message.updated", edited)
    assert (removed["event"], removed["data"]) == ("message.deleted", deleted)
    assert edited["content"] == "hello"
    assert deleted["content"] == ""
    assert deleted["deleted_at"] is not None


def test_ops_of_one_socket_run_in_order(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob)
    for number in range(20):
        a.say(op="send", conversation=room, client_id=str(number), content=str(number))
    a.say(op="edit", conversation=room, seq=20, content="last")
    a.do("delete", conversation=room, seq=1)
    frames = durable(b.heard_by_now(), room)
    assert [frame["data"]["content"] for frame in frames] == [*map(str, range(20)), "last", ""]
    assert [frame["version"] for frame in frames] == list(range(2, 24))


def test_reading_moves_the_position_and_tells_the_others(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob)
    for number in range(3):
        a.do("send", conversation=room, client_id=str(number), content="x")
    assert b.do("read", conversation=room, seq=2) == {"last_read_seq": 2, "unread_count": 1}
    assert a.hear("read") == {"event": "read", "conversation": str(room), "user": str(bob.pk), "seq": 2}
    assert b.do("read", conversation=room, seq=99) == {"last_read_seq": 3, "unread_count": 0}
    assert Participant.objects.get(conversation=room, user=bob).last_read_seq == 3


def test_a_strange_conversation_is_not_found(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    factories.say(alice, room)
    a, stranger = join(alice), join(factories.person())
    ops: dict[str, dict[str, object]] = {
        "send": {"client_id": "1", "content": "hello"},
        "edit": {"seq": 1, "content": "hey"},
        "delete": {"seq": 1},
        "react": {"seq": 1, "emoji": UP, "on": True},
        "read": {"seq": 1},
        "typing": {"on": True},
    }
    for op, fields in ops.items():
        for conversation in (room, uuid4()):
            answer = stranger.ask(op, conversation=conversation, **fields)
            assert answer["event"] == "error", op
            assert answer["error"]["code"] == "not_found", op
            assert answer["error"].keys() == {"code", "title", "detail"}
    assert a.heard_by_now() == []
    assert [message["content"] for message in factories.said(alice, room)] == ["hello"]


def test_refusals_of_the_room_behind_reach_the_client(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    seq = factories.say(bob, room).seq
    a = join(alice)
    assert a.ask("edit", conversation=room, seq=seq, content="no")["error"]["code"] == "forbidden"
    assert a.ask("edit", conversation=room, seq=99, content="no")["error"]["code"] == "not_found"
    unknown = a.ask("send", conversation=room, client_id="1", content="x", reply_to=99)["error"]
    assert (unknown["code"], unknown["errors"][0]["field"]) == ("unknown_message", "reply_to")


UP = "\N{THUMBS UP SIGN}"


def test_a_reaction_reaches_everybody_and_both_of_ones_own_devices(
    alice: User, bob: User, join: Join, other: Server
) -> None:
    room = factories.direct(alice, bob)
    seq = factories.say(alice, room).seq
    phone, desk, a = join(bob), join(bob, at=other), join(alice)
    for _ in range(2):
        done = phone.do("react", conversation=room, seq=seq, emoji=UP, on=True)
        assert done["reactions"] == [{"emoji": UP, "count": 1, "mine": True}]
    for socket in (desk, a):
        heard = socket.hear("message.updated")
        assert heard["data"]["reactions"] == [{"emoji": UP, "count": 1}]
        assert heard["reacted"] == [{"user": str(bob.pk), "emojis": [UP]}]
        assert durable(socket.heard_by_now(), room) == []
    desk.do("react", conversation=room, seq=seq, emoji=UP, on=False)
    assert a.hear("message.updated")["reacted"] == [{"user": str(bob.pk), "emojis": []}]


def test_resuming_tells_which_reactions_are_ones_own(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    seq = factories.say(alice, room).seq
    before = factories.view(bob, room) or {}
    for person in (alice, bob):
        reactions.react(actor_id=person.pk, conversation_id=room, seq=seq, emoji=UP, on=True)
    reactions.react(actor_id=alice.pk, conversation_id=room, seq=seq, emoji=UP, on=False)
    for person, mine in ((alice, False), (bob, True)):
        socket = join(person)
        socket.say(op="resume", cursors={str(room): before["version"]})
        (change,) = durable(socket.until(lambda frame: frame["event"] == "resumed"), room)
        assert change["data"]["reactions"] == [{"emoji": UP, "count": 1, "mine": mine}]
        assert "reacted" not in change


def test_who_is_blocked_is_told_so_and_the_other_hears_nothing(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    factories.say(bob, room)
    blocks.block(user_id=alice.pk, blocked_id=bob.pk)
    a, b = join(alice), join(bob)
    for op, given in (
        ("send", {"client_id": "1", "content": "hello"}),
        ("edit", {"seq": 1, "content": "other words"}),
        ("react", {"seq": 1, "emoji": UP, "on": True}),
    ):
        assert b.ask(op, conversation=room, **given)["error"]["code"] == "blocked"
    assert durable(a.heard_by_now(), room) == []
    assert b.do("delete", conversation=room, seq=1)["content"] == ""


def test_what_is_no_emoji_is_refused(alice: User, bob: User, join: Join) -> None:
    room = factories.direct(alice, bob)
    factories.say(alice, room)
    a = join(alice)
    for emoji in ("x", UP * 2, "\u200d"):
        error = a.ask("react", conversation=room, seq=1, emoji=emoji, on=True)["error"]
        assert (error["code"], error["errors"][0]["field"]) == ("not_an_emoji", "emoji")
    assert a.ask("react", conversation=room, seq=9, emoji=UP, on=True)["error"]["code"] == "not_found"
