"""Requests on the page: a tab of their own, and accept, decline or block in place of the composer."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from tests.fixtures.app import NewPerson, Person
from tests.tools.servers import IS_REQUEST, Server, started
from tests.web.browsing import Visit, Visitor, local_server


@pytest_asyncio.fixture(scope="module")
async def server(settings: Settings, issuer: LocalIssuer) -> AsyncIterator[Server]:  # noqa: ARG001  # shares its key file
    """A service process to which two users are strangers."""
    server = local_server(settings)
    server.constants[IS_REQUEST] = True
    async with started(server):
        yield server


async def open_request(visitor: Visitor, sender: Person) -> None:
    await visitor.open()
    await visitor.page.get_by_role("button", name="Requests").click()
    await visitor.page.locator(".groups").get_by_role("link", name=sender.display_name).click()
    await expect(visitor.page.get_by_role("group", name="Message request")).to_be_visible()
    await expect(visitor.composer).to_have_count(0)


def tab(visitor: Visitor, name: str):  # type: ignore[no-untyped-def]  # a locator
    return visitor.page.get_by_role("group", name="Folder").get_by_role("button", name=name)


async def test_a_request_has_a_tab_and_is_accepted(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Do you lend books?", ann)
    visitor, sender = await visit(ann), await visit(bob)
    await sender.open_group(ann)
    await visitor.open()
    await expect(tab(visitor, "Requests")).to_contain_text("1")
    await expect(visitor.page.locator(".groups")).to_have_count(0)
    await expect(visitor.page).to_have_title("Messages")
    await open_request(visitor, bob)
    await expect(visitor.message("Do you lend books?")).to_be_visible()
    await visitor.page.get_by_role("button", name="Accept").click()
    await expect(visitor.composer).to_be_visible()
    await expect(tab(visitor, "Requests")).to_have_count(0)
    await visitor.write("I do")
    await expect(sender.message("I do")).to_be_visible()


@pytest.mark.parametrize("how", ["Decline", "Block"])
async def test_a_request_is_declined_or_its_sender_blocked_and_both_are_silent(
    how: str, visit: Visit, ann: Person, bob: Person
) -> None:
    await bob.sent("Buy now!", ann)
    visitor = await visit(ann)
    await open_request(visitor, bob)
    await visitor.page.get_by_role("button", name=how).click()
    await expect(visitor.page.get_by_text("Pick up where you left off")).to_be_visible()
    if how == "Decline":
        await bob.sent("Really!", ann)
    await visitor.open()
    await expect(visitor.page.get_by_text("You have no conversations yet.")).to_be_visible()
    await expect(tab(visitor, "Requests")).to_have_count(0)


async def test_a_request_comes_live_and_nothing_can_be_said_by_keys_or_menu(
    visit: Visit, ann: Person, bob: Person, new_person: NewPerson
) -> None:
    friend = await new_person("friend")
    await friend.sent("Hi", ann)
    await ann.sent("Hi", friend)
    visitor = await visit(ann)
    await visitor.open()
    await expect(tab(visitor, "Requests")).to_have_count(0)
    await bob.sent("Hello?", ann)
    await expect(tab(visitor, "Requests")).to_contain_text("1")
    await open_request(visitor, bob)
    message = visitor.message("Hello?")
    await message.click(button="right")
    menu = visitor.page.get_by_role("menu", name="Message")
    await expect(menu.get_by_role("menuitem", name="Report")).to_be_visible()
    await expect(menu.get_by_role("menuitem", name="Reply")).to_have_count(0)
    await expect(menu.get_by_role("group", name="React")).to_have_count(0)


async def test_the_settings_say_who_may_write(visit: Visit, ann: Person, bob: Person) -> None:
    visitor = await visit(ann)
    await visitor.open()
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name="Settings").click()
    choice = visitor.page.get_by_label("Messages from")
    await expect(choice).to_have_value("everyone")
    await choice.select_option("contacts")
    await expect(choice).to_have_value("contacts")
    answer = await bob.send("hello", ann)
    assert answer.status_code == 403
