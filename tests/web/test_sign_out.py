"""Sign-out: nothing of the user stays in the browser, and what belongs to a user is never another's."""

import asyncio
import re
from functools import partial

import httpx
from playwright.async_api import expect

from app.users.store import UserStore
from tests.fixtures.app import Person, Service
from tests.tools.servers import Server
from tests.web.browsing import NARROW, WAIT, Visit, Visitor
from tests.web.cognito import FakeCognito, sign_in

STORED = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie, history.state])"


async def sign_out(visitor: Visitor, label: str = "Switch user") -> None:
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name=label).click()


async def has_streams(visitor: Visitor, count: int) -> bool:
    """Return whether the service of the visitor has so many open streams."""
    async with httpx.AsyncClient(trust_env=False, timeout=WAIT / 1000) as client:
        text = (await client.get(f"{visitor.address}/metrics")).text
    return re.findall(r"^cruddur_event_streams (\d+)", text, re.MULTILINE) == [str(count)]


async def test_sign_out_revokes_ends_the_stream_and_leaves_nothing(
    visit_with_cognito: Visit, cognito: FakeCognito, ann: Person, bob: Person
) -> None:
    await bob.sent("Welcome", ann)
    visitor = await visit_with_cognito(ann)
    await sign_in(visitor, f"/messages/{ann.group_with(bob)}")
    await expect(visitor.message("Welcome")).to_be_visible()
    await visitor.wait_until(partial(has_streams, visitor, 1))
    await visitor.composer.fill("A draft")
    await visitor.run("sessionStorage.removeItem('cruddur-handle')")  # which the test has put there
    await sign_out(visitor, "Sign out")
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(visitor.page).to_have_url(f"{visitor.address}/")
    assert cognito.revoked == [cognito.refresh_token]
    await visitor.wait_until(partial(has_streams, visitor, 0))
    stored = await visitor.run(f"sessionStorage.removeItem('cruddur-handle'), {STORED}")
    assert stored == '[{},{},"",null]'
    assert await visitor.page.title() == "Messages"


async def test_a_user_pool_that_does_not_answer_does_not_keep_the_user_signed_in(
    visit_with_cognito: Visit, ann: Person
) -> None:
    visitor = await visit_with_cognito(ann)
    visitor.expects_network_errors = True
    await sign_in(visitor, "/")
    await visitor.page.route("**/oauth2/revoke", lambda route: route.abort())
    await sign_out(visitor, "Sign out")
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(visitor.page).to_have_url(f"{visitor.address}/")


async def test_sign_out_asks_before_it_deletes_unsent_messages(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann, viewport=NARROW)
    visitor.expects_network_errors = True
    await visitor.open_group(bob)
    await visitor.page.route("**/api/messages", lambda route: route.abort())
    await visitor.write("Not sent yet")
    await expect(visitor.page.locator("[data-pending]")).to_have_count(1)
    await visitor.page.get_by_role("link", name="Back").click()
    await sign_out(visitor)
    question = visitor.page.get_by_role("dialog", name="One message has not been sent")
    await expect(visitor.page.get_by_role("button", name="Edit your profile")).to_be_hidden()  # the menu has made room
    await question.get_by_role("button", name="Cancel").click()
    await expect(question).to_be_hidden()
    assert "Not sent yet" in await visitor.run(STORED)
    await sign_out(visitor)
    await question.get_by_role("button", name="Delete and sign out").click()
    await expect(visitor.page.get_by_role("heading", name="Choose a user")).to_be_visible()
    stored = await visitor.run(STORED)
    assert stored == '[{},{},"",null]'
    assert [row["message"] for row in await ann.inbox()] == ["Hello"]


async def test_the_next_user_of_a_tab_neither_sees_nor_sends_what_the_last_one_wrote(
    visit: Visit, ann: Person, bob: Person, eve: Person
) -> None:
    visitor = await visit(ann)
    await visitor.open(f"/messages/new/{bob.handle}")
    await visitor.composer.fill("Ann's draft")
    user = {"handle": eve.handle, "display_name": eve.display_name}
    await visitor.page.route("**/local/users?**", lambda route: route.fulfill(json=[user]))
    await sign_out(visitor)
    await visitor.page.get_by_role("button", name=f"@{eve.handle}").click()
    await visitor.page.get_by_role("combobox").fill(bob.handle)
    await visitor.page.get_by_role("option").click()
    await expect(visitor.composer).to_have_value("")


async def test_unsent_messages_wait_for_their_own_user(
    visit: Visit, server: Server, ann: Person, bob: Person, eve: Person
) -> None:
    """The browser was closed without a sign-out, and another user signs in."""
    await ann.sent("Before", bob)
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    await visitor.open_group(bob)
    await visitor.page.route("**/api/messages", lambda route: route.abort())
    await visitor.write("Ann's own")
    await expect(visitor.page.locator("[data-pending]")).to_have_count(1)
    await visitor.page.add_init_script(f"sessionStorage.setItem('cruddur-handle', '{eve.handle}')")
    await visitor.page.goto(f"{server.address}/messages/new/{bob.handle}")
    await expect(visitor.composer).to_be_visible()
    await visitor.page.unroute("**/api/messages")
    await asyncio.sleep(1)
    await expect(visitor.page.locator("[data-pending]")).to_have_count(0)
    assert await eve.inbox() == []
    assert [row["message"] for row in await ann.inbox()] == ["Before"]
    await visitor.page.add_init_script(f"sessionStorage.setItem('cruddur-handle', '{ann.handle}')")
    await visitor.open_group(bob)
    await expect(visitor.page.locator('[data-number="2"]')).to_be_visible()
    assert [row["message"] for row in await ann.inbox()] == ["Ann's own"]


async def test_sign_out_in_one_tab_is_sign_out_in_the_others_of_the_user(
    visit: Visit, ann: Person, bob: Person
) -> None:
    visitor = await visit(ann)
    await visitor.open()
    other = Visitor(ann, await visitor.page.context.new_page(), visitor.address)
    await other.open(f"/messages/new/{bob.handle}")
    await sign_out(visitor)
    for each in (visitor, other):
        await expect(each.page.get_by_role("heading", name="Choose a user")).to_be_visible()


async def test_a_disabled_account_is_told_so(visit: Visit, service: Service, ann: Person, bob: Person) -> None:
    visitor = await visit(ann)
    await visitor.open(f"/messages/new/{bob.handle}")
    assert await UserStore(service.state["postgres"]).disable([ann.uuid]) == 1
    notice = visitor.page.get_by_role("alert").filter(has_text="This account is disabled: ask the operator")
    await expect(notice).to_be_visible()
    await visitor.page.reload()
    await expect(notice).to_be_visible()
    visitor.console_errors.clear()  # the browser logs each 403


async def test_the_handle_stands_beside_the_name_of_a_user_that_one_has_not_written_with(
    visit: Visit, ann: Person, bob: Person, eve: Person
) -> None:
    """Eve calls herself Bob, and nothing but the handle tells them apart."""
    await eve.client.patch("/api/users/me", json={"display_name": "Bob"})
    await eve.sent("It is me", ann)
    for viewport in ({"width": 1600, "height": 1000}, NARROW):
        visitor = await visit(ann, viewport=viewport)
        await visitor.open()
        await expect(visitor.groups.first.get_by_text(f"@{eve.handle}")).to_be_visible()
        await visitor.groups.first.click()
        await expect(visitor.page.locator(".conversation-head .handle", has_text=eve.handle)).to_be_visible()
        await visitor.open(f"/messages/new/{bob.handle}")
        await expect(visitor.page.locator(".conversation-head .handle", has_text=bob.handle)).to_be_visible()
        await visitor.open()
        await visitor.page.get_by_role("combobox").fill(bob.handle)
        await expect(visitor.page.get_by_role("option").get_by_text(f"@{bob.handle}")).to_be_visible()
