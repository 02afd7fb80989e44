"""What the client has for those who keep a group calm or answer for a business, and for who wants their own data."""

import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

from django.utils import timezone
from playwright.sync_api import Locator, expect

from conversations.models import BusinessCase, CannedReply, Conversation, User
from conversations.services import business
from conversations.services.conversations import update_conversation
from personal.jobs import working
from tests import factories
from tests.browser.person import LIVE_MS, Person


def test_slow_mode_snooze_canned_replies_and_ones_own_data(people: tuple[Person, Person]) -> None:
    """One after the other, for signing in takes longer than any of them."""
    ann, ben = people
    for person in people:
        person.is_online()
    _members_wait_in_slow_mode_and_lose_nothing(ann, ben)
    room = _case(ann, ben)
    _agents_have_replies_at_hand(ann, ben)
    _a_case_sleeps_until_it_is_woken(ann, ben, room)
    _who_asks_gets_their_data(ben)


def _composer(person: Person) -> Locator:
    return person.page.get_by_test_id("composer")


def _members_wait_in_slow_mode_and_lose_nothing(ann: Person, ben: Person) -> None:
    owner, member = (User.objects.get(pk=one.id) for one in (ann, ben))
    room = factories.group(owner, member, name="The garden")
    for person in (ann, ben):
        person.open_conversation("The garden")
    ann.page.get_by_role("button", name="Conversation details").click()
    pace = ann.page.get_by_label("Slow mode")
    pace.select_option("10 seconds")
    line = ben.page.get_by_test_id("slow-mode")
    expect(line).to_have_text("Slow mode: 10 seconds between two messages.", timeout=LIVE_MS)
    expect(ann.page.get_by_test_id("slow-mode")).to_be_hidden()
    update_conversation(actor_id=ann.id, conversation_id=room, slow_mode_s=3)
    expect(pace.locator("option:checked")).to_have_text("3 seconds", timeout=LIVE_MS)
    ann.page.keyboard.press("Escape")

    expect(line).to_contain_text("3 seconds", timeout=LIVE_MS)
    ben.write("one")
    ben.write("two")  # kept, though the first may not be stored yet
    expect(line.get_by_role("timer")).to_have_text(re.compile(r"You can send in \d s"), timeout=LIVE_MS)
    _composer(ben).press("Enter")
    send = ben.page.get_by_role("button", name="Send message")
    expect(send).to_be_disabled()
    expect(_composer(ben)).to_have_value("two")
    expect(send).to_be_enabled(timeout=LIVE_MS)
    expect(line.get_by_role("timer")).to_have_text("")
    ben.sees("one")
    _composer(ben).press("Enter")
    ben.sees("one", "two")
    ann.sees("one", "two")
    expect(ben.message("two")).to_have_attribute("data-state", "sent", timeout=LIVE_MS)

    ann.act_on("one", "Pin")
    mark = ben.page.get_by_test_id("pinned-mark")
    expect(ben.message("one").get_by_test_id("pinned-mark")).to_be_visible(timeout=LIVE_MS)
    expect(mark).to_have_count(1)
    ann.act_on("one", "Unpin")
    expect(mark).to_have_count(0, timeout=LIVE_MS)
    pace_off = ann.page.get_by_label("Slow mode")
    ann.page.get_by_role("button", name="Conversation details").click()
    pace_off.select_option("Off")
    expect(line).to_be_hidden(timeout=LIVE_MS)
    assert Conversation.objects.get(pk=room).slow_mode_s is None
    ann.page.keyboard.press("Escape")


def _case(ann: Person, ben: Person) -> UUID:
    staff = factories.person("staff", is_staff=True)
    business.put_agent(actor=staff, business_id="acme", user_id=ann.id, role="agent")
    room = factories.case(User.objects.get(pk=ben.id), content="it does not open")
    for person in (ann, ben):
        person.page.goto(f"{person.base_url}/#/c/{room}")
        person.sees("it does not open")
    return room


def _agents_have_replies_at_hand(ann: Person, ben: Person) -> None:
    offered = ann.page.get_by_test_id("reply-list")
    _composer(ann).fill("/")
    expect(offered).to_contain_text("No reply fits.", timeout=LIVE_MS)
    offered.get_by_role("button", name="Change replies").click()
    dialog = ann.page.get_by_test_id("canned-dialog")
    kept = dialog.get_by_test_id("canned-reply")
    for shortcut, words in (("Hello", "<b>Good day</b>"), ("bye", "hello no more")):
        dialog.get_by_label("Shortcut").fill(shortcut)
        dialog.get_by_label("Words").fill(words)
        dialog.get_by_role("button", name="Add reply").click()
        expect(kept.filter(has_text=words)).to_have_count(1, timeout=LIVE_MS)
    dialog.get_by_label("Shortcut").fill("bye")
    dialog.get_by_label("Words").fill("again")
    dialog.get_by_role("button", name="Add reply").click()
    expect(dialog.get_by_role("alert")).to_contain_text("shortcut", timeout=LIVE_MS)
    expect(dialog.get_by_label("Words")).to_have_value("again")
    dialog.get_by_role("button", name="Change /hello").click()
    dialog.get_by_label("Words").fill("<i>Good day</i>")
    dialog.get_by_role("button", name="Save reply").click()
    expect(kept).to_have_text(["/byehello no more", "/hello<i>Good day</i>"], timeout=LIVE_MS)
    ann.page.keyboard.press("Escape")
    expect(_composer(ann)).to_be_focused()
    expect(_composer(ann)).to_have_value("")

    options = offered.get_by_test_id("reply-option")
    _composer(ann).fill("/hel")
    expect(options).to_have_text(["/hello<i>Good day</i>", "/byehello no more"])
    for key in ("ArrowDown", "ArrowUp", "Enter"):
        _composer(ann).press(key)
    expect(_composer(ann)).to_have_value("<i>Good day</i>")
    expect(offered).to_be_hidden()
    ben.sees("it does not open")
    _composer(ann).press("Enter")
    ben.sees("it does not open", "<i>Good day</i>")
    _composer(ann).fill("/hel")
    expect(options).to_have_count(2)
    _composer(ann).press("Escape")
    expect(offered).to_be_hidden()
    _composer(ann).fill("")
    _composer(ben).fill("/hel")  # customers have none

    _composer(ann).fill("/")
    offered.get_by_role("button", name="Change replies").click()
    dialog.get_by_label("Words").fill("in its place")
    dialog.get_by_role("button", name="Delete /bye").click()
    ann.page.get_by_test_id("confirm-dialog").get_by_role("button", name="Delete").click()
    expect(kept).to_have_count(1, timeout=LIVE_MS)
    expect(dialog.get_by_label("Words")).to_have_value("in its place")
    ann.page.keyboard.press("Escape")
    expect(ben.page.get_by_test_id("reply-list")).to_be_hidden()
    _composer(ben).fill("")
    assert list(CannedReply.objects.values_list("shortcut", flat=True)) == ["hello"]


def _a_case_sleeps_until_it_is_woken(ann: Person, ben: Person, room: UUID) -> None:
    mark, flag = ann.page.get_by_test_id("snoozed"), ann.page.get_by_test_id("snoozed-flag")
    for choice in ("For a week", "For 1 hour"):
        ann.page.get_by_role("button", name="Snooze").click()
        ann.page.get_by_role("menuitem", name=choice).press("Enter")
        expect(mark).to_contain_text("Snoozed until", timeout=LIVE_MS)
        expect(flag).to_have_count(1)
        asleep = BusinessCase.objects.get(conversation_id=room).snoozed_until
        if choice == "For a week":
            ann.page.get_by_role("button", name="Wake now").click()
            expect(mark).to_have_count(0, timeout=LIVE_MS)
            expect(flag).to_have_count(0)
            assert BusinessCase.objects.get(conversation_id=room).snoozed_until is None
    assert asleep is not None
    assert abs(asleep - timezone.now() - timedelta(hours=1)) < timedelta(minutes=2)
    ben.page.reload()
    expect(ben.page.get_by_test_id("case-status").first).to_be_visible(timeout=LIVE_MS)
    ben.sees("it does not open", "<i>Good day</i>")
    expect(ben.page.get_by_test_id("snoozed")).to_have_count(0)
    expect(ben.page.get_by_test_id("snoozed-flag")).to_have_count(0)
    ben.write("still closed")
    expect(mark).to_have_count(0, timeout=LIVE_MS)
    expect(flag).to_have_count(0)


def _who_asks_gets_their_data(ben: Person) -> None:
    dialog = _my_data(ben)
    expect(dialog.get_by_role("button", name="Download")).to_be_hidden()
    dialog.get_by_role("button", name="Ask for my data").click()
    expect(dialog).to_contain_text("will be packed soon", timeout=LIVE_MS)
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    expect(dialog.get_by_role("button", name="Download")).to_be_hidden()
    ben.page.reload()
    dialog = _my_data(ben)
    expect(dialog).to_contain_text("will be packed soon", timeout=LIVE_MS)
    working.work(within_s=60)
    get = dialog.get_by_role("button", name="Download")
    expect(get).to_be_visible(timeout=LIVE_MS)
    expect(dialog.get_by_role("progressbar")).to_be_hidden()
    with ben.page.expect_download() as download:
        get.click()
    with ZipFile(BytesIO(Path(download.value.path()).read_bytes())) as packed:
        assert "index.html" in packed.namelist()
        said = b"".join(packed.read(name) for name in packed.namelist() if name.endswith(".jsonl"))
    assert b"still closed" in said
    assert re.fullmatch(r"my-data-\d{4}-\d\d-\d\d\.zip", download.value.suggested_filename)


def _my_data(person: Person) -> Locator:
    person.page.get_by_role("button", name="Account").click(timeout=LIVE_MS)
    person.page.get_by_role("menuitem", name="My data").click()
    return person.page.get_by_test_id("my-data-dialog")
