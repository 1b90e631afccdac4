"""Profiles and presence in the page: what users say about themselves, and whether peers are online."""

from functools import partial
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.fixtures.app import Person
from tests.web.axe import violations
from tests.web.browsing import NARROW, WIDE, Visit, Visitor

SETTINGS = "/api/users/me/settings"
FIELDS_LIKE_THEIR_DIALOG = """
    [...document.querySelectorAll("dialog[open] :is(input:not([type='checkbox']), textarea, select)")].filter(
        (field) => getComputedStyle(field).backgroundColor === getComputedStyle(field.closest("dialog")).backgroundColor
    ).length
"""


async def open_dialog(page: Page, name: str) -> None:
    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("button", name=name).click()


async def choose(page: Page, label: str, *, wanted: bool) -> None:
    await open_dialog(page, "Settings")
    box = page.get_by_role("checkbox", name=label)
    await expect(box).to_be_enabled()
    await box.set_checked(wanted)
    await page.get_by_role("button", name="Done").click()


async def has(person: Person, name: str, expected: bool) -> bool:
    return bool((await person.get(SETTINGS))[name] == expected)


@pytest.mark.parametrize(
    ("label", "name", "wanted"),
    [("Typing", "typing", False), ("Online status", "presence", True), ("Found by search", "is_discoverable", False)],
)
async def test_each_setting_is_changed(visit: Visit, ann: Person, label: str, name: str, wanted: bool) -> None:
    visitor = await visit(ann)
    await visitor.open()
    for value in (wanted, not wanted):
        await choose(visitor.page, label, wanted=value)
        await visitor.wait_until(partial(has, ann, name, value))
    await visitor.page.reload()
    await open_dialog(visitor.page, "Settings")
    await expect(visitor.page.get_by_role("checkbox", name=label)).to_be_checked(checked=not wanted)


async def test_a_text_about_the_user_is_edited_and_shown_in_the_card(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("hi", bob)
    anns, bobs = await visit(ann), await visit(bob)
    await anns.open()
    await open_dialog(anns.page, "Edit your profile")
    field = anns.page.get_by_role("textbox", name="About you")
    await field.fill("x" * 161)
    await expect(anns.page.get_by_role("button", name="Save")).to_be_disabled()
    await field.fill("Tea.\n<b>Berlin</b>")
    await anns.page.get_by_role("textbox", name="Name").fill("Anna")
    await anns.page.get_by_role("button", name="Save").click()
    await expect(anns.page.get_by_role("dialog")).to_have_count(0)
    await bobs.open_group(ann)
    await expect(bobs.page.get_by_role("heading", name="Anna")).to_be_visible()
    await bobs.page.get_by_role("button", name="About Anna").first.click()
    card = bobs.page.get_by_role("dialog", name="About Anna")
    await expect(card.locator(".about")).to_have_text("Tea.\n<b>Berlin</b>")


async def test_peers_are_shown_as_online_while_both_want_it(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("hi", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    head, item = visitor.page.locator(".conversation-head"), visitor.groups.first
    bobs = await visit(bob)
    await bobs.open()
    await choose(bobs.page, "Online status", wanted=True)
    await bobs.wait_until(partial(has, bob, "presence", True))
    await expect(head.locator(".is-online")).to_have_count(0)
    await choose(visitor.page, "Online status", wanted=True)
    await expect(head.locator(".handle")).to_have_text(f"@{bob.handle}online")
    await expect(item.locator(".is-online")).to_have_count(1)
    await choose(bobs.page, "Online status", wanted=False)
    await expect(head.locator(".seen:not(:empty)")).to_have_count(0)
    await expect(item.locator(".is-online")).to_have_count(0)
    await choose(bobs.page, "Online status", wanted=True)
    await expect(item.locator(".is-online")).to_have_count(1)
    await ann.client.put(f"/api/users/@{bob.handle}/block")
    await expect(item.locator(".is-online")).to_have_count(0)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_no_dialog_violates_a_rule_or_overflows(visit: Visit, ann: Person, bob: Person, viewport: Any) -> None:
    await bob.sent("hi", ann)
    await ann.client.patch("/api/users/me", json={"about": "W" * 160})
    await ann.client.patch(SETTINGS, json={"presence": True})
    visitor, bobs = await visit(ann, viewport=viewport), await visit(bob)
    await bob.client.patch("/api/users/me", json={"about": "W" * 160})
    await bob.client.patch(SETTINGS, json={"presence": True})
    await bobs.open()
    await visitor.open()
    for name in ("Settings", "Edit your profile"):
        await open_dialog(visitor.page, name)
        assert await found(visitor, viewport) == [], name
        assert await visitor.run(FIELDS_LIKE_THEIR_DIALOG) == 0, name
        await visitor.page.keyboard.press("Escape")
    await expect(visitor.groups.first.locator(".is-online")).to_have_count(1)
    assert await found(visitor, viewport) == []
    await visitor.open_group(bob)
    await expect(visitor.page.locator(".seen")).to_have_text("online")
    assert await found(visitor, viewport) == []
    await visitor.page.get_by_role("button", name="About Bob").first.click()
    await expect(visitor.page.locator(".person-card .about")).to_be_visible()
    assert await found(visitor, viewport) == []


async def found(visitor: Visitor, viewport: Any) -> list[str]:
    width = await visitor.run("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert width <= viewport["width"]
    return await violations(visitor.page)
