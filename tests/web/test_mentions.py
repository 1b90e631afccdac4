"""Members are offered after an @, mentioned, shown as such, and an edit keeps mentions right."""

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.browsing import Visit
from tests.web.test_changes import item


async def test_a_member_is_offered_mentioned_and_shown(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    writer, reader = await visit(ann), await visit(bob)
    await reader.open()
    await writer.open_group(bob)
    field, press = writer.page.get_by_label("Message to Bob"), writer.page.keyboard.press
    await field.press_sequentially("Look, @bo")
    offers = writer.page.get_by_role("listbox", name="Members").get_by_role("option")
    await expect(offers).to_have_count(1)
    await expect(field).to_have_attribute("aria-activedescendant", "mention-list-0")
    await press("Enter")
    await expect(field).to_have_value(f"Look, @{bob.handle} ")
    await expect(offers).to_have_count(0)
    await field.press_sequentially(f"and `@{ann.handle}`, <b>")
    await press("Enter")
    mention = item(writer, 2).get_by_role("button", name="About Bob")
    await expect(mention).to_have_text(f"@{bob.handle}")
    await expect(item(writer, 2).locator(".text")).to_have_text(f"Look, @{bob.handle} and @{ann.handle}, <b>")
    await mention.click()
    await expect(writer.page.get_by_role("dialog", name="About Bob")).to_be_visible()
    await press("Escape")
    await expect(reader.groups.locator(".badge.mentions")).to_have_text("@ unread mentions")
    await reader.open_group(ann)
    await expect(item(reader, 2).locator(".bubble.for-me .mention.is-me")).to_have_text(f"@{bob.handle}")
    await expect(reader.groups.locator(".badge.mentions")).to_have_count(0)


async def test_escape_and_a_click_close_or_choose_what_is_offered(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    writer = await visit(ann)
    await writer.open_group(bob)
    field = writer.page.get_by_label("Message to Bob")
    offers = writer.page.get_by_role("listbox", name="Members").get_by_role("option")
    await field.press_sequentially("@")
    await expect(offers).to_have_count(2)
    await writer.page.keyboard.press("Escape")
    await expect(offers).to_have_count(0)
    await expect(field).to_have_value("@")
    await field.press_sequentially("a")
    await offers.first.click()
    await expect(field).to_have_value(f"@{ann.handle} ")
    await field.fill("mail me@bo")
    await expect(offers).to_have_count(0)


async def test_an_edit_makes_the_mentions_of_its_text(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Hello Bob", bob)
    writer, reader = await visit(ann), await visit(bob)
    await reader.open()
    await writer.open_group(bob)
    for text, count in ((f"Hello @{bob.handle.upper()}", 1), ("Hello", 0)):
        await item(writer, 1).focus()
        await writer.page.keyboard.press("e")
        await writer.page.get_by_label("Edit message").fill(text)
        await writer.page.keyboard.press("Enter")
        await expect(item(writer, 1).locator(".mention")).to_have_count(count)
        await expect(reader.groups.locator(".badge.mentions")).to_have_count(count)
    changes = await bob.get(f"/api/messages/{ann.group_with(bob)}/changes")
    assert [change["mentions"] for change in changes] == [[str(bob.uuid)], []]
