"""The user's own data on the page: a file to download, and an account that is deleted for good."""

import json

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.axe import violations
from tests.web.browsing import Visit, Visitor


async def choose(visitor: Visitor, label: str) -> None:
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name=label).click()


async def test_the_own_data_is_downloaded_as_a_file(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Hello", ann)
    visitor = await visit(ann)
    await visitor.open()
    async with visitor.page.expect_download() as download:
        await choose(visitor, "Download my data")
    dialog = visitor.page.get_by_role("dialog", name="Download my data")
    await expect(dialog).to_contain_text("The file is saved")
    assert await violations(visitor.page) == []
    saved = await download.value
    assert saved.suggested_filename == "cruddur-export.jsonl"
    lines = [json.loads(line) for line in (await saved.path()).read_text(encoding="utf-8").splitlines()]
    assert [line["type"] for line in lines] == ["profile", "group", "message", "end"]
    await dialog.get_by_role("button", name="Close").click()
    await expect(visitor.page.get_by_role("button", name="Your account")).to_be_focused()


async def test_an_export_that_is_cut_off_is_told(visit: Visit, ann: Person) -> None:
    visitor = await visit(ann)
    await visitor.open()
    await visitor.page.route("**/api/users/me/export", lambda route: route.fulfill(body='{"type":"profile"}\n'))
    await choose(visitor, "Download my data")
    await expect(visitor.page.get_by_role("alert")).to_have_text("The export did not arrive whole.")


async def test_an_account_is_deleted_once_the_handle_is_typed(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Hello", bob)
    visitor, other = await visit(ann), await visit(bob)
    await other.open_group(ann)
    await visitor.open()
    await choose(visitor, "Delete account")
    dialog = visitor.page.get_by_role("dialog", name="Delete your account")
    delete = dialog.get_by_role("button", name="Delete account")
    await expect(delete).to_be_disabled()
    assert await violations(visitor.page) == []
    await dialog.get_by_label("Type your handle").fill(bob.handle)
    await expect(delete).to_be_disabled()
    await dialog.get_by_label("Type your handle").fill(f"@{ann.handle.upper()}")
    await delete.click()
    await expect(visitor.page.locator(".shell")).to_have_count(0)
    assert (await ann.client.get("/api/users/me")).status_code == 403
    await expect(other.page.get_by_role("note")).to_have_text("You cannot write to a deleted user.")
    await expect(other.composer).to_be_hidden()
    await expect(other.message("Hello")).to_be_visible()
