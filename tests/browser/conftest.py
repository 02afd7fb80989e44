"""A real Chromium and people who sit in front of it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from chatbackend.embedded.processes import free_port
from chatbackend.embedded.redis import Redis
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
    ann, ben = (newcomer(chromium.new_context().new_page(), daphne.base_url, name) for name in ("ann", "ben"))
    yield ann, ben
    for person in (ann, ben):
        person.page.context.close()
    assert ann.errors + ben.errors == []


@pytest.fixture(scope="package")
def one_road(daphne_process: Server) -> Iterator[Road]:
    """The road of `road`: one address, so that a browser keeps what it has read from there."""
    way = Road(daphne_process.port)
    yield way
    way.close()


@pytest.fixture
def road(daphne: Server, one_road: Road) -> Iterator[Road]:
    """A way to the server that a test may break."""
    yield one_road
    one_road.mend()


@pytest.fixture(scope="package")
def one_browser(chromium: Browser) -> Iterator[BrowserContext]:
    """The browser of `ben`, whose cache stays filled. Its clock can be put forward; by itself it goes as any other."""
    context = chromium.new_context()
    context.clock.install()
    yield context
    context.close()


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
def ben(one_browser: BrowserContext, road: Road) -> Iterator[Person]:
    """Ben, signed in by way of `road`."""
    person = newcomer(one_browser.new_page(), road.base_url, "ben")
    person.is_online()
    yield person
    one_browser.unroute_all()
    one_browser.pages[0].evaluate("localStorage.clear()")
    for page in one_browser.pages:
        page.close()
    assert person.errors == []


class Brief(NamedTuple):
    """A server whose tokens last for seconds, and its own Redis. `front`: a host whose pages may call it."""

    server: Server
    redis: Redis
    front: str


@pytest.fixture(scope="package")
def brief_process(daphne_process: Server) -> Iterator[Brief]:
    """The server of `brief`."""
    state = Path(tempfile.mkdtemp(prefix="redis-"))
    redis = Redis(state)
    redis.start()
    front = f"http://127.0.0.1:{free_port()}"
    settings = {"ACCESS_TOKEN_SECONDS": "5", "REDIS_URL": redis.url, "CORS_ALLOWED_ORIGINS": front}
    server = Server(database=daphne_process.database, settings=settings)
    yield Brief(server, redis, front)
    server.stop()
    redis.stop()
    shutil.rmtree(state, ignore_errors=True)
    server.log.unlink(missing_ok=True)


@pytest.fixture
def brief(transactional_db: None, brief_process: Brief) -> Brief:
    """The server of short tokens, running."""
    brief_process.server.ensure()
    return brief_process
