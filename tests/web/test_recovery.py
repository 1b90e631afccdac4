"""After a fault of the network or the server everything comes back by itself, and what was on the screen stays."""

import asyncio

from playwright.async_api import Route, expect

from app.settings import Settings
from tests.fixtures.app import Person
from tests.web.browsing import Visit, Visitor
from tests.web.large_inbox import write_inbox
from tests.web.test_history import scroll, settle, write_history


async def fail(route: Route) -> None:
    await route.fulfill(status=503, headers={"Retry-After": "1"}, json={"code": "unavailable", "title": "Not now"})


async def go_offline(visitor: Visitor) -> None:
    visitor.expects_network_errors = True
    await visitor.page.context.set_offline(True)
    await expect(visitor.page.get_by_text("Offline", exact=True)).to_be_visible()


async def test_conversations_that_were_open_are_shown_offline(
    visit: Visit, settings: Settings, ann: Person, bob: Person, eve: Person
) -> None:
    await write_history(settings, ann, bob, 60)
    await ann.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 60})
    await eve.sent("Seen before", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await scroll(visitor, -900)
    await settle(visitor)
    numbers, top = await visitor.numbers(), await visitor.run("document.querySelector('.feed').scrollTop")
    bobs, eves = (visitor.page.locator(f'[data-group="{ann.group_with(other)}"]') for other in (bob, eve))
    await eves.click()
    await expect(visitor.message("Seen before")).to_be_visible()
    await go_offline(visitor)
    await bobs.click()
    await expect(visitor.page.locator('[data-number="60"]')).to_be_attached()
    assert (await visitor.numbers())[-1] == numbers[-1]
    assert abs(await visitor.run("document.querySelector('.feed').scrollTop") - top) <= 1
    await visitor.write("Written offline")
    await eves.click()
    await expect(visitor.message("Seen before")).to_be_visible()
    await eve.sent("Sent meanwhile", ann)
    await visitor.page.context.set_offline(False)
    await expect(visitor.message("Sent meanwhile")).to_be_visible()
    await bobs.click()
    await expect(visitor.page.locator("article .text", has_text="Written offline")).to_be_visible()
    await expect(visitor.page.locator("[data-pending]")).to_have_count(0)


async def test_a_conversation_that_is_opened_offline_is_loaded_when_the_connection_is_back(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    await visitor.open()
    await expect(visitor.groups).to_have_count(1)
    await go_offline(visitor)
    await visitor.groups.first.click()
    await expect(visitor.page.get_by_text("This conversation cannot be shown")).to_be_visible()
    await visitor.page.context.set_offline(False)
    await expect(visitor.message("Hello")).to_be_visible()


async def test_a_user_can_write_while_the_messages_cannot_be_loaded(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    await visitor.page.route("**/api/messages/**", fail)
    await visitor.open_group(bob)
    await visitor.composer.focus()
    await visitor.page.keyboard.insert_text("Half of it")
    await expect(visitor.page.get_by_text("This conversation cannot be shown")).to_be_visible()
    await visitor.page.keyboard.insert_text(", and the rest")
    await visitor.page.keyboard.press("Enter")
    await visitor.page.unroute("**/api/messages/**")
    await expect(visitor.page.locator('[data-number="2"] .text')).to_have_text(
        "Half of it, and the rest", timeout=20_000
    )
    await expect(visitor.message("Hello")).to_be_visible()


async def test_a_page_that_is_reloaded_while_the_service_fails_comes_back_whole(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    await visitor.open_group(bob)
    for path in ("**/api/**", "**/local/**"):
        await visitor.page.route(path, fail)
    await visitor.write("Kept")
    await visitor.page.reload()
    await expect(visitor.page.get_by_role("alert")).to_contain_text("Not now")
    for path in ("**/local/**", "**/api/**"):
        await visitor.page.unroute(path)
        await asyncio.sleep(1.5)
    await expect(visitor.page.locator('[data-number="2"] .text')).to_have_text("Kept", timeout=20_000)
    await expect(visitor.message("Hello")).to_be_visible()
    await expect(visitor.groups).to_have_count(1)


async def test_pages_of_the_inbox_that_fail_are_loaded_later(visit: Visit, settings: Settings, ann: Person) -> None:
    await write_inbox(settings, ann, 230)
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    asked: set[str] = set()

    async def fail_at_first(route: Route) -> None:
        is_repeated = route.request.url in asked
        asked.add(route.request.url)
        await (route.continue_() if is_repeated else fail(route))

    await visitor.page.route("**/api/message_groups?**", fail_at_first)
    await visitor.open()

    async def is_whole() -> bool:
        await visitor.run("document.querySelector('.groups')?.scrollTo(0, 1e9)")
        return await visitor.groups.count() == 230

    await visitor.wait_until(is_whole)


async def test_older_messages_that_fail_to_load_are_loaded_later_and_not_asked_for_in_a_rush(
    visit: Visit, settings: Settings, ann: Person, bob: Person
) -> None:
    await write_history(settings, ann, bob, 120)
    await ann.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 120})
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    asked: list[str] = []

    async def refuse(route: Route) -> None:
        asked.append(route.request.url)
        await route.abort()

    await visitor.page.route("**/api/messages/*before*", refuse)
    await visitor.open_group(bob)
    await expect(visitor.page.locator('[data-number="120"]')).to_be_in_viewport()
    async with visitor.page.expect_request("**/api/messages/*before*"):
        await visitor.run("document.querySelector('.feed').scrollTop = 0")
    asked.clear()
    await asyncio.sleep(2)  # in which it could ask much more often
    assert len(asked) <= 5
    await visitor.page.unroute("**/api/messages/*before*")
    await expect(visitor.page.locator('[data-number="50"]')).to_be_attached()
