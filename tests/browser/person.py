"""What a person does in front of the client, in their own words."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Locator, Page, expect

from conversations.models import User

PASSWORD = "a quiet harbour at dawn"
LIVE_MS = 30_000  # an upper bound for things to arrive on a busy machine; nothing waits that long by itself
TICKETS = "**/api/v1/auth/ws-ticket"
EXPECTED_NOISE = ("WebSocket connection to", "Failed to load resource")  # of a server that a test stops


@dataclass
class Person:
    """Somebody signed in. `errors` gathers what the page complains of."""

    name: str
    page: Page
    base_url: str
    id: UUID
    errors: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Takes note of every script error and refused resource."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.errors.append(message.text)
                if message.type == "error" and not message.text.startswith(EXPECTED_NOISE)
                else None
            ),
        )

    def sign_in(self) -> None:
        self.page.goto(self.base_url)
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_test_id("inbox")).to_be_attached(timeout=LIVE_MS)

    def is_online(self, within_ms: int = LIVE_MS) -> None:
        """Waits for the connection."""
        expect(self.page.locator("html")).to_have_attribute("data-connection", "online", timeout=within_ms)

    def waits_until_online(self) -> None:
        """Waits as long as the client does between its tries, by putting the page's clock forward."""
        for _ in range(30):
            with suppress(AssertionError):
                self.is_online(within_ms=300)
                return
            self.page.clock.fast_forward(5_000)
        self.is_online()

    def until(self, condition: Callable[[], object]) -> None:
        """Waits for something outside the page."""
        deadline = time.monotonic() + LIVE_MS / 1000
        while not condition():
            assert time.monotonic() < deadline, "It did not come about"
            self.page.wait_for_timeout(20)

    def loses_touch(self) -> None:
        """No socket any more, and no way to a new one; pages still load."""
        self.page.context.route(TICKETS, lambda route: route.abort())

    def is_in_touch(self) -> None:
        """The way to a socket is free again."""
        self.page.context.unroute(TICKETS)

    def start_conversation(self) -> None:
        self.page.get_by_role("button", name="New conversation").first.click()

    def start_direct_with(self, other: "Person") -> None:
        self.start_conversation()
        self.page.get_by_label("Search people").fill(other.name)
        self.page.get_by_test_id("person-option").filter(has_text=other.name).first.click()
        expect(self.page.get_by_test_id("conversation-title")).to_have_text(other.name, timeout=LIVE_MS)

    def open_conversation(self, name: str) -> None:
        self.page.get_by_test_id("conversation-item").filter(has_text=name).first.click(timeout=LIVE_MS)
        expect(self.page.get_by_test_id("composer")).to_be_visible(timeout=LIVE_MS)

    def write(self, text: str) -> None:
        composer = self.page.get_by_test_id("composer")
        composer.fill(text)
        composer.press("Enter")

    def messages(self) -> Locator:
        return self.page.get_by_test_id("message")

    def message(self, text: str) -> Locator:
        return self.messages().filter(has=self.page.get_by_text(text, exact=True))

    def sees(self, *texts: str) -> None:
        """Exactly these messages, in this order, none twice."""
        expect(self.page.get_by_test_id("message-body")).to_have_text(list(texts), timeout=LIVE_MS)

    def reaction(self, text: str) -> Locator:
        """The reactions to a message."""
        return self.message(text).get_by_test_id("reaction")

    def reacts(self, text: str, emoji: str) -> None:
        self.act_on(text, "React")
        self.page.get_by_role("menuitemcheckbox", name=emoji).click()

    def act_on(self, text: str, action: str) -> None:
        line = self.message(text)
        line.hover()
        line.get_by_role("button", name="Message actions").click()
        self.page.get_by_role("menuitem", name=action).click()


def account(name: str) -> User:
    """A new account. Few rounds of hashing: signing in is not what is tried here."""
    password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1_000)
    return User.objects.create(username=name, password=password)


def newcomer(page: Page, base_url: str, name: str) -> Person:
    """A new account, signed in through the page."""
    person = Person(name, page, base_url, account(name).pk)
    person.watch()
    person.sign_in()
    return person
