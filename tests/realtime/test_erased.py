"""Who is erased is thrown out at once; those who are there see it happen, and who was away hears of it later."""

from conversations.models import User
from conversations.services.erasing import NOBODY
from personal.jobs import working
from tests import factories
from tests.api import Api, read
from tests.realtime.client import token_of
from tests.realtime.conftest import Join
from tests.server import Server


def test_by_staff_while_everybody_is_there(alice: User, bob: User, join: Join, other: Server) -> None:
    room = factories.group(alice, bob)
    for words in ("one", "two", "three"):
        factories.say(alice, room, words)
    staff = factories.person("staff", is_staff=True)
    hers, his, away = join(alice), join(bob, at=other), join(bob)
    version = away.hello["heads"][str(room)]
    away.socket.close()
    old = token_of(alice)
    read(Api(staff).post(f"/users/{alice.pk}/erase"), 202)
    assert hers.code() == 4401
    assert Api(token=old).get("/users/me").status_code == 401
    working.work(within_s=30)
    told = his.until(lambda frame: frame["event"] == "message.deleted" and frame["data"]["seq"] == 3)
    durable = [frame for frame in told if "version" in frame]
    assert [frame["version"] for frame in durable] == list(range(version + 1, durable[-1]["version"] + 1))
    assert {frame["data"]["sender"]["display_name"] for frame in durable if "message" in frame["event"]} == {
        NOBODY
    }
    back = join(bob, past=True)
    back.say(op="resume", cursors={str(room): version})
    again = [frame for frame in back.until(lambda frame: frame["event"] == "resumed") if "version" in frame]
    assert {frame["event"] for frame in again} >= {"message.deleted", "participant.left"}
    assert again[-1]["version"] == durable[-1]["version"]
    assert "three" not in str(told + again)
