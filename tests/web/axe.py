"""Run axe-core, the accessibility checker, on a page."""

import asyncio

from playwright.async_api import Page

from scripts.bootstrap import BROWSER

AXE = BROWSER / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`))"""


async def violations(page: Page) -> list[str]:
    """Return every violated rule, and where."""
    if await page.evaluate("!window.axe"):
        await page.evaluate(await asyncio.to_thread(AXE.read_text))
    return list(await page.evaluate(RUN))
