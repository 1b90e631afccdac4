"""Reporting a message or a user from the page, and what a suspended user is told."""

import json
from datetime import UTC, datetime, timedelta

from playwright.async_api import Request, Route, expect

from app.moderation.store import ReportStore
from app.users.store import UserStore
from tests.fixtures.app import Person, Service
from tests.web.axe import violations
from tests.web.browsing import NARROW, Visit
from tests.web.test_changes import choose


def uuid_of(request: Request) -> str:
    return str(json.loads(request.post_data or "{}")["uuid"])


async def test_a_message_is_reported_and_confirmed(visit: Visit, service: Service, ann: Person, bob: Person) -> None:
    await bob.sent("Buy this now", ann)
    visitor = await visit(ann, viewport=NARROW)
    await visitor.open_group(bob)
    await choose(visitor, 1, "Report")
    dialog = visitor.page.get_by_role("dialog", name="Report this message?")
    await expect(dialog).to_contain_text("Buy this now")
    await expect(dialog).to_contain_text("up to five messages before and after it")
    assert await violations(visitor.page) == []
    await dialog.get_by_label("Spam or unwanted offers").check()
    await dialog.get_by_role("textbox").fill("The third time today")
    refused = []

    async def refuse(route: Route) -> None:
        refused.append(uuid_of(route.request))
        await route.abort()

    await visitor.page.route("**/api/reports", refuse, times=1)
    await dialog.get_by_role("button", name="Report").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()
    async with visitor.page.expect_request("**/api/reports") as repeated:
        await dialog.get_by_role("button", name="Report").click()
    assert uuid_of(await repeated.value) == refused[0], "the same report, once"
    await expect(dialog).to_contain_text("Your report is with the operators")
    assert await violations(visitor.page) == []
    await dialog.get_by_role("button", name="Close").click()
    await expect(visitor.page.locator('[data-number="1"]')).to_be_focused()
    visitor.console_errors.clear()  # the browser logs the request that was refused
    [report] = [
        each
        for each, _ in await ReportStore(service.state["postgres"]).open_reports(limit=10_000)
        if each.target.user_uuid == bob.uuid
    ]
    assert (report.reason, report.note, report.target.number) == ("spam", "The third time today", 1)


async def test_a_user_is_reported_from_the_card(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    button = visitor.page.locator(".conversation-head").get_by_role("button", name="About Bob")
    await button.click()
    card = visitor.page.get_by_role("dialog", name="About Bob")
    await expect(card.get_by_role("button", name="Close")).to_be_focused()
    await card.get_by_role("button", name="Report").click()
    dialog = visitor.page.get_by_role("dialog", name="Report Bob?")
    await dialog.get_by_role("button", name="Report").click()
    await expect(dialog.get_by_label("Spam or unwanted offers")).to_be_visible()  # a reason is required
    await dialog.get_by_label("Something else").check()
    await dialog.get_by_role("button", name="Report").click()
    await expect(dialog).to_contain_text("Thank you")
    await visitor.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_a_suspended_user_is_told_so_and_until_when(
    visit: Visit, service: Service, ann: Person, bob: Person
) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    end = datetime.now(UTC) + timedelta(hours=2)
    await UserStore(service.state["postgres"]).disable([ann.uuid], until=end)
    notice = visitor.page.get_by_role("alert").filter(has_text="This account is suspended until")
    await expect(notice).to_contain_text(f"{end:%Y-%m-%d %H:%M} UTC", timeout=20_000)
    assert await visitor.page.locator("article").count() == 0, "its messages are shown no longer"
    visitor.console_errors.clear()  # the browser logs the 403
