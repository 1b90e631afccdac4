"""Drafts, links, tall messages, cards of people, replies by touch, and where the focus goes."""

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.browsing import NARROW, Visit


async def test_drafts_survive_a_reload_and_stand_in_the_list(
    visit: Visit, ann: Person, bob: Person, eve: Person
) -> None:
    await ann.sent("One", bob)
    await ann.sent("Two", eve)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await visitor.composer.fill("Not sent yet")
    await visitor.page.locator(f'[data-group="{ann.group_with(eve)}"]').click()
    item = visitor.page.locator(f'[data-group="{ann.group_with(bob)}"] .preview')
    await expect(item).to_have_text("Draft: Not sent yet")
    await visitor.page.reload()
    await expect(item).to_have_text("Draft: Not sent yet")
    await item.click()
    await expect(visitor.composer).to_have_value("Not sent yet")
    await visitor.composer.press("Enter")
    await expect(visitor.message("Not sent yet")).to_be_visible()
    await visitor.page.reload()
    await expect(visitor.composer).to_have_value("")
    await visitor.composer.fill("Deleted by the sign-out")
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name="Switch user").click()
    await expect(visitor.page.get_by_role("heading", name="Choose a user")).to_be_visible()
    assert await visitor.run("localStorage.length") == 0


async def test_a_group_that_exists_is_never_shown_as_new(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("From long ago", ann)
    visitor = await visit(ann)
    for path in ("**/api/message_groups?**", "**/api/sync"):
        await visitor.page.route(path, lambda _: None)  # the inbox is not loaded yet
    await visitor.open(f"/messages/new/{bob.handle}")
    await expect(visitor.message("From long ago")).to_be_visible()
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages/{ann.group_with(bob)}")


async def test_a_short_conversation_that_is_opened_unread_follows_new_messages(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await ann.sent("First", bob)
    for n in range(3):
        await bob.sent(f"Unread {n}", ann)
    reader, writer = await visit(ann), await visit(bob)
    await reader.open_group(bob)
    await expect(reader.message("Unread 2")).to_be_in_viewport()
    await writer.open_group(ann)
    for n in range(25):
        await writer.write(f"Live {n}")
    await expect(reader.message("Live 24")).to_be_in_viewport(ratio=1)


async def test_web_and_mail_addresses_are_links_and_tall_messages_fold(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("See www.example.com/a, or write to ann@example.com.", ann)
    await bob.sent("\n".join(f"line {n}" for n in range(60)), ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await expect(visitor.page.locator("[data-number]")).to_have_count(2)
    links = await visitor.run("[...document.querySelectorAll('article .text a')].map((each) => each.href)")
    assert links == ["https://www.example.com/a", "mailto:ann@example.com"]
    tall = visitor.page.locator('[data-number="2"] .text')
    await expect(tall).not_to_contain_text("line 20")
    await visitor.page.get_by_role("button", name="Show all").click()
    await expect(tall).to_contain_text("line 59")
    await visitor.page.get_by_role("button", name="Show less").click()
    await expect(tall).not_to_contain_text("line 20")


async def test_a_head_shows_who_the_user_is(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    card = visitor.page.get_by_role("dialog", name="About Bob")
    for place in (".conversation-head", '[data-number="1"]'):
        button = visitor.page.locator(place).get_by_role("button", name="About Bob")
        await button.click()
        await expect(card).to_contain_text(f"@{bob.handle}")
        await visitor.page.keyboard.press("Escape")
        await expect(card).to_have_count(0)
        await expect(button).to_be_focused()
        await expect(visitor.composer).to_be_visible()


async def test_a_message_can_be_replied_to_by_touch(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Touch me", ann)
    visitor = await visit(ann, viewport=NARROW, has_touch=True, is_mobile=True)
    await visitor.open_group(bob)
    reply = visitor.page.locator('[data-number="1"]').get_by_role("button", name="Reply")
    assert await reply.evaluate("(each) => getComputedStyle(each).opacity") == "1"
    await reply.tap()
    await expect(visitor.page.get_by_role("button", name="Cancel reply")).to_be_visible()


async def test_a_dialog_gives_the_focus_back(visit: Visit, ann: Person) -> None:
    visitor = await visit(ann)
    await visitor.open()
    account = visitor.page.get_by_role("button", name="Your account")
    for button in ("Cancel", "Save", ""):
        await account.click()
        await visitor.page.get_by_role("button", name="Edit your profile").click()
        field = visitor.page.get_by_role("textbox", name="Name")
        await expect(field).to_be_focused()
        await expect(field).to_have_value("Ann")
        if button == "Cancel":
            await field.fill("Another name")
        if button:
            await visitor.page.get_by_role("button", name=button).click()
        else:
            await visitor.page.keyboard.press("Escape")
        await expect(account).to_be_focused()
