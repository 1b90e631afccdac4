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
