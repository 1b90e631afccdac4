"""A real browser, and users of the page in it."""

import asyncio
import os
import platform
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import httpx
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright, expect

from app.messaging.models import direct_group_uuid
from app.settings import Settings
from scripts.bootstrap import BROWSER
from scripts.engines.process import free_port
from tests.tools.servers import Server

CHROMIUM = os.environ.get("CHROMIUM") or str(BROWSER / "chromium")
HAS_BROWSER = "CHROMIUM" in os.environ or (platform.system(), platform.machine()) == ("Linux", "x86_64")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""
"""Only the fonts that came with the browser, so that screenshots are the same on every machine."""
WAIT = 60_000
"""Milliseconds for which the tests wait for something: their patience on a loaded machine, not a promise."""
WIDE = {"width": 1600, "height": 1000}
NARROW = {"width": 360, "height": 740}
SCHEMES: Final = ("dark", "light")
SETTLED = """async () => {
  for (let running; (running = document.getAnimations()).length; )
    await Promise.allSettled(running.map((each) => each.finished));
}"""
"""Wait for all transitions: when an element has its new colour, that of what inherits it begins to change."""

expect.set_options(timeout=WAIT)


@asynccontextmanager
async def launch_browser(folder: Path) -> AsyncIterator[Browser]:
    """Launch a headless browser that writes into a folder only."""
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(fonts=BROWSER / "node_modules" / "@expo-google-fonts", cache=folder / "fonts"))
    env: dict[str, str | float | bool] = {
        "HOME": str(folder),
        "LD_LIBRARY_PATH": str(BROWSER / "lib"),
        "FONTCONFIG_FILE": str(fonts),
        "TZ": "Europe/Berlin",
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, env=env)
        yield browser
        await browser.close()


def local_settings(settings: Settings, port: int) -> Settings:
    """Return settings with local sign-in, as scripts/up starts the service."""
    return settings.model_copy(
        update={
            "environment": "local",
            "cognito_issuer_url": f"http://127.0.0.1:{port}/local",
            "cognito_client_ids": ("local",),
        }
    )


def local_server(settings: Settings, **variables: str) -> Server:
    """Return a server that serves its own keys.

    Its check after the start would fetch them before a loaded machine has it listen, and not again for ten seconds.
    """
    port = free_port()
    server = Server(local_settings(settings, port), port, variables)
    server.constants = {"app.http.readiness.START_DELAY": 3600}
    return server


@asynccontextmanager
async def local_client(address: str, user: "User") -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of the process that serves the page, whose events reach the page at once."""
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=WAIT / 1000) as client:
        tokens = (await client.post("/local/token", json={"handle": user.handle})).json()
        client.headers["authorization"] = f"Bearer {tokens['access_token']}"
        yield client


class User(Protocol):
    """A user of the page: a person of a test, or of app/cli/seed/conversations.py."""

    @property
    def uuid(self) -> UUID: ...
    @property
    def handle(self) -> str: ...
    @property
    def display_name(self) -> str: ...


@dataclass
class Visitor:
    """A user at a browser, whose console errors are recorded."""

    person: User
    page: Page
    address: str
    console_errors: list[str] = field(default_factory=list)
    expects_network_errors: bool = False
    """Failed requests are not recorded while it is set."""
    loses_a_group: bool = False
    """A 404 is not recorded while it is set: requests about a group may be answered after its user has lost it."""

    def record(self, message: ConsoleMessage) -> None:
        if message.location["url"].endswith("/message_group") and "404" in message.text:
            return  # 404 is how the service says that two users have no conversation yet
        if self.loses_a_group and "404" in message.text:
            return
        is_network_error = "net::ERR_" in message.text or "503" in message.text
        if message.type in {"error", "warning"} and not (self.expects_network_errors and is_network_error):
            self.console_errors.append(message.text)

    async def open(self, path: str = "/messages") -> None:
        await self.page.goto(self.address + path)
        await expect(self.page.locator(".shell")).to_be_attached()

    async def open_group(self, other: User) -> None:
        await self.open(f"/messages/{direct_group_uuid(self.person.uuid, other.uuid)}")
        await expect(self.composer).to_be_visible()

    async def write(self, text: str) -> None:
        """Type like a user, into what has the focus: the composer may be replaced meanwhile."""
        await self.composer.focus()
        await self.page.keyboard.insert_text(text)
        await self.page.keyboard.press("Enter")

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message to")

    @property
    def feed(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def groups(self) -> Locator:
        return self.page.get_by_role("navigation", name="Conversations").get_by_role("listitem")

    def message(self, text: str) -> Locator:
        return self.page.locator("article .text", has_text=text)

    async def texts(self) -> list[str]:
        return await self.page.locator("article .text").all_inner_texts()

    async def numbers(self) -> list[int]:
        """Return the numbers of the messages in the page, from top to bottom."""
        return list(
            await self.run("[...document.querySelectorAll('[data-number]')].map((each) => +each.dataset.number)")
        )

    async def run(self, expression: str, argument: object = None) -> Any:
        return await self.page.evaluate(expression, argument)

    async def wait_until(self, condition: Callable[[], Awaitable[bool]], *, seconds: float = WAIT / 1000) -> None:
        """Wait for a condition; fail if it does not become true in time."""
        deadline = time.monotonic() + seconds
        while not await condition():
            assert time.monotonic() < deadline, "the condition did not become true"
            await asyncio.sleep(0.02)


async def schemes(page: Page) -> AsyncIterator[str]:
    """Show the page in each colour scheme, which changes nothing but colours."""
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate(SETTLED)
        yield scheme


Visit = Callable[..., Awaitable[Visitor]]


@asynccontextmanager
async def open_visits(browser: Browser, address: str) -> AsyncIterator[Visit]:
    """Open a browser context for each user; in the end none may have recorded a console error."""
    visitors: list[Visitor] = []

    async def visit(person: User, **options: Any) -> Visitor:
        context = await browser.new_context(
            **{"viewport": WIDE, "locale": "en-GB", "reduced_motion": "reduce"} | options
        )
        context.set_default_timeout(WAIT)
        await context.add_init_script(f"sessionStorage.setItem('cruddur-handle', '{person.handle}')")
        visitor = Visitor(person, await context.new_page(), address)
        visitor.page.on("console", visitor.record)
        visitor.page.on("pageerror", lambda error: visitor.console_errors.append(str(error)))
        visitors.append(visitor)
        return visitor

    yield visit
    for visitor in visitors:
        await visitor.page.context.close()
    errors = [error for visitor in visitors for error in visitor.console_errors]
    assert not errors, errors
