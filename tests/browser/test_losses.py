"""Whatever is lost between the browser and the server: in the end everything is there once, in order."""

import json
import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from django.utils import timezone
from playwright.sync_api import APIResponse, Route, WebSocket, expect

from conversations.models import Participant, User
from messaging.consumers import replay
from messaging.services import messages
from messaging.services.bulk import Line, add_batch
from tests import factories
from tests.browser.person import LIVE_MS, Person
from tests.browser.road import Frame, Road, tells_of_a_message
from tests.server import Server

BEAT_MS, PONG_MS, DOUBT_MS, REPLY_MS = 26_000, 11_000, 4_000, 16_000  # the client's patience, and a little


def stored(ben: Person, room: UUID) -> list[str]:
    """What is stored, oldest first."""
    return [message["content"] for message in factories.said(User.objects.get(pk=ben.id), room)]


def created(text: str) -> Callable[[Frame], bool]:
    """The event of a message with this text."""
    return lambda frame: frame["event"] == "message.created" and frame["data"]["content"] == text


def test_a_frame_that_never_came_is_noticed_by_the_next(
    ann: User, ben: Person, room: UUID, road: Road
) -> None:
    road.lose(created("two"))
    for text in ("one", "two", "three"):
        factories.say(ann, room, text)
    ben.sees("hello", "one", "two", "three")
    assert len(road.lost) == 1


def test_a_lost_ack_stores_and_shows_the_message_once(ben: Person, room: UUID, road: Road) -> None:
    road.lose(tells_of_a_message)
    ben.write("did you get this?")
    ben.write("and this?")
    ben.until(lambda: len(road.lost) == 2)
    expect(ben.message("did you get this?")).to_have_attribute("data-state", "pending")
    road.deliver()
    ben.page.clock.fast_forward(REPLY_MS)
    for text in ("did you get this?", "and this?"):
        expect(ben.message(text)).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    ben.sees("hello", "did you get this?", "and this?")
    assert stored(ben, room) == ["hello", "did you get this?", "and this?"]


def test_the_own_message_heard_is_as_good_as_its_ack(ben: Person, room: UUID, road: Road) -> None:
    road.lose(lambda frame: "client_id" in frame.get("result", {}))
    ben.write("one")
    ben.write("two")
    expect(ben.message("two")).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    ben.sees("hello", "one", "two")
    assert len(road.lost) == 2


@pytest.mark.parametrize("told", [False, True], ids=["untold", "told by the browser"])
def test_a_network_gone_dark_is_found_by_the_missing_pong(
    told: bool, ann: User, ben: Person, room: UUID, road: Road
) -> None:
    if told:
        ben.page.context.set_offline(True)
        ben.page.clock.fast_forward(DOUBT_MS)
    else:
        road.darken()
        ben.page.clock.fast_forward(BEAT_MS)
        ben.page.clock.fast_forward(PONG_MS)
    expect(ben.page.locator("html")).not_to_have_attribute("data-connection", "online")
    factories.say(ann, room, "are you there?")
    ben.write("I am")
    expect(ben.message("I am")).to_have_attribute("data-state", "pending")
    ben.sees("hello", "I am")
    ben.page.context.set_offline(False)
    road.lighten()
    ben.waits_until_online()
    expect(ben.message("I am")).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    ben.sees("hello", "are you there?", "I am")
    assert stored(ben, room) == ["hello", "are you there?", "I am"]


def test_a_killed_server_keeps_order_and_doubles_nothing(
    ann: User, ben: Person, room: UUID, daphne: Server
) -> None:
    said = [f"number {number}" for number in range(12)]
    for text in said[:6]:
        ben.write(text)
    daphne.kill()
    for text in said[6:]:
        ben.write(text)
    factories.say(ann, room, "meanwhile")
    daphne.start()
    ben.waits_until_online()
    expect(ben.message(said[-1])).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    assert [text for text in stored(ben, room) if text in said] == said
    ben.sees(*stored(ben, room))


def test_what_happens_during_a_resume_comes_after_it(ann: User, ben: Person, room: UUID, road: Road) -> None:
    ben.loses_touch()
    road.cut()
    said = [f"number {number}" for number in range(60)]
    for text in said[:30]:
        factories.say(ann, room, text)
    speaker = threading.Thread(target=lambda: [factories.say(ann, room, text) for text in said[30:]])
    speaker.start()
    ben.is_in_touch()
    ben.waits_until_online()
    speaker.join()
    ben.sees("hello", *said)


def test_a_resume_that_was_refused_is_asked_for_again(ann: User, ben: Person, room: UUID, road: Road) -> None:
    ben.loses_touch()
    road.cut()
    factories.say(ann, room, "one")
    factories.say(ann, room, "two")
    road.lose(lambda frame: frame["event"] in ("message.created", "resumed"))
    ben.is_in_touch()
    ben.waits_until_online()
    ben.until(lambda: "resumed" in [frame["event"] for frame in road.lost])
    road.deliver()
    road.say(json.dumps({"event": "error", "ref": road.lost[-1]["ref"], "error": {"code": "unavailable"}}))
    ben.sees("hello", "one", "two")


def test_a_conversation_left_meanwhile_is_gone(ann: User, ben: Person, room: UUID, road: Road) -> None:
    ben.loses_touch()
    road.cut()
    ben.write("too late")
    Participant.objects.filter(conversation=room, user=ben.id).update(left_at=timezone.now())
    ben.is_in_touch()
    ben.waits_until_online()
    expect(ben.page.get_by_test_id("conversation-item")).to_have_count(0, timeout=LIVE_MS)
    ben.until(lambda: ben.page.evaluate("!JSON.stringify(localStorage).includes('too late')"))


def test_too_much_missed_is_read_anew(ann: User, ben: Person, room: UUID, road: Road) -> None:
    ben.loses_touch()
    road.cut()
    for number in range(replay.FAR + 1):
        factories.say(ann, room, f"number {number}")
    ben.is_in_touch()
    ben.waits_until_online()
    expect(ben.message(f"number {replay.FAR}")).to_be_visible(timeout=LIVE_MS)
    ben.write("so much!")
    expect(ben.message("so much!")).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    ben.sees(*stored(ben, room)[-51:])


@pytest.fixture
def far_back(ann: User, ben: Person, room: UUID) -> UUID:
    """Ann has said a lot since, all of which was heard."""
    lines = [Line(ann.pk, f"number {seq}", timezone.now(), str(seq)) for seq in range(2, 202)]
    add_batch(conversation_id=room, lines=lines)
    expect(ben.message("number 201")).to_be_visible(timeout=LIVE_MS)
    return room


def reset(road: Road, room: UUID) -> None:
    """As the server says that too much was missed."""
    road.say(json.dumps({"event": "reset", "conversation": str(room)}))


def test_what_is_read_anew_is_what_one_looks_at(ann: User, ben: Person, far_back: UUID, road: Road) -> None:
    ben.page.goto(f"{ben.base_url}/#/c/{far_back}/100")
    expect(ben.message("number 100")).to_be_in_viewport(timeout=LIVE_MS)
    road.lose(lambda frame: frame["event"] == "message.updated")
    messages.edit_message(actor_id=ann.pk, conversation_id=far_back, seq=100, content="number 100, mended")
    ben.until(lambda: road.lost)
    reset(road, far_back)
    expect(ben.message("number 100, mended")).to_be_in_viewport(timeout=LIVE_MS)
    expect(ben.message("number 201")).to_have_count(0)


def test_a_page_that_was_on_its_way_is_read_anew_too(
    ann: User, ben: Person, far_back: UUID, road: Road
) -> None:
    late: list[tuple[Route, APIResponse]] = []
    ben.page.goto(f"{ben.base_url}/?anew")
    ben.is_online()
    ben.page.route("**/messages?around=*", lambda route: late.append((route, route.fetch())), times=1)
    ben.page.goto(f"{ben.base_url}/?anew#/c/{far_back}/100")
    ben.until(lambda: late)
    road.lose(lambda frame: frame["event"] == "message.updated")
    messages.edit_message(actor_id=ann.pk, conversation_id=far_back, seq=100, content="mended")
    ben.until(lambda: road.lost)
    reset(road, far_back)
    route, page = late[0]
    route.fulfill(response=page)
    expect(ben.message("mended")).to_be_in_viewport(timeout=LIVE_MS)
    expect(ben.message("number 201")).to_have_count(0)


def test_what_a_client_does_not_know_does_no_harm(ann: User, ben: Person, room: UUID, road: Road) -> None:
    """Also several frames in one message, with lines that are none."""
    for text in (
        '{"event":"from.the.future","conversation":1}\n\n[]\nnot json\n{"event":7}',
        '{"event":"message.created"}',
    ):
        road.say(text)
    factories.say(ann, room, "one")
    ben.write("two")
    ben.sees("hello", "one", "two")


def test_asking_again_and_again_is_no_tight_loop(ben: Person, room: UUID, road: Road) -> None:
    tries: list[str] = []
    opened: list[WebSocket] = []
    ben.page.on("request", lambda asked: tries.extend([asked.url] * asked.url.endswith("/ws-ticket")))
    ben.page.on("websocket", lambda socket: opened.append(socket))
    ben.loses_touch()
    road.cut()
    ben.until(lambda: tries)
    start = ben.page.evaluate("Date.now()")
    for _ in range(50):
        ben.page.evaluate("for (const name of ['online', 'offline']) dispatchEvent(new Event(name))")
        ben.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        ben.page.wait_for_timeout(20)
    seconds = (ben.page.evaluate("Date.now()") - start) / 1000
    assert len(tries) <= 3 + seconds
    ben.is_in_touch()
    ben.waits_until_online()
    assert len(opened) == 1


def test_after_every_close_what_was_missed_comes_on_one_new_connection(
    ann: User, ben: Person, room: UUID, road: Road
) -> None:
    opened: list[WebSocket] = []
    ben.page.on("websocket", lambda socket: opened.append(socket))
    said = ["hello"]
    for code in (1012, 4401, 4408):
        road.close_sockets(code)
        expect(ben.page.locator("html")).not_to_have_attribute("data-connection", "online", timeout=LIVE_MS)
        said.append(f"after {code}")
        factories.say(ann, room, said[-1])
        ben.waits_until_online()
        ben.sees(*said)
    assert len(opened) == len(said) - 1


def test_a_code_that_asks_for_a_longer_pause_gets_it(ben: Person, room: UUID, road: Road) -> None:
    road.close_sockets(4429)
    expect(ben.page.locator("html")).to_have_attribute("data-connection", "waiting", timeout=LIVE_MS)
    ben.page.evaluate("dispatchEvent(new Event('online'))")
    ben.page.clock.fast_forward(3_000)
    expect(ben.page.locator("html")).to_have_attribute("data-connection", "waiting")
    ben.waits_until_online()
