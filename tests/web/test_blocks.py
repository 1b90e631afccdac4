"""A user is blocked from the card, with a warning, and unblocked in place of the composer; the other sees nothing."""

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.browsing import Visit


async def test_a_user_is_blocked_and_unblocked(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    blocker, blocked = await visit(ann), await visit(bob)
    await blocker.open_group(bob)
    await blocked.open_group(ann)
    blocked.expects_network_errors = True
    await blocker.page.locator(".conversation-head").get_by_role("button", name="About Bob").click()
    card = blocker.page.get_by_role("dialog", name="About Bob")
    await card.get_by_role("button", name="Block…").click()
    await expect(card).to_contain_text("Neither of you can write to the other then.")
    await card.get_by_role("button", name="Cancel").click()
    await card.get_by_role("button", name="Block…").click()
    await card.get_by_role("button", name="Block", exact=True).click()
    await expect(card.get_by_role("button", name="Unblock")).to_be_visible()
    await card.get_by_role("button", name="Close").click()
    note = blocker.page.get_by_role("note")
    await expect(note).to_contain_text("You have blocked Bob.")
    await expect(blocker.composer).to_have_count(0)
    await expect(blocker.message("Hello")).to_be_visible()
    await expect(blocked.composer).to_be_visible()
    await blocked.write("Why?")
    await expect(blocked.page.get_by_role("alert")).to_contain_text("You cannot send messages to this user")
    await note.get_by_role("button", name="Unblock").click()
    await expect(blocker.composer).to_be_visible()
    await blocked.page.get_by_role("button", name="Try again").click()
    await expect(blocker.message("Why?")).to_be_visible()
    blocked.console_errors.clear()  # the refusal
