"""Somebody looks for something that was said long ago, and goes there."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import expect

from conversations.models import User
from messaging.services.bulk import Line, add_batch
from messaging.services.messages import send_message
from tests import factories
from tests.browser.person import LIVE_MS, Person


@pytest.fixture
def long_talk(people: tuple[Person, Person]) -> tuple[Person, Person, UUID]:
    """Three hundred numbers that Ann said to Ben. Only the hundredth is a prime joke; it has markup in it."""
    ann, ben = people
    room = factories.direct(User.objects.get(pk=ann.id), User.objects.get(pk=ben.id))
    begun = datetime(2026, 1, 1, 10, tzinfo=UTC)
    add_batch(
        conversation_id=room,
        lines=[
            Line(
                sender=ann.id,
                content="a <b>prime</b> joke" if number == 100 else f"number {number}",
                sent_at=begun + timedelta(minutes=number),
                client_id=str(number),
            )
            for number in range(1, 301)
        ],
    )
    return ann, ben, room


def _search(person: Person, q: str) -> None:
    person.page.get_by_role("button", name="Search messages").click()
    person.page.get_by_role("searchbox", name="Search messages").fill(q)


def test_a_hit_leads_to_its_place_and_from_there_back_to_the_newest(
    long_talk: tuple[Person, Person, UUID],
) -> None:
    _, ben, _ = long_talk
    _search(ben, "primes")
    hit = ben.page.get_by_test_id("hit")
    expect(hit).to_contain_text("a <b>prime</b> joke", timeout=LIVE_MS)
    expect(hit).to_contain_text("ann")
    expect(hit.locator("mark")).to_have_text("prime")
    hit.click()
    found = ben.message("a <b>prime</b> joke")
    expect(found).to_be_in_viewport(timeout=LIVE_MS)
    expect(ben.message("number 101")).to_be_attached()
    expect(ben.message("number 300")).to_have_count(0)
    expect(ben.page.get_by_test_id("search-dialog")).to_have_count(0)

    ben.page.get_by_test_id("timeline").hover()
    for newest_loaded in ("number 175", "number 225", "number 275", "number 300"):
        ben.page.mouse.wheel(0, 20_000)
        expect(ben.message(newest_loaded)).to_be_attached(timeout=LIVE_MS)
    texts = ben.page.get_by_test_id("message-body").all_inner_texts()
    numbers = [int(number) for text in texts for number in re.findall(r"^number (\d+)$", text)]
    assert numbers == [
        number for number in range(numbers[0], 301) if number != 100
    ]  # none missing, none twice


def test_what_is_said_meanwhile_waits_at_the_end(long_talk: tuple[Person, Person, UUID]) -> None:
    ann, ben, room = long_talk
    ben.page.goto(f"{ben.base_url}/#/c/{room}/100")
    expect(ben.message("a <b>prime</b> joke")).to_be_in_viewport(timeout=LIVE_MS)
    expect(ben.page.get_by_test_id("unread-badge")).to_have_text("99+")  # not read by looking at old ones
    send_message(sender_id=ann.id, conversation_id=room, content="are you there?")
    ben.page.get_by_role("button", name=re.compile("Jump to the newest|new message")).click()
    expect(ben.message("are you there?")).to_be_in_viewport(timeout=LIVE_MS)
    expect(ben.page.get_by_test_id("unread-badge")).to_have_count(0, timeout=LIVE_MS)
    ben.write("yes")
    expect(ben.message("yes")).to_be_in_viewport(timeout=LIVE_MS)


def test_an_answer_from_far_back_goes_to_the_end(long_talk: tuple[Person, Person, UUID]) -> None:
    _, ben, room = long_talk
    ben.page.goto(f"{ben.base_url}/#/c/{room}/100")
    expect(ben.message("a <b>prime</b> joke")).to_be_in_viewport(timeout=LIVE_MS)
    ben.write("found it")
    expect(ben.message("found it")).to_be_in_viewport(timeout=LIVE_MS)
    expect(ben.message("number 300")).to_be_attached()


def test_nothing_found_and_too_much_asked_for_are_told(people: tuple[Person, Person]) -> None:
    _, ben = people
    _search(ben, "unheard-of")
    dialog = ben.page.get_by_test_id("search-dialog")
    expect(dialog.get_by_role("status")).to_have_text("Nothing found.", timeout=LIVE_MS)
    ben.page.get_by_role("searchbox", name="Search messages").fill("a " * 20)
    expect(dialog.get_by_role("status")).to_have_text("At most 16 terms.", timeout=LIVE_MS)
