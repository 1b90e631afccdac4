"""A link to a message opens its conversation there."""

from playwright.async_api import expect

from app.settings import Settings
from tests.fixtures.app import Person
from tests.web.browsing import Visit
from tests.web.test_history import write_history


async def test_a_link_opens_a_conversation_at_a_message(
    visit: Visit, settings: Settings, ann: Person, bob: Person
) -> None:
    await write_history(settings, ann, bob, 300)
    visitor = await visit(ann)
    path = f"/messages/{ann.group_with(bob)}"
    await visitor.open(f"{path}/42")
    linked = visitor.page.locator('[data-number="42"]')
    await expect(linked).to_be_in_viewport()
    await expect(linked).to_be_focused()
    assert max(await visitor.numbers()) < 300
    await visitor.write(f"It is here: {visitor.address}{path}/7")
    await expect(visitor.message("It is here")).to_be_in_viewport()
    await visitor.message("It is here").get_by_role("link").click()
    await expect(visitor.page).to_have_url(f"{visitor.address}{path}/7")
    await expect(visitor.page.locator('[data-number="7"]')).to_be_focused()
    await visitor.open(f"{path}/999")
    await expect(visitor.message("It is here")).to_be_in_viewport()
