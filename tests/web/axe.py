"""Run axe-core, the accessibility checker, on a page."""

import asyncio

from playwright.async_api import Page

from scripts.bootstrap import BROWSER
from tests.web.browsing import schemes

AXE = BROWSER / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`))"""


async def violations(page: Page) -> list[str]:
    """Return every violated rule, and where, in both colour schemes."""
    if await page.evaluate("!window.axe"):
        await page.evaluate(await asyncio.to_thread(AXE.read_text))
    return [f"{scheme}: {violation}" async for scheme in schemes(page) for violation in await page.evaluate(RUN)]
