"""The inbox: it is complete however large it is, and says what it does not know."""

import asyncio

from playwright.async_api import expect

from app.settings import Settings
from tests.fixtures.app import Person
from tests.web.browsing import Visit, Visitor
from tests.web.large_inbox import write_inbox

GROUPS = 2_000


async def scroll_to_end(visitor: Visitor) -> None:
    await visitor.run("document.querySelector('.groups').scrollTop = 1e9")
    await asyncio.sleep(0.05)


async def test_an_inbox_of_two_thousand_groups_loads_to_its_end(visit: Visit, settings: Settings, ann: Person) -> None:
    peers = await write_inbox(settings, ann, GROUPS)
    visitor = await visit(ann)
    await visitor.open()
    await expect(visitor.groups.first).to_be_visible()

    async def is_whole() -> bool:
        await scroll_to_end(visitor)
        return await visitor.groups.count() == GROUPS

    await visitor.wait_until(is_whole)
    handles = await visitor.groups.locator(".handle").all_text_contents()
    assert handles == [f"@{peer.handle}" for peer in peers]


async def test_a_conversation_that_is_pressed_stays_in_its_place_until_it_is_open(
    visit: Visit, ann: Person, bob: Person, eve: Person
) -> None:
    for sender in (bob, eve):
        await sender.sent("Hello", ann)
    visitor = await visit(ann)
    await visitor.open()
    await expect(visitor.groups.locator(".handle")).to_have_text([f"@{eve.handle}", f"@{bob.handle}"])
    await visitor.groups.first.hover()
    await visitor.page.mouse.down()
    await bob.sent("News", ann)
    await expect(visitor.groups.nth(1)).to_contain_text("News")
    await visitor.page.mouse.up()
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages/{ann.group_with(eve)}")
    await expect(visitor.groups.locator(".handle")).to_have_text([f"@{bob.handle}", f"@{eve.handle}"])
