"""What no event told is found in PostgreSQL.

The server here has a Redis of its own, so nothing that this process does reaches it but through PostgreSQL.
"""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from conversations.models import BusinessAgent, SocketNotice, User
from conversations.services import business, conversations, participants, sessions, users
from messaging.hub.sweep import COMMIT_S
from messaging.services import messages
from messaging.services.bulk import Line, add_batch
from tests import factories
from tests.realtime.client import Client, Frame, durable
from tests.realtime.conftest import Join, a_redis
from tests.realtime.test_notes import note, told
from tests.realtime.test_notes import up_to as notes_up_to
from tests.server import Server


@pytest.fixture(scope="module")
def deaf_process(django_db_setup: None, static_files: None) -> Iterator[Server]:
    """The server of `deaf`."""
    with a_redis() as redis:
        server = Server(database=str(connection.settings_dict["NAME"]), settings={"REDIS_URL": redis.url})
        yield server
        server.stop()
        server.log.unlink(missing_ok=True)


@pytest.fixture
def deaf(transactional_db: None, deaf_process: Server) -> Server:
    """A server that no event of this process reaches."""
    deaf_process.ensure()
    return deaf_process


def up_to(client: Client, user: User, room: UUID) -> list[Frame]:
    """Everything that a client heard until the sweep brought it something said now."""
    factories.say(user, room, "now")
    return client.until(lambda frame: frame.get("data", {}).get("content") == "now")


def test_what_happens_in_a_conversation_is_heard_once_and_in_order(
    alice: User, bob: User, join: Join, deaf: Server
) -> None:
    room = factories.group(alice, bob)
    b = join(bob, at=deaf)
    for number in range(5):
        factories.say(alice, room, str(number))
    messages.edit_message(actor_id=alice.pk, conversation_id=room, seq=2, content="changed")
    messages.delete_message(actor_id=alice.pk, conversation_id=room, seq=3)
    heard = durable(up_to(b, alice, room), room)
    versions = [frame["version"] for frame in heard]
    assert versions == sorted(set(versions))
    assert {frame["data"]["seq"]: frame["data"]["content"] for frame in heard} == {
        1: "0", 2: "changed", 3: "", 4: "3", 5: "4", 6: "now",
    }  # fmt: skip
    assert durable(b.heard_by_now(), room) == []


def test_more_than_can_be_told_is_to_be_read_anew(alice: User, bob: User, join: Join, deaf: Server) -> None:
    room = factories.direct(alice, bob)
    b = join(bob, at=deaf)
    lines = [Line(alice.pk, str(number), timezone.now(), str(number)) for number in range(250)]
    add_batch(conversation_id=room, lines=lines)  # at once: a slow machine would be looked at meanwhile
    heard = b.until(lambda frame: frame["event"] == "reset")
    assert heard[-1]["conversation"] == str(room)


def test_who_comes_and_goes(alice: User, bob: User, join: Join, deaf: Server) -> None:
    b = join(bob, at=deaf)
    made = conversations.create_group(creator_id=alice.pk, participant_ids=[bob.pk], name="New").pk
    factories.say(alice, made, "one")
    assert b.hear("conversation.created")["conversation"] == str(made)
    assert b.hear("message.created")["data"]["content"] == "one"
    old = factories.group(alice)
    factories.say(alice, old, "before")
    participants.add_participants(actor_id=alice.pk, conversation_id=old, user_ids=[bob.pk])
    assert b.hear("participant.joined", conversation=old)["data"]["user"]["id"] == str(bob.pk)
    up_to(b, alice, old)
    participants.remove_participant(actor_id=alice.pk, conversation_id=old, user_id=bob.pk)
    assert b.hear("participant.left", conversation=old)["data"]["user"]["id"] == str(bob.pk)
    factories.say(alice, old, "after")
    assert durable(up_to(b, alice, made), old) == []


def test_a_deleted_conversation(alice: User, bob: User, join: Join, deaf: Server) -> None:
    room = factories.group(alice, bob)
    b = join(bob, at=deaf)
    conversations.delete_conversation(actor_id=alice.pk, conversation_id=room)
    assert b.hear("conversation.deleted")["conversation"] == str(room)


def test_closed_accounts_and_agents(alice: User, bob: User, join: Join, deaf: Server) -> None:
    staff, room = factories.person("staff", is_staff=True), factories.direct(alice, bob)
    closed, helper = factories.person("closed"), join(bob, at=deaf)
    going = join(closed, at=deaf)
    business.put_agent(actor=staff, business_id="acme", user_id=bob.pk, role="agent")
    users.set_active(user_ids=[closed.pk], active=False)
    assert going.code() == 4401
    case = factories.case(alice, content="help")
    assert helper.hear("message.created", conversation=case)["data"]["content"] == "help"
    business.remove_agent(actor=staff, business_id="acme", user_id=bob.pk)
    up_to(helper, alice, room)
    factories.say(alice, case, "more")
    assert durable(up_to(helper, alice, room), case) == []
    assert not BusinessAgent.objects.filter(user=bob).exists()


def test_a_notice_is_not_for_those_who_came_after_it(
    alice: User, bob: User, join: Join, deaf: Server
) -> None:
    room = factories.direct(alice, bob)
    users.set_active(user_ids=[bob.pk], active=False)
    users.set_active(user_ids=[bob.pk], active=True)
    assert SocketNotice.objects.filter(user=bob, change="signed_out").count() == 1
    time.sleep(COMMIT_S)
    b = join(bob, at=deaf)
    up_to(b, alice, room)
    assert b.ask("ping")["event"] == "pong"


def test_an_ended_session(join: Join, deaf: Server) -> None:
    dora = User.objects.create_user("dora", "long and not in any list")
    _, tokens = sessions.sign_in(username="dora", password="long and not in any list")
    _, others = sessions.sign_in(username="dora", password="long and not in any list")
    mine, stays = join(dora, at=deaf, access=tokens.access), join(dora, at=deaf, access=others.access)
    sessions.revoke(tokens.refresh)
    assert mine.code() == 4401
    assert stays.ask("ping")["event"] == "pong"


def test_notes_are_found_and_who_was_dismissed_hears_none(alice: User, join: Join, deaf: Server) -> None:
    agent, case = factories.agent(), factories.case(alice, content="help")
    leaving, staff = factories.agent(), factories.person("staff", is_staff=True)
    a, b, customer = join(agent, at=deaf), join(leaving, at=deaf), join(alice, at=deaf)
    note(agent, case, "one")
    note(agent, case, "two")
    assert (
        told(notes_up_to(a, 2)) == told(notes_up_to(b, 2)) == [("note.created", 1, 0), ("note.created", 2, 1)]
    )
    business.remove_agent(actor=staff, business_id="acme", user_id=leaving.pk)
    room = factories.group(alice, leaving)
    b.hear("conversation.created", conversation=room)
    note(agent, case, "three")
    assert told(notes_up_to(a, 3)) == [("note.created", 3, 2)]
    factories.say(alice, room, "now")
    assert [one["event"] for one in b.until(lambda one: one["event"] == "message.created")] == [
        "message.created"
    ]
    assert not told(customer.heard_by_now())
