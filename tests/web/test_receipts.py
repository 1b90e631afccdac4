"""Receipts in the page: which members have read a message, private mode, and groups that are marked unread."""

from functools import partial

from playwright.async_api import Page, expect

from tests.fixtures.app import Person
from tests.web.browsing import Visit

SETTINGS = "/api/users/me/settings"


async def shares(person: Person, expected: bool) -> bool:
    return bool((await person.get(SETTINGS))["receipts"] == expected)


async def choose_receipts(page: Page, *, wanted: bool) -> None:
    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("button", name="Settings").click()
    box = page.get_by_role("checkbox", name="Read receipts")
    await expect(box).to_be_enabled()
    await box.set_checked(wanted)
    await page.keyboard.press("Escape")


async def test_a_messages_menu_says_which_members_have_read_it(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await ann.sent("two", bob)
    await bob.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 1})
    visitor = await visit(ann)
    await visitor.open_group(bob)
    for text, receipt in (("one", "Read"), ("two", None)):
        await visitor.message(text).click(button="right")
        await visitor.page.get_by_role("menuitem", name="Read by…").click()
        dialog = visitor.page.get_by_role("dialog", name="Read by")
        if receipt:
            await expect(dialog.get_by_role("listitem")).to_contain_text(["Bob"])
            await expect(dialog.locator(".receipt")).to_have_text(receipt)
        else:
            await expect(dialog).to_contain_text("Nobody yet")
        await dialog.get_by_role("button", name="Close").click()


async def test_a_private_user_neither_gives_nor_gets_receipts(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    anns = await visit(ann)
    await anns.open_group(bob)
    await choose_receipts(anns.page, wanted=False)
    await anns.wait_until(partial(shares, ann, False))
    await bob.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 1})
    await bob.sent("two", ann)
    await expect(anns.message("two")).to_be_visible()
    await expect(anns.page.locator(".receipt")).to_have_text("Sent")
    await choose_receipts(anns.page, wanted=True)
    await expect(anns.page.locator(".receipt")).to_have_text("Read")


async def is_marked(person: Person, other: Person, expected: bool) -> bool:
    row = await person.get(f"/api/message_groups/{person.group_with(other)}")
    return bool(row["is_marked_unread"] == expected)


async def test_a_group_is_marked_unread_until_it_is_opened(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await bob.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 1})
    visitor, other = await visit(bob), await visit(bob)
    for device in (visitor, other):
        await device.open()
    group = visitor.groups.first
    await group.click(button="right")
    await visitor.page.get_by_role("menuitem", name="Mark as unread").click()
    for device in (visitor, other):
        await expect(device.groups.locator(".badge")).to_have_text("Marked unread")
    await group.focus()
    await visitor.page.keyboard.press("ContextMenu")
    await visitor.page.get_by_role("menuitem", name="Mark as read").click()
    await expect(other.groups.locator(".badge")).to_have_count(0)
    await group.hover()
    await visitor.page.get_by_role("button", name="Actions for Ann").click()
    await visitor.page.get_by_role("menuitem", name="Mark as unread").click()
    await expect(other.groups.locator(".badge")).to_have_text("Marked unread")
    await visitor.open_group(ann)
    await expect(other.groups.locator(".badge")).to_have_count(0)
    await visitor.wait_until(partial(is_marked, bob, ann, False))
