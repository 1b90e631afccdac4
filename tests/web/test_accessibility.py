"""The page is accessible: axe finds no violation, the keyboard suffices, small windows show everything."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.fixtures.app import NewPerson, Person
from tests.web.axe import violations
from tests.web.browsing import NARROW, WIDE, Visit, Visitor

PAGES = ("sign-in", "empty", "inbox", "conversation", "new", "unknown", "menu", "search")
DIALOGS = {"Earlier texts": "Earlier texts", "Who reacted": "Who reacted", "Delete for everyone": "Delete this message"}


async def show(visitor: Visitor, page: str, other: Person, stranger: Person) -> None:
    """Open one of the pages, with at least one element of each kind on it."""
    paths = {"new": f"/messages/new/{stranger.handle}", "unknown": "/messages/new/nobody_at_all"}
    if page == "conversation":
        await visitor.open_group(other)
        await expect(visitor.page.locator("article")).not_to_have_count(0)
        await visitor.composer.fill("x" * 1000)
        return
    await visitor.open(paths.get(page, "/messages"))
    if page in {"menu", "sign-in"}:
        await visitor.page.get_by_role("button", name="Your account").click()
    if page == "sign-in":
        await visitor.page.get_by_role("button", name="Switch user").click()
        await expect(visitor.page.locator(".person")).not_to_have_count(0)
    if page == "search":
        await visitor.page.get_by_role("combobox").fill(other.handle[:5])
        await expect(visitor.page.get_by_role("option")).not_to_have_count(0)
    if page == "unknown":
        await expect(visitor.page.get_by_text("There is no user @nobody_at_all")).to_be_visible()
        visitor.console_errors.clear()  # the browser logs each 404


async def prepare(ann: Person, bob: Person, eve: Person) -> None:
    await ann.sent("Hello\nhttps://example.com/a?b=c", bob)
    await bob.sent("Hello yourself", ann, reply_to=1)
    await eve.sent("W" * 300, ann)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_no_page_violates_a_rule_or_overflows(
    visit: Visit, ann: Person, bob: Person, eve: Person, new_person: NewPerson, viewport: Any
) -> None:
    visitor = await visit(ann, viewport=viewport)
    found, theo = {}, await new_person("theo")
    await theo.client.patch("/api/users/me", json={"display_name": "Théo Marchand"})
    for page in PAGES:
        if page == "inbox":
            await prepare(ann, bob, eve)
        await show(visitor, page, bob, theo)
        found[page] = await violations(visitor.page)
        width = await visitor.run("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        assert width <= viewport["width"], page
    assert found == {page: [] for page in PAGES}


async def violated(visitor: Visitor, path: str, viewport: Any) -> list[str]:
    """Return the rules that a page violates, and check that it does not overflow."""
    width = await visitor.run("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert width <= viewport["width"], path
    return await violations(visitor.page)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_nothing_about_a_message_violates_a_rule_or_overflows(
    visit: Visit, ann: Person, bob: Person, viewport: Any
) -> None:
    await ann.sent("Long " * 60, bob)
    await bob.sent("*Really*, `so long`?", ann, reply_to=1)
    await bob.sent("🎉", ann)
    path = f"/api/messages/{ann.group_with(bob)}"
    visitor = await visit(ann, viewport=viewport)
    await ann.client.patch(f"{path}/1", json={"message": "Edited " * 40}, headers={"if-match": '"1"'})
    for emoji in ("👍", "❤️", "🎉"):
        assert (await ann.client.put(f"{path}/1/reactions/{emoji}")).is_success
    assert (await bob.client.put(f"{path}/1/reactions/👍")).is_success
    assert (await bob.client.delete(f"{path}/3")).is_success
    await visitor.open_group(bob)
    await expect(visitor.message("Message deleted")).to_be_visible()
    found = {"feed": await violated(visitor, "feed", viewport)}
    for action, title in DIALOGS.items():
        await open_menu(visitor, 1)
        found["menu"] = await violated(visitor, "menu", viewport)
        await visitor.page.get_by_role("menuitem", name=action).click()
        await expect(visitor.page.get_by_role("dialog", name=title)).not_to_contain_text("Loading")
        found[action] = await violated(visitor, action, viewport)
        await visitor.page.keyboard.press("Escape")
    await open_menu(visitor, 1)
    await visitor.page.get_by_role("menuitem", name="Edit").click()
    found["editor"] = await violated(visitor, "editor", viewport)
    assert found == {name: [] for name in found}


async def open_menu(visitor: Visitor, number: int) -> None:
    await visitor.page.locator(f'[data-number="{number}"]').focus()
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.get_by_role("menu")).to_be_visible()


async def test_the_keyboard_reaches_everything(visit: Visit, ann: Person, bob: Person, eve: Person) -> None:
    await prepare(ann, bob, eve)
    visitor = await visit(ann)
    press = visitor.page.keyboard.press
    await visitor.open()
    await expect(visitor.groups).to_have_count(2)
    await press("/")
    for folder in ("Inbox", "Archive"):
        await press("Tab")
        await expect(visitor.page.get_by_role("button", name=folder, exact=True)).to_be_focused()
    await press("Tab")
    await expect(visitor.groups.nth(0).get_by_role("link")).to_be_focused()
    await press("ArrowDown")
    await press("Enter")
    await expect(visitor.composer).to_be_focused()
    await visitor.page.keyboard.type("Typed")
    await press("Enter")
    await expect(visitor.page.locator('[data-number="3"]')).to_be_visible()
    await press("ArrowUp")
    await expect(visitor.page.locator('[data-number="3"]')).to_be_focused()
    await press("ArrowUp")
    await press("r")
    await expect(visitor.page.get_by_role("button", name="Cancel reply")).to_be_visible()
    await expect(visitor.composer).to_be_focused()
    await press("Escape")
    await expect(visitor.page.get_by_role("button", name="Cancel reply")).to_have_count(0)
    await press("Escape")
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages")
    await expect(visitor.page.locator(f'[data-group="{ann.group_with(bob)}"]')).to_be_focused()
    outline = await visitor.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


async def test_a_narrow_window_shows_the_inbox_or_the_conversation(
    visit: Visit, ann: Person, bob: Person, eve: Person
) -> None:
    await prepare(ann, bob, eve)
    visitor = await visit(ann, viewport=NARROW, has_touch=True)
    await visitor.open()
    await visitor.groups.get_by_role("link", name="Bob").tap()
    await expect(visitor.groups).to_have_count(0)
    await expect(visitor.message("Hello yourself")).to_be_in_viewport()
    await visitor.page.get_by_role("link", name="Back to all conversations").tap()
    await expect(visitor.groups).to_have_count(2)
    await expect(visitor.composer).to_have_count(0)


async def test_the_chosen_theme_survives_a_reload(visit: Visit, ann: Person) -> None:
    visitor = await visit(ann, color_scheme="light")
    await visitor.open()
    light = await visitor.run("getComputedStyle(document.body).backgroundColor")
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_text("dark", exact=True).click()
    await visitor.page.reload()
    await expect(visitor.page.get_by_role("heading", name="Messages")).to_be_visible()
    assert await visitor.run("getComputedStyle(document.body).backgroundColor") != light
