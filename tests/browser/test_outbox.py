"""What somebody wrote is not lost: not by a reload, a closed tab or a session that ran out. Signing out forgets it."""

from uuid import UUID

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from conversations.models import Participant, User
from tests import factories
from tests.browser.person import LIVE_MS, PASSWORD, Person, account
from tests.browser.road import Road, tells_of_a_message


@pytest.fixture
def away(ben: Person, room: UUID, road: Road) -> Person:
    """Ben, without a connection, who wrote two messages."""
    ben.loses_touch()
    road.cut()
    for text in ("one", "two"):
        ben.write(text)
        expect(ben.message(text)).to_have_attribute("data-state", "pending")
    return ben


def stored(ben: Person, room: UUID) -> list[str]:
    """What is stored, oldest first."""
    return [message["content"] for message in factories.said(User.objects.get(pk=ben.id), room)]


def kept(page: Page) -> int:
    """In how many lists the browser keeps messages."""
    found: int = page.evaluate(
        "Object.keys(localStorage).filter((key) => key.startsWith('chat.outbox')).length"
    )
    return found


def comes_back(ben: Person, *texts: str) -> None:
    """The connection returns: everything is sent, and shown once."""
    ben.is_in_touch()
    ben.waits_until_online()
    for text in texts[1:]:
        expect(ben.message(text)).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    ben.sees(*texts)


def sign_in(ben: Person, name: str) -> None:
    """On the page that the session left."""
    ben.page.get_by_label("Username").fill(name)
    ben.page.get_by_label("Password").fill(PASSWORD)
    ben.page.get_by_role("button", name="Sign in").click()
    expect(ben.page.get_by_test_id("inbox")).to_be_attached(timeout=LIVE_MS)


def test_messages_written_offline_outlive_reloads(away: Person, room: UUID) -> None:
    for _ in range(2):
        away.page.reload()
        away.sees("hello", "one", "two")
        for text in ("one", "two"):
            expect(away.message(text)).to_have_attribute("data-state", "pending")
    away.write("three")
    comes_back(away, "hello", "one", "two", "three")
    assert stored(away, room) == ["hello", "one", "two", "three"]
    away.until(lambda: kept(away.page) == 0)


def test_a_lost_ack_and_a_reload_double_nothing(ben: Person, room: UUID, road: Road) -> None:
    road.lose(tells_of_a_message)
    ben.write("one")
    ben.until(lambda: len(road.lost) == 2)
    road.deliver()
    ben.page.reload()
    ben.sees("hello", "one")
    ben.write("two")
    comes_back(ben, "hello", "one", "two")
    assert stored(ben, room) == ["hello", "one", "two"]
    ben.until(lambda: kept(ben.page) == 0)


def test_a_closed_tab_leaves_its_messages_to_another(away: Person, room: UUID) -> None:
    other = away.page.context.new_page()
    other.goto(away.page.url)
    sign_in(Person(away.name, other, away.base_url, away.id), away.name)
    away.page.close()
    survivor = Person(away.name, other, away.base_url, away.id)
    survivor.sees("hello", "one", "two")
    other.clock.install()
    comes_back(survivor, "hello", "one", "two")
    assert stored(survivor, room) == ["hello", "one", "two"]


def test_a_refused_message_stays_until_it_is_retried_or_discarded(ben: Person, room: UUID) -> None:
    seat = Participant.objects.filter(conversation=room, user=ben.id)
    seat.update(left_at=timezone.now())  # nobody is told, so that the client goes on
    for text in ("one", "two"):
        ben.write(text)
        expect(ben.message(text)).to_have_attribute("data-state", "failed", timeout=LIVE_MS)
    seat.update(left_at=None)
    ben.page.reload()
    ben.sees("hello", "one", "two")
    ben.message("one").get_by_role("button", name="Discard").click()
    ben.sees("hello", "two")
    ben.message("two").get_by_role("button", name="Retry").click()
    expect(ben.message("two")).to_have_attribute("data-state", "sent", timeout=LIVE_MS)
    assert stored(ben, room) == ["hello", "two"]
    ben.until(lambda: kept(ben.page) == 0)


def test_a_session_that_ran_out_keeps_them_for_the_same_user(away: Person, ann: User, room: UUID) -> None:
    OutstandingToken.objects.all().delete()
    away.page.clock.fast_forward(900_000)
    expect(away.page.get_by_text("Your session has ended")).to_be_visible(timeout=LIVE_MS)
    away.is_in_touch()
    stranger = account("carl")
    sign_in(away, stranger.username)
    away.is_online()
    assert kept(away.page) == 1
    away.page.get_by_role("button", name="Account").click()
    away.page.get_by_role("menuitem", name="Sign out").click()
    assert stored(away, room) == ["hello"]
    sign_in(away, away.name)
    away.open_conversation(ann.username)
    comes_back(away, "hello", "one", "two")
    assert stored(away, room) == ["hello", "one", "two"]


def test_signing_out_forgets_them(away: Person, room: UUID) -> None:
    away.page.get_by_role("button", name="Account").click()
    away.page.get_by_role("menuitem", name="Sign out").click()
    dialog = away.page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 messages that are not sent yet will be lost")
    dialog.get_by_role("button", name="Sign out").click()
    expect(away.page.get_by_label("Username")).to_be_visible(timeout=LIVE_MS)
    assert kept(away.page) == 0
    away.is_in_touch()
    sign_in(away, away.name)
    away.sees("hello")
    assert stored(away, room) == ["hello"]
