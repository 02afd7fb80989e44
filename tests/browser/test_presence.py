"""Who is here, on the screen of another."""

from playwright.sync_api import expect

from tests.browser.person import LIVE_MS, Person

SLOWLY_MS = 3 * LIVE_MS  # who closes the page might come back at once


def test_one_sees_when_the_other_comes_and_goes(people: tuple[Person, Person]) -> None:
    ann, ben = people
    ann.start_direct_with(ben)
    names = ann.page.locator(".pane-names")
    expect(names).to_contain_text("online", timeout=SLOWLY_MS)
    expect(ann.page.get_by_test_id("inbox").get_by_role("img", name="online")).to_be_visible()
    ben.page.close()
    expect(names).to_contain_text("last seen", timeout=SLOWLY_MS)
    expect(ann.page.get_by_role("img", name="online")).to_have_count(0)
