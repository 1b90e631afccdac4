"""The interactive documentation calls the service that it came from."""

from playwright.async_api import Browser, expect

from tests.tools.servers import Server


async def test_a_call_from_the_documentation_goes_to_its_own_service(browser: Browser, server: Server) -> None:
    page = await browser.new_page()
    await page.goto(f"{server.address}/docs")
    await expect(page.locator(".servers option")).to_have_text([server.address])
    await page.locator("#operations-health-get_liveness .opblock-summary-control").click()
    await page.locator("#operations-health-get_liveness .execute").click()
    await expect(page.locator("#operations-health-get_liveness .request-url")).to_contain_text(
        f"{server.address}/healthz"
    )
    await expect(
        page.locator("#operations-health-get_liveness .live-responses-table .response .response-col_status")
    ).to_have_text("200")
    await page.close()
