"""What a room offers beside talking: pinned messages."""

from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from conversations.models import User
from tests import factories
from tests.browser.person import LIVE_MS, Person

Room = tuple[Person, Person, UUID]


@pytest.fixture
def garden(people: tuple[Person, Person]) -> Room:
    """A group that Ann owns; thirty lines of hers, which both have before them."""
    ann, ben = people
    for person in people:
        person.is_online()
    owner, member = (User.objects.get(pk=one.id) for one in people)
    room = factories.group(owner, member, name="The garden")
    for number in range(1, 31):
        factories.say(owner, room, f"line {number}")
    for person in people:
        person.open_conversation("The garden")
        expect(person.message("line 30")).to_be_attached(timeout=LIVE_MS)
    return ann, ben, room


def _menu(person: Person, text: str) -> Locator:
    """What can be done with a message."""
    line = person.message(text)
    line.hover()
    line.get_by_role("button", name="Message actions").click()
    return person.page.get_by_role("menuitem")


def _pins(person: Person) -> Locator:
    return person.page.get_by_test_id("pins")


def test_what_the_owner_pins_everybody_finds_until_it_is_taken_off(garden: Room) -> None:
    ann, ben, _ = garden
    for text in ("line 1", "line 30"):
        ann.act_on(text, "Pin")
        expect(_pins(ben)).to_contain_text(f"ann: {text}", timeout=LIVE_MS)
    ben.page.reload()
    _pins(ben).get_by_role("button", name="2 pinned").click(timeout=LIVE_MS)
    expect(ben.page.get_by_test_id("pinned")).to_contain_text(["line 30", "line 1"])
    expect(ben.page.get_by_role("button", name="Unpin")).to_have_count(0)
    ben.page.get_by_test_id("pinned").last.press("Enter")
    expect(ben.message("line 1")).to_be_in_viewport(timeout=LIVE_MS)
    expect(_menu(ben, "line 1")).to_have_text(["React", "Copy text"])
    ben.page.keyboard.press("Escape")

    ann.act_on("line 30", "Edit")
    ann.write("line <b>thirty</b>")
    expect(_pins(ben)).to_contain_text("ann: line <b>thirty</b>", timeout=LIVE_MS)
    _pins(ann).get_by_role("button", name="2 pinned").click()
    ann.page.get_by_role("button", name="Unpin the message of ann").first.click()
    expect(ann.page.get_by_test_id("pinned")).to_contain_text(["line 1"], timeout=LIVE_MS)
    ann.page.keyboard.press("Escape")
    expect(_pins(ben)).to_contain_text("ann: line 1", timeout=LIVE_MS)
    ann.act_on("line 1", "Unpin")
    expect(_pins(ben)).to_be_hidden(timeout=LIVE_MS)
