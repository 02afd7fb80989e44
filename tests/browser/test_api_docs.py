"""The API's own page, under the same strict content security policy as every page."""

from playwright.sync_api import Browser, expect

from tests.server import Server


def test_swagger_ui_works_offline_and_within_the_policy(chromium: Browser, daphne: Server) -> None:
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    reply = page.goto(f"{daphne.base_url}/api/docs")
    assert reply is not None
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    expect(page.locator(".opblock-summary-path").filter(has_text="/api/v1/sync")).to_be_visible(
        timeout=30_000
    )
    page.locator(".opblock", has_text="/api/v1/auth/token/verify").first.click()
    expect(page.get_by_text("Whether a token, access or refresh").first).to_be_visible()
    assert complaints == []
    assert all(url.startswith((daphne.base_url, "data:")) for url in asked)
    page.close()
