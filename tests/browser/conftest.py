"""A real Chromium and people who sit in front of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, sync_playwright

from conversations.models import User
from tests import factories
from tests.browser.person import Person, newcomer
from tests.browser.road import Road
from tests.server import Server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _chromium() -> str | None:
    given = os.environ.get("CHROMIUM")
    return (
        given or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium; without one the browser tests are left out.

    Playwright's synchronous API keeps an event loop running in this thread, which Django takes for asynchronous code.
    """
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def people(chromium: Browser, daphne: Server) -> Iterator[tuple[Person, Person]]:
    """Ann and Ben, each signed in, in a browser of their own."""
    ann, ben = (newcomer(chromium, daphne.base_url, name) for name in ("ann", "ben"))
    yield ann, ben
    for person in (ann, ben):
        person.page.context.close()
    assert ann.errors + ben.errors == []


@pytest.fixture
def road(daphne: Server) -> Iterator[Road]:
    """A way to the server that a test may break."""
    way = Road(daphne.port)
    yield way
    way.close()


@pytest.fixture
def ann(transactional_db: None) -> User:
    """Somebody who talks from elsewhere."""
    return factories.person("ann")


@pytest.fixture
def room(ann: User, ben: Person) -> UUID:
    """Ann has greeted Ben; he has it open."""
    found = factories.direct(ann, User.objects.get(pk=ben.id))
    factories.say(ann, found, "hello")
    ben.open_conversation(ann.username)
    ben.sees("hello")
    return found


@pytest.fixture
def ben(chromium: Browser, road: Road) -> Iterator[Person]:
    """Ben, signed in by way of `road`. His page's clock can be put forward; by itself it goes as any other."""
    person = newcomer(chromium, road.base_url, "ben", clock=True)
    yield person
    person.page.context.close()
    assert person.errors == []
