"""The picker finds emoji by name, group and keyboard, in the user's skin tone."""

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.browsing import Visit, Visitor
from tests.web.test_changes import item


async def open_picker(visitor: Visitor) -> None:
    await item(visitor, 1).focus()
    await visitor.page.keyboard.press("Enter")
    await visitor.page.get_by_role("menuitem", name="Other emoji").click()
    await expect(visitor.page.get_by_role("searchbox", name="Find an emoji")).to_be_focused()


async def test_an_emoji_is_found_by_a_keyword_and_is_offered_first_until_the_user_leaves(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await bob.sent("Released", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    await open_picker(visitor)
    picker = visitor.page.get_by_role("dialog", name="React with an emoji")
    await expect(picker.get_by_role("region")).to_have_count(9)
    await visitor.page.keyboard.type("no such emoji")
    await expect(picker.get_by_text("No emoji is called that.")).to_be_visible()
    await visitor.page.get_by_role("searchbox", name="Find an emoji").fill("Rocket")
    await visitor.page.keyboard.press("Enter")
    await expect(picker).to_have_count(0)
    await expect(item(visitor, 1).get_by_role("button", name="🚀 1, you reacted", exact=True)).to_be_visible()
    await open_picker(visitor)
    await visitor.page.keyboard.press("Escape")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.get_by_role("menuitemcheckbox").first).to_have_text("🚀")
    assert len([url for url in asked if "emoji.json" in url]) == 1
    await visitor.page.keyboard.press("Escape")
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name="Switch user").click()
    await expect(visitor.page.locator(".person")).not_to_have_count(0)
    assert await visitor.run("Object.keys(localStorage)") == [], "nothing of the user stays"


async def test_the_arrow_keys_move_between_emoji_and_lines(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Released", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await open_picker(visitor)
    focused = visitor.page.locator(":focus")
    await expect(visitor.page.get_by_role("button", name="grinning face", exact=True)).to_be_attached()
    for key, emoji in (("ArrowDown", "😀"), ("ArrowRight", "😃"), ("ArrowDown", "🫠"), ("ArrowLeft", "🙃")):
        await visitor.page.keyboard.press(key)
        await expect(focused).to_have_text(emoji)
    await visitor.page.keyboard.press("ArrowUp")
    await visitor.page.keyboard.press("ArrowUp")
    await expect(visitor.page.get_by_role("searchbox", name="Find an emoji")).to_be_focused()


async def test_the_picker_keeps_the_skin_tone_of_the_user(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Released", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await open_picker(visitor)
    tones = visitor.page.get_by_role("group", name="Skin tone").get_by_role("radio")
    await expect(visitor.page.get_by_role("radio", name="No skin tone")).to_be_checked()
    await visitor.page.get_by_role("radio", name="No skin tone").focus()
    for _ in range(3):
        await visitor.page.keyboard.press("ArrowRight")
    await expect(tones.nth(3)).to_be_checked()
    await expect(visitor.page.get_by_role("button", name="waving hand", exact=True)).to_have_text("👋🏽")
    await visitor.page.get_by_role("searchbox", name="Find an emoji").fill("thumbs up")
    await visitor.page.keyboard.press("Enter")
    await expect(item(visitor, 1).get_by_role("button", name="👍🏽 1, you reacted", exact=True)).to_be_visible()
    await open_picker(visitor)
    await expect(tones.nth(3)).to_be_checked()
    await expect(visitor.page.get_by_role("button", name="rocket", exact=True)).to_have_text("🚀")
