"""The search finds people by handle and by any word of their name, and says when it cannot."""

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.browsing import Visit


async def test_search_finds_people_by_any_word_of_their_name(visit: Visit, ann: Person, bob: Person) -> None:
    mark = bob.handle[-8:]
    await bob.client.patch("/api/users/me", json={"display_name": f"Amélie Łuczak x{mark}"})
    visitor = await visit(ann)
    await visitor.open()
    field, option = visitor.page.get_by_role("combobox"), visitor.page.get_by_role("option")
    for has_conversation in (False, True):
        if has_conversation:
            await bob.sent("Hello", ann)
            await visitor.open()
            await expect(visitor.groups).to_have_count(1)
        for text in (f"X{mark}", f"łuczak x{mark}", f"x{mark} amelie", bob.handle, f"@{bob.handle}"):
            await field.fill(text)
            await expect(option).to_have_count(1)
            await expect(option).to_contain_text(bob.handle)
        await field.fill(f"y{mark}")
        await expect(visitor.page.get_by_text(f"No user is called “y{mark}”")).to_be_visible()


async def test_an_offline_search_finds_conversations_and_says_that_it_finds_no_others(
    visit: Visit, ann: Person, bob: Person, eve: Person
) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    await visitor.open()
    await expect(visitor.groups).to_have_count(1)
    await visitor.page.context.set_offline(True)
    field, option = visitor.page.get_by_role("combobox"), visitor.page.get_by_role("option")
    await field.fill("bob")
    await expect(option).to_have_count(1)
    await expect(visitor.page.get_by_text("You are offline")).to_be_visible()
    await field.fill(eve.handle)
    await expect(option).to_have_count(0)
    await expect(visitor.page.get_by_text("You are offline")).to_be_visible()
    await visitor.page.context.set_offline(False)
    await expect(option).to_have_count(1)
