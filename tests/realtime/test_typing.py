"""Who is writing, as the others hear it: in the same process and in another one."""

from time import monotonic
from uuid import UUID

from conversations.models import User
from conversations.services import blocks
from messaging.consumers.typing import EVERY_S, LASTS_S
from messaging.events import LATE_S
from tests import factories
from tests.realtime.client import Client, Frame
from tests.realtime.conftest import Join
from tests.server import Server


def told(client: Client) -> list[bool]:
    """What a client heard of typing by now."""
    return [frame["on"] for frame in client.heard_by_now() if frame["event"] == "typing"]


def says(room: UUID, user: User, *, on: bool) -> Frame:
    return {"event": "typing", "conversation": str(room), "user": str(user.pk), "on": on}


def test_who_goes_on_typing_is_told_again_after_three_seconds(
    alice: User, bob: User, join: Join, other: Server
) -> None:
    room = factories.direct(alice, bob)
    a, far = join(alice), join(bob, at=other)
    began = monotonic()
    heard: list[bool] = []
    while len(heard) < 2:
        a.do("typing", conversation=room, on=True)
        heard += told(far)
    assert heard == [True, True]
    assert monotonic() - began >= EVERY_S == 3


def test_saying_it_ends_it(alice: User, bob: User, join: Join, other: Server) -> None:
    room = factories.direct(alice, bob)
    a, near, far = join(alice), join(bob), join(bob, at=other)
    a.do("typing", conversation=room, on=True)
    assert a.ask("send", conversation=room, client_id="1", content=" ")["event"] == "error"
    a.do("send", conversation=room, client_id="1", content="there")
    assert told(near) == [True, False]
    frames = far.until(lambda frame: frame["event"] == "typing" and not frame["on"])
    assert [frame["event"] for frame in frames] == ["typing", "message.created", "typing"]
    a.do("typing", conversation=room, on=False)
    assert told(far) == []


def test_who_is_blocked_is_not_seen_typing(alice: User, bob: User, join: Join) -> None:
    """Blocked in the middle of it, too: it ends, and does not begin again."""
    room, group = factories.direct(alice, bob), factories.group(alice, bob)
    a, b = join(alice), join(bob)
    b.do("typing", conversation=room, on=True)
    assert a.hear("typing", on=True)["conversation"] == str(room)
    blocks.block(user_id=alice.pk, blocked_id=bob.pk)
    assert b.ask("typing", conversation=room, on=True)["error"]["code"] == "blocked"
    b.do("typing", conversation=room, on=False)
    assert a.hear("typing", on=False)["conversation"] == str(room)
    assert b.ask("typing", conversation=room, on=True)["error"]["code"] == "blocked"
    b.do("typing", conversation=group, on=True)
    assert a.hear("typing", on=True)["conversation"] == str(group)
    blocks.unblock(user_id=alice.pk, blocked_id=bob.pk)
    b.do("typing", conversation=room, on=True)


def test_who_leaves_stops_typing(alice: User, bob: User, join: Join, other: Server) -> None:
    room = factories.direct(alice, bob)
    a, near, far = join(alice), join(bob), join(bob, at=other)
    a.do("typing", conversation=room, on=True)
    a.socket.close()
    for client in (near, far):
        assert client.hear("typing", on=False)["user"] == str(alice.pk)


def test_it_ends_by_itself_and_where_its_server_is_killed(
    alice: User, bob: User, join: Join, other: Server
) -> None:
    clara = factories.person("clara")
    room, case = factories.direct(alice, bob), factories.case(clara, content="help")
    lost, bobs, helper = join(clara, at=other), join(bob), join(factories.agent())
    stays, stranger = join(alice, at=other), join(factories.person())
    far = join(alice)
    began = monotonic()
    for _ in range(5):
        bobs.do("typing", conversation=room, on=True)
    lost.do("typing", conversation=case, on=True)
    assert stays.hear("typing") == says(room, bob, on=True)
    assert helper.hear("typing", conversation=case) == says(case, clara, on=True)
    other.kill()
    assert [far.hear("typing"), far.hear("typing")] == [says(room, bob, on=True), says(room, bob, on=False)]
    assert LASTS_S == 6 <= monotonic() - began
    assert helper.hear("typing") == says(case, clara, on=False)
    assert monotonic() - began >= LASTS_S + LATE_S
    for client in (far, helper, stranger):
        assert told(client) == []
