"""The page below a prefix, behind a real nginx with the configuration of the documentation."""

import shutil
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from app.settings import Settings
from tests.fixtures.app import Person
from tests.tools.nginx import VARIABLES, behind_nginx
from tests.tools.servers import Server
from tests.web.browsing import Visitor, local_client, local_server, open_visits
from tests.web.cognito import FakeCognito, sign_in

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="nginx comes from the packages of a Debian or Ubuntu"
)

WIDTH_OF_IMAGE = """async (url) => {
  const image = Object.assign(new Image(), { src: url });
  await image.decode();
  return image.naturalWidth;
}"""


async def start_conversation(visitor: Visitor, ann: Person, bob: Person) -> None:
    """Find the other user and send a message; each address is below the prefix, and survives a reload."""
    await visitor.open("/")
    await visitor.page.keyboard.press("/")
    await visitor.page.keyboard.type(bob.handle)
    await visitor.page.get_by_role("option").click()
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages/new/{bob.handle}")
    await visitor.page.reload()
    await visitor.write("Hello")
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages/{ann.group_with(bob)}")
    await expect(visitor.page.locator('[data-number="1"]')).to_be_visible()


@pytest.mark.parametrize("is_stripped", [True, False], ids=["stripped", "passed on"])
async def test_users_talk_below_a_prefix(
    request: pytest.FixtureRequest,
    browser: Browser,
    settings: Settings,
    tmp_path: Path,
    ann: Person,
    bob: Person,
    *,
    is_stripped: bool,
) -> None:
    server = local_server(settings, **VARIABLES)
    async with (
        behind_nginx(request, server, tmp_path, is_stripped=is_stripped) as address,
        open_visits(browser, address) as visit,
        local_client(address, bob) as bobs,
    ):
        visitor = await visit(ann)
        await start_conversation(visitor, ann, bob)
        body = {"message": "Heard at once", "message_group_uuid": str(ann.group_with(bob))}
        assert (await bobs.post("/api/messages", json=body)).status_code == 200
        await expect(visitor.message("Heard at once")).to_be_visible()
        await visitor.page.reload()
        await expect(visitor.page.locator("[data-number]")).to_have_count(2)
        await expect(visitor.groups).to_have_count(1)


async def test_the_page_installs_as_an_app_of_the_prefix(
    request: pytest.FixtureRequest, browser: Browser, settings: Settings, tmp_path: Path, ann: Person, bob: Person
) -> None:
    server = local_server(settings, **VARIABLES)
    async with (
        behind_nginx(request, server, tmp_path, is_stripped=True) as address,
        open_visits(browser, address) as visit,
    ):
        visitor = await visit(ann)
        await visitor.open(f"/messages/new/{bob.handle}")  # deep, where a relative address of the page may be wrong
        browser_tools = await visitor.page.context.new_cdp_session(visitor.page)
        found = await browser_tools.send("Page.getAppManifest")
        assert (found["errors"], found["url"]) == ([], f"{address}/static/manifest.webmanifest")
        app = found["manifest"]
        assert (app["id"], app["startUrl"], app["scope"]) == (*[f"{address}/messages"] * 2, f"{address}/")
        for icon in app["icons"]:
            assert await visitor.run(WIDTH_OF_IMAGE, icon["url"]) >= int(icon["sizes"].partition("x")[0])
        assert await browser_tools.send("Page.getInstallabilityErrors") == {"installabilityErrors": []}


async def test_the_documentation_calls_below_the_prefix_with_a_token(
    request: pytest.FixtureRequest, browser: Browser, settings: Settings, tmp_path: Path, ann: Person
) -> None:
    server = local_server(settings, **VARIABLES)
    async with (
        behind_nginx(request, server, tmp_path, is_stripped=True) as address,
        local_client(address, ann) as anns,
        await browser.new_context() as context,
    ):
        page = await context.new_page()
        await page.goto(f"{address}/docs")
        await page.get_by_role("button", name="Authorize").click()
        dialog = page.locator(".dialog-ux")
        await dialog.locator("input").fill(anns.headers["authorization"].removeprefix("Bearer "))
        await dialog.locator(".authorize").click()
        await dialog.locator(".btn-done").click()
        call = page.locator("#operations-users-get_current_user")
        await call.locator(".opblock-summary-control").click()
        await call.locator(".execute").click()
        await expect(call.locator(".request-url")).to_contain_text(f"{address}/api/users/me")
        await expect(call.locator(".live-responses-table .response .response-col_status")).to_have_text("200")
        await expect(call.locator(".live-responses-table")).to_contain_text(ann.handle)


async def test_cognito_leads_back_below_the_prefix(
    request: pytest.FixtureRequest,
    browser: Browser,
    settings: Settings,
    cognito: FakeCognito,
    tmp_path: Path,
    ann: Person,
    bob: Person,
) -> None:
    await bob.sent("Welcome", ann)
    server = Server(settings.model_copy(update={"cognito_domain_url": cognito.url}), variables=VARIABLES)
    async with (
        behind_nginx(request, server, tmp_path, is_stripped=True) as address,
        open_visits(browser, address) as visit,
    ):
        visitor, path = await visit(ann), f"/messages/{ann.group_with(bob)}"
        await sign_in(visitor, path)
        await expect(visitor.message("Welcome")).to_be_visible()
        await expect(visitor.page).to_have_url(address + path)
        await visitor.page.get_by_role("button", name="Your account").click()
        await visitor.page.get_by_role("button", name="Sign out").click()
        await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
        assert visitor.page.url.startswith(f"{address}/")
