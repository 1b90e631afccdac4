"""Sign-in with Cognito: authorization code and PKCE, tokens in memory only, silent renewal."""

import asyncio
import json
import secrets
from uuid import uuid4

from playwright.async_api import expect

from tests.fixtures.app import NewPerson, Person
from tests.web.browsing import Visit
from tests.web.cognito import FakeCognito, sign_in

STORED = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"


async def test_tokens_are_kept_in_memory_only(
    visit_with_cognito: Visit, cognito: FakeCognito, ann: Person, bob: Person
) -> None:
    await bob.sent("Welcome", ann)
    visitor = await visit_with_cognito(ann)
    path = f"/messages/{ann.group_with(bob)}"
    await sign_in(visitor, path)
    await expect(visitor.message("Welcome")).to_be_visible()
    await expect(visitor.page).to_have_url(visitor.address + path)
    stored = await visitor.run(STORED)
    assert stored.count("cruddur") == 1, "only the item of the test"
    assert "eyJ" not in stored
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name="Sign out").click()
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert cognito.grants == ["authorization_code"]


async def test_tokens_are_renewed_before_they_expire(
    visit_with_cognito: Visit, cognito: FakeCognito, ann: Person, bob: Person
) -> None:
    await bob.sent("Welcome", ann)
    cognito.lifetime = 2
    visitor = await visit_with_cognito(ann)
    await sign_in(visitor, f"/messages/{ann.group_with(bob)}")
    await expect(visitor.message("Welcome")).to_be_visible()
    await asyncio.sleep(1.1)
    await visitor.write("Still here")
    await expect(visitor.page.locator('[data-number="2"]')).to_be_visible()
    assert cognito.grants[:2] == ["authorization_code", "refresh_token"]


async def test_a_redirect_without_a_started_sign_in_is_refused(
    visit_with_cognito: Visit, cognito: FakeCognito, ann: Person
) -> None:
    visitor = await visit_with_cognito(ann)
    await visitor.page.goto(f"{visitor.address}/?code=stolen&state=forged")
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    started = json.dumps({"verifier": "v", "state": "s~/messages"})
    await visitor.run("(started) => sessionStorage.setItem('cruddur-sign-in', started)", started)
    await visitor.page.goto(f"{visitor.address}/?code=stolen&state=forged")
    await expect(visitor.page.get_by_role("alert")).to_have_text(
        "This sign-in was not started in this tab: sign in again"
    )
    assert "stolen" not in visitor.page.url
    assert cognito.grants == []


async def test_a_new_account_registers_with_a_free_handle(
    visit_with_cognito: Visit, cognito: FakeCognito, ann: Person
) -> None:
    cognito.sub = str(uuid4())
    visitor = await visit_with_cognito(ann)
    await sign_in(visitor, "/")
    await visitor.page.get_by_label("Name").fill("New Person")
    await visitor.page.get_by_label("Handle").fill(ann.handle)
    await visitor.page.get_by_role("button", name="Begin").click()
    await expect(visitor.page.get_by_role("alert")).to_be_visible()
    await visitor.page.get_by_label("Handle").fill(f"new_{secrets.token_hex(6)}")
    await visitor.page.get_by_role("button", name="Begin").click()
    await expect(visitor.page.get_by_text("You have no conversations yet.")).to_be_visible()
    visitor.console_errors.clear()  # the browser logs the 403 of an unknown user and the 409 of a taken handle


async def test_the_local_sign_in_finds_users_by_name_and_registers_new_ones(
    visit: Visit, ann: Person, new_person: NewPerson
) -> None:
    mark = secrets.token_hex(4)
    last = await new_person("zzzz")  # not among the first hundred by handle
    await last.client.patch("/api/users/me", json={"display_name": f"Zora x{mark}"})
    visitor = await visit(ann)
    await visitor.open()
    for find in (f"x{mark}", last.handle):
        await visitor.page.get_by_role("button", name="Your account").click()
        await visitor.page.get_by_role("button", name="Switch user").click()
        await visitor.page.get_by_role("searchbox").fill(find)
        await visitor.page.get_by_role("button", name=f"@{last.handle}").click()
        await expect(visitor.page.get_by_role("button", name=f"Your account, Zora x{mark}")).to_be_visible()
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name="Switch user").click()
    await visitor.page.get_by_text("New user", exact=True).click()
    await visitor.page.get_by_label("Name").fill("New Person")
    await visitor.page.get_by_label("Handle").fill(f"New_{mark}")
    await visitor.page.get_by_role("button", name="Register").click()
    await expect(visitor.page.get_by_role("button", name="Your account, New Person")).to_be_visible()
    assert (await ann.get(f"/api/users/@new_{mark}/short"))["display_name"] == "New Person"
