"""What people do with messages beside writing them: pin, look at earlier words, report, take notes beside a case."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from conversations.models import Block, User
from conversations.services import business
from conversations.services.blocks import block
from messaging.models import Report
from messaging.services.messages import delete_message
from messaging.services.notes import delete_note, edit_note, write_note
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


def test_what_keeps_order_among_people(garden: Room) -> None:
    """One after the other, for signing in takes longer than any of them."""
    ann, ben, room = garden
    _what_the_owner_pins_all_find_until_it_is_taken_off(ann, ben)
    _owners_read_earlier_words_and_members_report(ann, ben, room)
    _who_is_blocked_is_told_so_and_heard_once_they_are_not(ann, ben)


def _what_the_owner_pins_all_find_until_it_is_taken_off(ann: Person, ben: Person) -> None:
    ben.write("a word")
    expect(ben.message("line 1")).not_to_be_in_viewport()
    for text in ("line 1", "line 30"):
        ann.act_on(text, "Pin")
        expect(_pins(ben)).to_contain_text(f"ann: {text}", timeout=LIVE_MS)
    ben.page.reload()
    _pins(ben).get_by_role("button", name="2 pinned").click(timeout=LIVE_MS)
    expect(ben.page.get_by_test_id("pinned")).to_contain_text(["line 30", "line 1"])
    expect(ben.page.get_by_role("button", name="Unpin")).to_have_count(0)
    ben.page.get_by_test_id("pinned").last.press("Enter")
    expect(ben.message("line 1")).to_be_in_viewport(timeout=LIVE_MS)
    expect(_menu(ben, "line 1")).to_have_text(["React", "Copy text", "Report"])
    ben.page.keyboard.press("Escape")

    ann.act_on("line 30", "Edit")
    ann.write("line <b>thirty</b>")
    expect(_pins(ben)).to_contain_text("ann: line <b>thirty</b>", timeout=LIVE_MS)
    _pins(ann).get_by_role("button", name="2 pinned").click()
    ann.page.get_by_role("button", name="Unpin the message of ann").first.click()
    expect(ann.page.get_by_test_id("pinned")).to_have_count(1, timeout=LIVE_MS)
    expect(ann.page.get_by_test_id("pinned")).to_contain_text("line 1")
    ann.page.keyboard.press("Escape")
    expect(_pins(ben)).to_contain_text("ann: line 1", timeout=LIVE_MS)
    ann.act_on("line 1", "Unpin")
    expect(_pins(ben)).to_be_hidden(timeout=LIVE_MS)


def _owners_read_earlier_words_and_members_report(ann: Person, ben: Person, room: UUID) -> None:
    ann.act_on("line 29", "Edit")
    ann.write("line <b>XXIX</b>")
    ann.act_on("line <b>XXIX</b>", "Edit history")
    versions = ann.page.get_by_test_id("version")
    expect(versions).to_have_text([re.compile("line 29$"), re.compile("^Now.*line <b>XXIX</b>$")])
    ann.page.keyboard.press("Escape")
    expect(_menu(ben, "line <b>XXIX</b>")).to_have_text(["React", "Copy text", "Report"], timeout=LIVE_MS)
    ben.page.keyboard.press("Escape")

    ben.act_on("line 27", "Report")
    dialog = ben.page.get_by_test_id("report-dialog")
    expect(dialog).to_contain_text("ann: line 27")
    dialog.get_by_label("Reason").select_option("Abuse")
    dialog.get_by_label("Note").fill("  <i>rude</i> ")
    dialog.get_by_role("button", name="Report").click()
    expect(ben.page.get_by_test_id("notices")).to_contain_text("The staff will look at it", timeout=LIVE_MS)
    expect(dialog).to_have_count(0)
    ben.act_on("line 28", "Report")
    delete_message(actor_id=ann.id, conversation_id=room, seq=28)
    dialog.get_by_role("button", name="Report").click()
    expect(dialog.get_by_role("alert")).to_have_text("This message was deleted.", timeout=LIVE_MS)
    ben.page.keyboard.press("Escape")
    told = Report.objects.get()
    assert (told.message.seq, told.reporter_id, told.reason, told.note) == (
        27,
        ben.id,
        "abuse",
        "<i>rude</i>",
    )


def _who_is_blocked_is_told_so_and_heard_once_they_are_not(ann: Person, ben: Person) -> None:
    ann.start_direct_with(ben)
    ann.write("hello")
    ben.page.goto(ann.page.url)
    ben.sees("hello")
    ann.page.get_by_role("button", name="Conversation details").click()
    details = ann.page.get_by_test_id("details-dialog")
    details.get_by_role("button", name="Block ben").click()
    ann.page.get_by_test_id("confirm-dialog").get_by_role("button", name="Cancel").click()
    details.get_by_role("button", name="Block ben", exact=True).click()
    ann.page.get_by_test_id("confirm-dialog").get_by_role("button", name="Block").click()
    expect(details.get_by_role("button", name="Unblock ben")).to_be_focused(timeout=LIVE_MS)
    ann.page.keyboard.press("Escape")
    ben.write("please")
    failure = ben.message("please").get_by_role("alert")
    expect(failure).to_contain_text("This person does not want to hear from you.", timeout=LIVE_MS)
    ann.page.reload()
    bar = ann.page.get_by_test_id("block-bar")
    expect(bar).to_contain_text("You have blocked ben", timeout=LIVE_MS)
    bar.get_by_role("button", name="Unblock").click()
    expect(bar).to_be_hidden(timeout=LIVE_MS)
    failure.get_by_role("button", name="Retry").click()
    ann.sees("hello", "please")

    block(user_id=ann.id, blocked_id=ben.id)  # from another page of hers
    ann.page.get_by_role("button", name="Account").click()
    ann.page.get_by_role("menuitem", name="Blocked people").click()
    ann.page.get_by_role("button", name="Unblock ben").click(timeout=LIVE_MS)
    expect(ann.page.get_by_test_id("blocks-dialog")).to_contain_text(
        "You have blocked nobody.", timeout=LIVE_MS
    )
    assert not Block.objects.exists()


def _appoint(ann: Person, role: str) -> None:
    staff = factories.person("staff", is_staff=True)
    business.put_agent(actor=staff, business_id="acme", user_id=ann.id, role=role)


@pytest.fixture
def case(people: tuple[Person, Person]) -> Room:
    """Ben asks a business for which Ann answers; both look at it."""
    ann, ben = people
    for person in people:
        person.is_online()
    _appoint(ann, "agent")
    room = factories.case(User.objects.get(pk=ben.id), content="it does not open")
    for person in people:
        person.page.goto(f"{person.base_url}/#/c/{room}")
        person.sees("it does not open")
    return ann, ben, room


def _toggle(ann: Person) -> Locator:
    return ann.page.get_by_role("button", name="Write a note for agents")


def _thread(person: Person, *texts: str) -> None:
    """Exactly these messages and notes, in this order."""
    every = person.page.locator("[data-testid=message-body], [data-testid=note-body]")
    expect(every).to_have_text(list(texts), timeout=LIVE_MS)


def _note_menu(ann: Person, text: str) -> Locator:
    note = ann.page.get_by_test_id("note").filter(has_text=text)
    note.hover()
    note.get_by_role("button", name="Message actions").click()
    return ann.page.get_by_role("menuitem")


# Everything that the page says over its socket from now on.
LISTEN = """() => {
    window.said = [];
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (text) {
        window.line = this;
        said.push(JSON.parse(text).op);
        return send.call(this, text);
    };
}"""


def test_a_note_reaches_agents_alone_and_is_never_taken_for_an_answer(case: Room) -> None:
    ann, ben, room = case
    expect(_toggle(ben)).to_have_count(0)
    ann.page.evaluate(LISTEN)
    _toggle(ann).press("Enter")
    expect(ann.page.get_by_test_id("composer-bar")).to_be_visible()
    expect(ann.page.get_by_test_id("composer-bar")).to_have_text("Note: only agents see this")
    ann.write("has called <b>twice</b>")
    expect(ann.page.get_by_test_id("note")).to_contain_text("Only agents see this")
    expect(ann.page.get_by_test_id("note")).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    ann.page.get_by_test_id("composer").fill("he is angry")
    elsewhere = factories.direct(User.objects.get(pk=ann.id), factories.person("zoe"))
    ann.page.goto(f"{ann.base_url}/#/c/{elsewhere}")
    expect(ann.page.get_by_test_id("composer")).to_have_value("")
    expect(_toggle(ann)).to_be_hidden()
    ann.page.goto(f"{ann.base_url}/#/c/{room}")
    ann.page.get_by_test_id("composer").press("Enter")  # still a note
    _thread(ann, "it does not open", "has called <b>twice</b>", "he is angry")
    assert "typing" not in ann.page.evaluate("said")

    _toggle(ann).click()
    ann.write("we are on it")
    ben.sees("it does not open", "we are on it")
    assert "typing" in ann.page.evaluate("said")
    _note_menu(ann, "he is angry").filter(has_text="Edit").click()
    ann.write("he is calm")
    _note_menu(ann, "has called").filter(has_text="Delete").click()
    ann.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    own = ["it does not open", "Note deleted", "he is calm", "we are on it"]
    _thread(ann, *own)

    other = factories.agent()
    for text in ("<i>first</i>", "second"):
        write_note(agent_id=other.pk, conversation_id=room, content=text)
    _thread(ann, *own, "<i>first</i>", "second")
    ann.loses_touch()
    ann.page.evaluate("line.close()")
    expect(ann.page.locator("html")).not_to_have_attribute("data-connection", "online")
    edit_note(agent_id=other.pk, conversation_id=room, number=3, content="other")
    delete_note(agent_id=other.pk, conversation_id=room, number=4)
    write_note(agent_id=other.pk, conversation_id=room, content="missed")
    ann.is_in_touch()
    _thread(ann, *own, "other", "Note deleted", "missed")
    expect(_note_menu(ann, "missed")).to_have_text(["Copy text"])
    _appoint(ann, "owner")
    ann.page.reload()
    _thread(ann, *own, "other", "Note deleted", "missed")
    expect(ann.page.get_by_test_id("note").last).to_contain_text(other.username)
    _note_menu(ann, "missed").filter(has_text="Delete").click()
    ann.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    _thread(ann, *own, "other", "Note deleted", "Note deleted")
    expect(ben.page.get_by_test_id("note")).to_have_count(0)
    ben.sees("it does not open", "we are on it")
