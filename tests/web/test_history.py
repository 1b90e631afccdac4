"""Long conversations: the page holds a window of them, and nothing jumps."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import expect

from app.gateways.dynamodb.operator import open_operated_table
from app.messaging import items
from app.messaging.models import Message
from app.settings import Settings
from tests.fixtures.app import Person
from tests.tools.stored import new_inbox_row
from tests.web.browsing import Visit, Visitor

MAX_IN_PAGE = 300
ANCHOR = """() => {
  const feed = document.querySelector(".feed");
  const edge = feed.getBoundingClientRect().top;
  const first = [...feed.querySelectorAll("[data-number]")].find((each) => each.getBoundingClientRect().top > edge);
  return [Number(first.dataset.number), first.getBoundingClientRect().top - edge];
}"""
"""Returns the number of the first message that begins in view, and its top."""
TOP_OF = """(number) => {
  const feed = document.querySelector(".feed");
  const element = feed.querySelector(`[data-number="${number}"]`);
  return element && element.getBoundingClientRect().top - feed.getBoundingClientRect().top;
}"""
SCROLL_AND_WATCH = """(by) => {
  const feed = document.querySelector(".feed");
  const edge = feed.getBoundingClientRect().top;
  const top = (each) => each.getBoundingClientRect().top - edge;
  feed.scrollTop += by;
  const watched = [...feed.querySelectorAll("[data-number] .bubble")].find((each) => top(each) > 0);
  window.tops = [];
  const watch = () => {
    window.tops.push(watched.isConnected ? top(watched) : null);
    window.watching = requestAnimationFrame(watch);
  };
  watch();
}"""
"""Scrolls, then records the top of the first bubble in view in each frame."""
VIEW = "[document.querySelector('.feed').scrollTop, document.querySelector('.feed').scrollHeight]"
IS_SAVED = """() => {
  const feed = document.querySelector(".feed");
  const saved = history.state?.position;
  const bubble = saved && feed.querySelector(`[data-number="${saved.number}"] .bubble`);
  const top = bubble?.getBoundingClientRect().top - feed.getBoundingClientRect().top;
  return Math.abs(top - saved?.offset) < 1;
}"""
"""Returns whether the position that is saved is that of the view."""
SAVE_SECONDS = 0.25
WATCHED = "cancelAnimationFrame(window.watching), window.tops"


async def write_history(settings: Settings, person: Person, peer: Person, count: int) -> None:
    """Write a conversation of years straight into the table."""
    group, start = person.group_with(peer), datetime.now(UTC) - timedelta(minutes=7 * count)
    messages = [
        Message(group, n, uuid4(), (person, peer)[n // 3 % 2].uuid, text_of(n), start + timedelta(minutes=7 * n))
        for n in range(1, count + 1)
    ]
    async with open_operated_table(settings) as table:
        chunks = [messages[at : at + 25] for at in range(0, count, 25)]
        for at in range(0, len(chunks), 8):
            await asyncio.gather(*(table.put_all([*map(items.message_item, chunk)]) for chunk in chunks[at : at + 8]))
        for user, other in ((person, peer), (peer, person)):
            await table.put(new_inbox_row(messages[-1], user=user.uuid, peer=other.uuid))


def text_of(number: int) -> str:
    """Return a text; the heights of the texts differ."""
    return f"Message {number}." + " More words follow." * (number * 7919 % 23) + "\n" * (number % 3) + "End"


async def scroll(visitor: Visitor, by: int) -> None:
    await visitor.feed.hover()
    await visitor.page.mouse.wheel(0, by)


async def settle(visitor: Visitor) -> None:
    """Wait until the page has scrolled and saved its position, which it does a moment after the last movement."""

    async def is_at_rest() -> bool:
        before = await visitor.run(VIEW)
        await asyncio.sleep(SAVE_SECONDS)
        return before == await visitor.run(VIEW) and bool(await visitor.run(IS_SAVED))

    await visitor.wait_until(is_at_rest)


async def anchor(visitor: Visitor) -> tuple[int, float]:
    number, top = await visitor.run(ANCHOR)
    return int(number), float(top)


async def test_the_page_holds_a_bounded_window_of_ten_thousand_messages(
    visit: Visit, settings: Settings, ann: Person, bob: Person
) -> None:
    await write_history(settings, ann, bob, 10_000)
    await ann.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 10_000})
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await expect(visitor.page.locator('[data-number="10000"]')).to_be_in_viewport()
    lowest = 10_000
    while lowest > 9_500:
        await scroll(visitor, -4_000)
        await asyncio.sleep(0.05)
        numbers = await visitor.numbers()
        assert len(numbers) <= MAX_IN_PAGE
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        lowest = numbers[0]
    assert 10_000 not in numbers
    while (await visitor.numbers())[-1] < 10_000:
        await scroll(visitor, 4_000)
        await asyncio.sleep(0.05)
        assert len(await visitor.numbers()) <= MAX_IN_PAGE
    await visitor.feed.press("End")
    await expect(visitor.page.locator('[data-number="10000"]')).to_be_in_viewport()


@pytest.mark.parametrize("direction", [-1, 1])
async def test_no_message_moves_when_a_page_is_loaded(
    visit: Visit, settings: Settings, ann: Person, bob: Person, direction: int
) -> None:
    await write_history(settings, ann, bob, 700)
    await ann.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 349})
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await expect(visitor.page.locator(".unread-line")).to_be_in_viewport()
    rounds = pages = 0
    while rounds < 30 or (pages < 3 and rounds < 200):  # a busy machine needs more rounds for as many pages
        rounds += 1
        before = await visitor.numbers()
        await visitor.run(SCROLL_AND_WATCH, direction * 1000)
        await asyncio.sleep(0.08)
        tops = await visitor.run(WATCHED)
        assert max(tops) - min(tops) <= 1, tops
        pages += before != await visitor.numbers()
    assert pages >= 3


async def test_a_new_message_does_not_move_a_reader_of_older_ones(
    visit: Visit, settings: Settings, ann: Person, bob: Person
) -> None:
    await write_history(settings, ann, bob, 120)
    await ann.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 120})
    reader, writer = await visit(ann), await visit(bob)
    await reader.open_group(bob)
    await writer.open_group(ann)
    await scroll(reader, -1500)
    await expect(reader.page.get_by_role("button", name="To the newest message")).to_be_visible()
    await settle(reader)
    number, top = await anchor(reader)
    await writer.write("While you were reading")
    await expect(reader.page.get_by_role("button", name="To the newest message, 1 unread")).to_be_visible()
    assert await reader.run(TOP_OF, number) == pytest.approx(top, abs=1)
    await reader.page.get_by_role("button", name="To the newest message").click()
    await expect(reader.message("While you were reading")).to_be_in_viewport()
    await writer.write("And at the end one follows")
    await expect(reader.message("And at the end one follows")).to_be_in_viewport()


async def test_a_reload_keeps_the_scroll_position(visit: Visit, settings: Settings, ann: Person, bob: Person) -> None:
    await write_history(settings, ann, bob, 400)
    await ann.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 400})
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await expect(visitor.page.locator('[data-number="400"]')).to_be_in_viewport()
    while (await visitor.numbers())[0] > 250:
        await scroll(visitor, -2_500)
        await asyncio.sleep(0.05)
    await settle(visitor)
    number, top = await anchor(visitor)
    await visitor.page.reload()
    await expect(visitor.page.locator(f'[data-number="{number}"]')).to_be_in_viewport()
    assert await visitor.run(TOP_OF, number) == pytest.approx(top, abs=2)
    await visitor.page.get_by_role("link", name=bob.display_name).click()
    await visitor.page.get_by_role("button", name="To the newest message").click()
    await expect(visitor.page.locator('[data-number="400"]')).to_be_in_viewport()
