"""The page that docs/how-to/write-a-client.md gives, as it stands there."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from tests import factories
from tests.browser.conftest import Brief
from tests.browser.person import LIVE_MS, PASSWORD, account
from tests.server import ROOT

DEFAULT = "http://127.0.0.1:8000"


def example() -> str:
    """The one page of HTML in the guide."""
    guide = (ROOT / "docs/how-to/write-a-client.md").read_text()
    (page,) = re.findall(r"```html\n(.*?)```", guide, re.DOTALL)
    return str(page)


@contextmanager
def served(page: str, at: str) -> Iterator[None]:
    """A web server of one page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", urlsplit(at).port or 80), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def test_the_example_is_a_client(chromium: Browser, brief: Brief) -> None:
    """On another host than the server's: live, sending, offline, reloaded."""
    ben, ann = account("ben"), factories.person("ann")
    room = factories.direct(ann, ben)
    factories.say(ann, room, "hello")
    assert example().count(DEFAULT) == 2
    page = chromium.new_page()
    page.clock.install()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    lines = page.locator("#messages li")
    with served(example().replace(DEFAULT, brief.server.base_url), brief.front):
        page.goto(brief.front)
        page.get_by_label("Username").fill("ben")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(lines).to_have_text([f"{ann.username}: hello"], timeout=LIVE_MS)
        factories.say(ann, room, "are you there?")
        expect(lines).to_have_count(2, timeout=LIVE_MS)
        page.context.set_offline(True)
        page.clock.fast_forward(4_000)
        expect(page.locator("#state")).not_to_have_text("online", timeout=LIVE_MS)
        page.get_by_label("Message").fill("I am")
        page.get_by_role("button", name="Send").click()
        expect(lines.last).to_have_text("I am (pending)")
        page.context.set_offline(False)
        expected = [f"{ann.username}: hello", f"{ann.username}: are you there?", "ben: I am"]
        expect(lines).to_have_text(expected, timeout=LIVE_MS)
        page.reload()
        expect(lines).to_have_text(expected, timeout=LIVE_MS)
    page.close()
    assert errors == []
