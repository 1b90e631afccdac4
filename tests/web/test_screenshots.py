"""Screenshots of the seeded conversations, in wide and narrow windows, in both themes.

    SCREENSHOTS=tests/web/screenshots .venv/bin/python -m pytest tests/web/test_screenshots.py

keeps them. Without the variable they are written to a temporary folder.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from app.cli.seed.conversations import PEOPLE
from app.cli.seed.stock import seed
from app.messaging.store import MessagingStore
from app.users.store import UserStore
from tests.fixtures.app import Service
from tests.web.browsing import Visit, Visitor, schemes

MAX_BYTES = 150_000
WIDTHS: dict[str, Any] = {
    "wide": {"viewport": {"width": 1600, "height": 1000}},
    "narrow": {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 1.5},
}


async def wait_for_scroll(visitor: Visitor) -> None:
    """Wait until the feed has scrolled and marked messages as read."""
    await visitor.page.wait_for_timeout(700)


async def take_screenshots(page: Page, folder: Path, name: str) -> None:
    async for scheme in schemes(page):
        path = folder / f"{name}-{scheme}.png"
        await page.screenshot(path=path, animations="disabled")
        assert path.stat().st_size < MAX_BYTES, path.stem


@pytest.mark.parametrize("width", WIDTHS)
async def test_screenshots_of_every_width_and_theme_are_small(
    visit: Visit, service: Service, tmp_path: Path, width: str
) -> None:
    table = service.state["table"]
    await seed(UserStore(service.state["postgres"]), MessagingStore(table))
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    juniper, osman = PEOPLE[:2]
    visitor = await visit(juniper, **WIDTHS[width])
    await visitor.open()
    await expect(visitor.groups).to_have_count(5)
    await wait_for_scroll(visitor)
    await take_screenshots(visitor.page, folder, f"inbox-{width}")
    await visitor.open_group(osman)
    await expect(visitor.page.locator("article")).not_to_have_count(0)
    await wait_for_scroll(visitor)
    await take_screenshots(visitor.page, folder, f"conversation-{width}")
