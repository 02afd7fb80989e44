"""Who hears what, once and in order."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import httpx
from django.db import transaction
from django.utils import timezone

from conversations import access
from conversations.models import Participant, User
from conversations.services import business, conversations, participants, users
from messaging.services import bulk
from messaging.services.bulk import Line
from tests import factories
from tests.realtime.client import Client, Frame, durable, token_of
from tests.realtime.conftest import Join
from tests.server import Server


def versions(frames: list[Frame]) -> list[int]:
    return [frame["version"] for frame in frames]


def assert_whole(frames: list[Frame], *, after: int, upto: int) -> None:
    """Every version once, ascending, each on top of the one before."""
    assert versions(frames) == list(range(after + 1, upto + 1))
    assert [frame["prev"] for frame in frames] == list(range(after, upto))


def post(server: Server, user: User, room: UUID, count: int) -> None:
    """Messages over REST, one after the other."""
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=30) as http:
        for number in range(count):
            sent = http.post(f"/api/v1/conversations/{room}/messages", json={"content": f"rest {number}"})
            assert sent.status_code == 201, sent.text


def shout(client: Client, room: UUID, count: int) -> None:
    """Messages over a socket, without waiting for each."""
    for number in range(count):
        client.say(op="send", conversation=room, client_id=f"{uuid4()}", content=f"socket {number}")


def test_concurrent_senders_are_heard_once_and_in_order(
    alice: User, bob: User, join: Join, daphne: Server, other: Server
) -> None:
    people = [alice, bob, *factories.persons(4)]
    room = factories.group(*people)
    listeners = [join(bob), join(people[2]), join(bob, at=other)]
    speakers = [join(alice), join(people[3], at=other)]
    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(shout, speaker, room, 25) for speaker in speakers]
        work += [
            pool.submit(post, server, user, room, 25)
            for server, user in (
                (daphne, people[4]),
                (daphne, people[5]),
                (other, people[4]),
                (other, people[5]),
            )
        ]
        for job in work:
            job.result()
    for listener in [*listeners, *speakers]:
        frames = listener.until(lambda frame: frame.get("version") == 151)
        assert_whole(durable(frames, room), after=1, upto=151)


def test_two_servers_hear_each_other(alice: User, bob: User, join: Join, other: Server) -> None:
    room = factories.direct(alice, bob)
    a, b = join(alice), join(bob, at=other)
    said = a.do("send", conversation=room, client_id="1", content="over there")
    assert b.hear("message.created")["data"]["seq"] == said["seq"]
    b.do("read", conversation=room, seq=1)
    assert a.hear("read")["user"] == str(bob.pk)
    b.do("typing", conversation=room, on=True)
    assert a.hear("typing")["on"] is True


def test_a_new_conversation_is_heard_at_once(alice: User, bob: User, join: Join, other: Server) -> None:
    a, b, far = join(alice), join(bob), join(bob, at=other)
    created = httpx.post(
        other.base_url + "/api/v1/conversations",
        json={"type": "group", "participant_ids": [str(bob.pk)], "name": "new"},
        headers={"Authorization": f"Bearer {token_of(alice)}"},
    ).json()
    for client in (a, b, far):
        frame = client.hear("conversation.created")
        assert (frame["conversation"], frame["version"], frame["prev"]) == (created["id"], 1, 0)
        assert frame["data"]["name"] == "new"
    a.do("send", conversation=created["id"], client_id="1", content="welcome")
    for client in (b, far):
        assert client.hear("message.created")["version"] == 2


def test_who_is_added_hears_from_then_on(alice: User, bob: User, join: Join, daphne: Server) -> None:
    room = factories.group(alice)
    a, b = join(alice), join(bob)
    a.do("send", conversation=room, client_id="1", content="before")
    headers = {"Authorization": f"Bearer {token_of(alice)}"}
    added = httpx.post(
        f"{daphne.base_url}/api/v1/conversations/{room}/participants",
        json={"user_ids": [str(bob.pk)]},
        headers=headers,
    )
    assert added.status_code == 201, added.text
    a.do("send", conversation=room, client_id="2", content="after")
    frames = durable(b.heard_by_now(), room)
    assert [frame["event"] for frame in frames] == ["participant.joined", "message.created"]
    assert frames[0]["data"]["user"]["id"] == str(bob.pk)
    assert frames[1]["data"]["content"] == "after"


def test_who_is_removed_falls_silent(alice: User, bob: User, join: Join, other: Server) -> None:
    room = factories.group(alice, bob)
    a, b, far = join(alice), join(bob), join(bob, at=other)
    participants.remove_participant(actor_id=alice.pk, conversation_id=room, user_id=bob.pk)
    for client in (a, b, far):
        assert client.hear("participant.left")["data"]["user"]["id"] == str(bob.pk)
    a.do("send", conversation=room, client_id="1", content="among us")
    a.do("typing", conversation=room, on=True)
    witness = join(alice, at=other)
    a.do("send", conversation=room, client_id="2", content="still")
    witness.hear("message.created")
    assert b.heard_by_now() == []
    assert far.heard_by_now() == []
    assert b.ask("send", conversation=room, client_id="1", content="hey")["error"]["code"] == "not_found"


def test_the_end_of_a_conversation_is_the_last_that_is_heard(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    b = join(bob)
    conversations.delete_conversation(actor_id=alice.pk, conversation_id=room)
    ended = b.hear("conversation.deleted")
    assert ended["data"] == {"id": str(room)}
    assert b.heard_by_now() == []


def test_agents_hear_their_businesses_cases_once(alice: User, bob: User, join: Join, other: Server) -> None:
    agent, elsewhere, answering = factories.agent("acme"), factories.agent("rival"), factories.agent("acme")
    near, far, rival, speaker = join(agent), join(agent, at=other), join(elsewhere), join(answering)
    room = factories.case(alice, "acme", "my kettle is cold")
    assert near.hello["heads"] == {}
    for client in (near, far):
        frames = client.until(lambda frame: frame.get("version") == 2)
        assert [frame["event"] for frame in frames] == ["conversation.created", "message.created"]
    speaker.do("send", conversation=room, client_id="1", content="is it plugged in?")
    customer = join(alice)
    customer.do("send", conversation=room, client_id="1", content="now it is")
    business.set_case_status(actor_id=answering.pk, conversation_id=room, status="resolved")
    for client in (near, far):
        frames = client.until(lambda frame: frame.get("version") == 8)
        assert_whole(durable(frames, room), after=2, upto=8)
        said = [frame["data"]["content"] for frame in frames if frame["event"] == "message.created"]
        assert said[:2] == ["is it plugged in?", "now it is"]
    customer.do("read", conversation=room, seq=4)
    for client in (near, far):
        client.hear("read", user=alice.pk)
        assert client.heard_by_now() == []
    assert rival.heard_by_now() == []


def headers(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(user)}"}


def test_agents_come_and_go_on_open_sockets(
    alice: User, bob: User, join: Join, daphne: Server, other: Server
) -> None:
    chief, witness = factories.agent("acme", "owner"), factories.agent("acme")
    near, far, see_near, see_far = join(bob), join(bob, at=other), join(witness), join(witness, at=other)
    address = f"{daphne.base_url}/api/v1/business/acme/agents/{bob.pk}"
    named = httpx.put(address, json={"role": "agent"}, headers=headers(chief))
    assert named.status_code == 200, named.text
    near.heard_by_now()
    customer = join(alice, at=other)
    rooms = [factories.case(alice, "acme", "first")]
    # The far process may join the business's group a moment later than the case is opened.
    while not durable(far.heard_by_now(), rooms[-1]):
        rooms.append(factories.case(alice, "acme", "another"))
        see_far.hear("message.created", conversation=rooms[-1])
    near.hear("message.created", conversation=rooms[-1])
    customer.do("typing", conversation=rooms[-1], on=True)
    for client in (near, far, see_near, see_far):
        client.hear("typing", conversation=rooms[-1], user=alice.pk, on=True)
    dismissed = httpx.delete(address, headers=headers(chief))
    assert dismissed.status_code == 204, dismissed.text
    for client in (near, far, see_near, see_far):
        client.heard_by_now()
    for number in range(3):
        customer.do("send", conversation=rooms[-1], client_id=str(number), content="secret")
    for client in (see_near, see_far):
        client.until(lambda frame: frame.get("data", {}).get("content") == "secret")
    for client in (near, far):
        assert durable(client.heard_by_now(), rooms[-1]) == []


def test_a_closed_accounts_sockets_are_closed(alice: User, bob: User, join: Join, other: Server) -> None:
    near, far, stays = join(alice), join(alice, at=other), join(bob)
    users.set_active(user_ids=[alice.pk], active=False)
    assert [near.code(), far.code()] == [4401, 4401]
    assert stays.heard_by_now() == []


def test_a_burst_leaves_in_few_messages(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    b = join(bob)
    before = b.messages
    lines = [Line(alice.pk, str(number), timezone.now(), str(number)) for number in range(300)]
    bulk.add_batch(conversation_id=room, lines=lines)
    frames = b.until(lambda frame: frame.get("version") == 301)
    assert_whole(durable(frames, room), after=1, upto=301)
    assert b.messages - before < 300


def test_what_was_sent_without_an_event_is_found_with_the_next(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    b = join(bob)
    lines = [Line(alice.pk, str(number), timezone.now(), str(number)) for number in range(50)]
    append_silently(room, lines)
    factories.say(alice, room)
    frames = b.until(lambda frame: frame.get("version") == 52)
    assert_whole(durable(frames, room), after=1, upto=52)


def test_who_was_removed_unheard_hears_no_more(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    a, b = join(alice), join(bob)
    lines = [Line(alice.pk, str(number), timezone.now(), str(number)) for number in range(300)]
    append_silently(room, lines)
    Participant.objects.filter(conversation=room, user=bob).update(left_at=timezone.now(), version=200)
    factories.say(alice, room)
    a.hear("reset", conversation=room)
    factories.say(alice, room, "among us")
    a.hear("message.created")
    assert b.heard_by_now() == [{"event": "reset", "conversation": str(room)}]


def test_too_much_without_an_event_is_to_be_read_anew(alice: User, bob: User, join: Join) -> None:
    room = factories.group(alice, bob)
    b = join(bob)
    lines = [Line(alice.pk, str(number), timezone.now(), str(number)) for number in range(300)]
    append_silently(room, lines)
    factories.say(alice, room)
    assert b.next() == {"event": "reset", "conversation": str(room)}
    factories.say(alice, room, "next")
    assert b.hear("message.created")["version"] == 303


def append_silently(room: UUID, lines: list[Line]) -> None:
    """As the log reader does."""
    with transaction.atomic():
        bulk.append(access.get_any_conversation(room, lock=True), lines)
