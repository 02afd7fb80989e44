"""Two people talk in two browsers, on the real server. Nothing is lost, nothing is doubled."""

import re
from uuid import UUID

from playwright.sync_api import FilePayload, expect

from messaging.services.messages import send_message
from tests.browser.person import LIVE_MS, Person
from tests.factories import PNG
from tests.server import Server

Pair = tuple[Person, Person]


def _talking(people: Pair) -> Pair:
    ann, ben = people
    ann.start_direct_with(ben)
    ann.write("hello")
    ben.open_conversation("ann")
    ben.sees("hello")
    return ann, ben


def test_what_one_writes_the_other_sees_live_and_a_reload_changes_nothing(people: Pair) -> None:
    ann, ben = _talking(people)
    ben.write("hello yourself")
    ann.sees("hello", "hello yourself")
    ben.page.reload()
    ben.sees("hello", "hello yourself")
    ann.write("still there?")
    ben.sees("hello", "hello yourself", "still there?")
    ann.sees("hello", "hello yourself", "still there?")


def test_a_row_that_changes_under_the_finger_opens_all_the_same(people: Pair) -> None:
    ann, ben = people
    ann.start_direct_with(ben)
    ann.write("hello")
    row = ben.page.get_by_test_id("conversation-item")
    expect(row).to_contain_text("hello", timeout=LIVE_MS)
    row.hover()
    ben.page.mouse.down()
    ann.write("and this")
    expect(row).to_contain_text("and this", timeout=LIVE_MS)
    ben.page.mouse.up()
    ben.sees("hello", "and this")


def test_an_edit_and_a_deletion_reach_the_other(people: Pair) -> None:
    ann, ben = _talking(people)
    ann.act_on("hello", "Edit")
    ann.write("good morning")
    ben.sees("good morning")
    expect(ben.message("good morning").get_by_test_id("edited")).to_be_visible()
    ann.act_on("good morning", "Delete")
    ann.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(ben.messages().first).to_have_attribute("data-state", "deleted", timeout=LIVE_MS)


def test_a_reaction_is_seen_by_both_each_knows_their_own_and_a_reload_changes_nothing(people: Pair) -> None:
    ann, ben = _talking(people)
    ann.reacts("hello", "Thumbs up")
    for person, mine in ((ann, "true"), (ben, "false")):
        chip = person.reaction("hello")
        expect(chip).to_have_accessible_name("\N{THUMBS UP SIGN}, 1", timeout=LIVE_MS)
        expect(chip).to_have_attribute("aria-pressed", mine)
    ben.reaction("hello").click()
    for person in (ann, ben):
        expect(person.reaction("hello")).to_have_accessible_name("\N{THUMBS UP SIGN}, 2", timeout=LIVE_MS)
        expect(person.reaction("hello")).to_have_attribute("aria-pressed", "true")
    ann.reaction("hello").press("Enter")
    ben.page.reload()
    for person, mine in ((ann, "false"), (ben, "true")):
        expect(person.reaction("hello")).to_have_accessible_name("\N{THUMBS UP SIGN}, 1", timeout=LIVE_MS)
        expect(person.reaction("hello")).to_have_attribute("aria-pressed", mine)
    ben.reaction("hello").click()
    for person in (ann, ben):
        expect(person.reaction("hello")).to_have_count(0, timeout=LIVE_MS)


def test_a_file_reaches_the_other_who_can_save_it(people: Pair) -> None:
    ann, ben = _talking(people)
    page: FilePayload = {"name": "a.html", "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"}
    picture: FilePayload = {"name": "b.png", "mimeType": "image/png", "buffer": PNG}
    ann.page.get_by_test_id("files").set_input_files([page, picture])
    for person in (ann, ben):
        expect(person.page.get_by_test_id("file")).to_have_text(
            ["a.html25 bytes", "b.png74 bytes"], timeout=LIVE_MS
        )
    ben.page.reload()
    expect(ben.page.locator(".file-picture")).to_have_js_property("naturalWidth", 2, timeout=LIVE_MS)
    with ben.page.expect_download(timeout=LIVE_MS) as saved:
        ben.page.get_by_test_id("file").first.click()
    assert (saved.value.suggested_filename, saved.value.path().read_bytes()) == ("a.html", page["buffer"])
    assert ann.errors == ben.errors == []


def test_typing_is_seen_and_ends(people: Pair) -> None:
    """Longer than 3 s: so soon after the writing of "hello" it is passed on only then."""
    ann, ben = _talking(people)
    ann.page.get_by_test_id("composer").press_sequentially("let me think about it", delay=250)
    expect(ben.page.get_by_test_id("typing")).to_contain_text("ann", timeout=LIVE_MS)
    expect(ben.page.get_by_test_id("typing")).not_to_contain_text("ann", timeout=LIVE_MS)


def test_an_unread_badge_counts_and_goes_when_read(people: Pair) -> None:
    ann, ben = people
    ann.start_direct_with(ben)
    ann.write("one")
    ann.write("two")
    badge = ben.page.get_by_test_id("unread-badge")
    expect(badge).to_have_text("2", timeout=LIVE_MS)
    expect(ben.page).to_have_title(re.compile("2"))
    ben.open_conversation("ann")
    expect(badge).to_have_count(0, timeout=LIVE_MS)


def test_older_history_comes_on_scrolling_up_without_a_gap(people: Pair) -> None:
    ann, ben = people
    ann.start_direct_with(ben)
    conversation = ann.page.url.rpartition("/")[2]
    said = [f"number {number}" for number in range(1, 121)]
    for text in said:
        send_message(sender_id=ann.id, conversation_id=UUID(conversation), content=text)
    ben.open_conversation("ann")
    expect(ben.message("number 120")).to_be_visible(timeout=LIVE_MS)
    ben.page.get_by_test_id("timeline").hover()
    for oldest_loaded in ("number 71", "number 21", "number 1"):
        ben.page.mouse.wheel(0, -20_000)
        expect(ben.message(oldest_loaded)).to_be_attached(timeout=LIVE_MS)
    ben.sees(*said)


def test_a_server_that_dies_and_comes_back_loses_and_doubles_nothing(people: Pair, daphne: Server) -> None:
    ann, ben = _talking(people)
    daphne.kill()
    expect(ben.page.get_by_test_id("connection-banner")).to_be_visible(timeout=LIVE_MS)
    ann.write("written while it was away")
    daphne.start()
    ben.sees("hello", "written while it was away")
    ben.write("all here")
    ann.sees("hello", "written while it was away", "all here")


def test_what_was_said_while_the_network_was_cut_comes_with_resume(people: Pair) -> None:
    ann, ben = _talking(people)
    ben.page.context.set_offline(True)
    ann.write("missed this?")
    ann.sees("hello", "missed this?")
    ben.page.context.set_offline(False)
    ben.sees("hello", "missed this?")


def test_stored_markup_stays_text(people: Pair) -> None:
    ann, ben = _talking(people)
    text = "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>"
    ann.write(text)
    ben.sees("hello", text)
    assert ben.page.locator("[data-testid=message-body] img, [data-testid=message-body] script").count() == 0


def test_a_group_is_made_with_somebody_who_hears_it_at_once(people: Pair) -> None:
    ann, ben = people
    ann.start_conversation()
    ann.page.get_by_role("radio", name="Group").check()
    ann.page.get_by_label("Name").fill("The garden")
    ann.page.get_by_label("Search people").fill("ben")
    ann.page.get_by_test_id("person-option").first.click()
    ann.page.get_by_role("button", name="Create group").click()
    expect(ann.page.get_by_test_id("conversation-title")).to_have_text("The garden", timeout=LIVE_MS)
    ann.write("welcome")
    ben.open_conversation("The garden")
    ben.sees("welcome")
