"""Tokens run out, tabs share them, Redis goes away: nobody notices."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route

from conversations.models import User
from tests import factories
from tests.browser.conftest import Brief
from tests.browser.person import Person, newcomer
from tests.browser.road import Road

RENEWAL = "**/auth/token/refresh"


class Watch:
    """What the pages of a context do: renewals by their status, sockets opened."""

    def __init__(self, context: BrowserContext) -> None:
        self.renewals: list[int] = []
        self.sockets: list[str] = []
        context.on("response", self._answered)
        for page in context.pages:
            self._follow(page)
        context.on("page", self._follow)

    def _answered(self, response: Response) -> None:
        if response.url.endswith("/auth/token/refresh"):
            self.renewals.append(response.status)

    def _follow(self, page: Page) -> None:
        page.on("websocket", lambda socket: self.sockets.append(socket.url))


def second_tab(person: Person) -> Person:
    """As "duplicate this tab" does: with a copy of everything that the first keeps."""
    with person.page.expect_popup() as opened:
        person.page.evaluate("void open(location.href)")
    tab = Person(person.name, opened.value, person.base_url, person.id, person.errors)
    tab.watch()
    tab.is_online()
    return tab


def test_two_tabs_outlive_their_tokens_on_one_connection_each(chromium: Browser, brief: Brief) -> None:
    """Neither takes the refresh token from the other: a second use of one would be answered with 401."""
    ben = newcomer(chromium.new_page(), brief.server.base_url, "ben")
    ben.is_online()
    watch = Watch(ben.page.context)
    ann = factories.person("ann")
    room = factories.direct(ann, User.objects.get(pk=ben.id))
    ben.open_conversation(ann.username)
    tabs = [ben, second_tab(ben)]
    ben.until(lambda: len(watch.renewals) >= 2)
    tabs[0].write("from one")
    tabs[1].sees("from one")
    tabs[1].write("from the other")
    tabs[0].sees("from one", "from the other")
    factories.say(ann, room, "to both")
    for tab in tabs:
        tab.sees("from one", "from the other", "to both")
    assert set(watch.renewals) == {200}
    assert len(watch.sockets) == 1, "the second tab's; the first tab's was there before the watch"
    ben.page.context.close()
    assert ben.errors == []


@pytest.mark.parametrize("locks", [True, False], ids=["taking turns", "without locks, as on plain http"])
def test_two_tabs_put_out_at_once_stay_signed_in(
    chromium: Browser, road: Road, ann: User, locks: bool
) -> None:
    """With locks they take turns. Without, both may use the refresh token: the second takes what the first got."""
    context = chromium.new_context()
    context.add_init_script("Math.random = () => 0.5")  # both come back in the same moment
    if not locks:
        context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    ben = newcomer(context.new_page(), road.base_url, "ben")
    room = factories.direct(ann, User.objects.get(pk=ben.id))
    ben.open_conversation(ann.username)
    tabs = [ben, second_tab(ben)]
    ben.is_online()
    watch = Watch(context)
    road.close_sockets(4401)
    ben.until(lambda: len(watch.sockets) >= 2)
    factories.say(ann, room, "still there?")
    for tab in tabs:
        tab.is_online()
        tab.sees("still there?")
    assert watch.renewals.count(200) == 1
    assert not locks or watch.renewals == [200]
    context.close()


def test_a_tab_that_is_refused_waits_for_what_the_first_one_gets(
    chromium: Browser, road: Road, ann: User
) -> None:
    """Without locks: its refusal comes while the answer of the other is still on its way."""
    context = chromium.new_context()
    context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    ben = newcomer(context.new_page(), road.base_url, "ben")
    room = factories.direct(ann, User.objects.get(pk=ben.id))
    ben.open_conversation(ann.username)
    tabs = [ben, second_tab(ben)]
    ben.is_online()
    asked: list[list[Route]] = [[], []]
    ben.page.route(RENEWAL, lambda route: asked[0].append(route))
    tabs[1].page.route(RENEWAL, lambda route: asked[1].append(route))
    watch = Watch(context)
    road.close_sockets(4401)
    ben.until(lambda: all(asked))
    (first,), (second,) = asked
    answer = first.fetch()
    second.continue_()
    ben.until(lambda: 401 in watch.renewals)
    ben.page.wait_for_timeout(1_000)
    first.fulfill(response=answer)
    factories.say(ann, room, "still there?")
    for tab in tabs:
        tab.is_online()
        tab.sees("still there?")
    context.close()
    assert ben.errors == []


def test_redis_killed_and_back_is_not_noticed(chromium: Browser, brief: Brief) -> None:
    ben = newcomer(chromium.new_page(), brief.server.base_url, "ben")
    ann = factories.person("ann")
    room = factories.direct(ann, User.objects.get(pk=ben.id))
    ben.open_conversation(ann.username)
    ben.write("one")
    ben.sees("one")
    assert brief.redis.process is not None
    brief.redis.process.kill()
    brief.redis.process.wait()
    ben.write("two")
    ben.until(lambda: len(factories.said(ann, room)) == 2)
    factories.say(ann, room, "three")
    ben.sees("one", "two", "three")
    brief.redis.start()
    ben.write("four")
    ben.sees("one", "two", "three", "four")
    ben.page.context.close()
    assert ben.errors == []
