"""Messages that are deleted for oneself, or expire, vanish from the page without a reload."""

import os
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, expect

from app.settings import Settings
from tests.fixtures.app import Person, Service
from tests.messaging.test_retention import Past
from tests.tools.servers import started
from tests.web.browsing import Visit, local_client, local_server, open_visits
from tests.web.test_changes import item


async def test_a_message_that_is_deleted_for_oneself_is_left_out_on_all_devices_of_the_user_only(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await ann.sent("First", bob)
    await ann.sent("Second", bob)
    reader, other_device, sender = await visit(bob), await visit(bob), await visit(ann)
    for visitor, peer in ((reader, ann), (other_device, ann), (sender, bob)):
        await visitor.open_group(peer)
        await expect(item(visitor, 2).locator(".text")).to_have_text("Second")
    await item(reader, 2).hover()
    await item(reader, 2).get_by_role("button", name="Actions").click()
    await reader.page.get_by_role("menuitem", name="Delete for me").click()
    await reader.page.get_by_role("button", name="Delete", exact=True).click()
    for visitor in (reader, other_device):
        await expect(item(visitor, 2)).to_have_count(0)
        await expect(item(visitor, 1)).to_be_visible()
        await expect(visitor.groups.locator(".preview")).to_have_text("Message deleted")
    await expect(item(sender, 2).locator(".text")).to_have_text("Second")


async def test_a_message_expires_on_the_page(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("First", bob)
    sender, reader = await visit(ann), await visit(bob)
    await sender.open_group(bob)
    await reader.open_group(ann)
    await sender.page.locator(".composer textarea").fill("For a while")
    await sender.page.get_by_label("Disappears after").select_option("1 hour")
    if folder := os.environ.get("PICTURES"):
        await sender.page.screenshot(path=f"{folder}/composer.png")
    await sender.page.get_by_role("button", name="Send").click()
    await expect(item(reader, 2).locator(".text")).to_have_text("For a while")
    await expect(item(reader, 2).locator(".expires")).to_contain_text("disappears")
    await expect(reader.groups.locator(".preview")).to_have_text("Disappearing message")
    await sender.page.get_by_label("Disappears after").select_option("Stays")
    await ann.sent("Five seconds", bob, expires_in=5)
    for visitor in (sender, reader):
        await expect(item(visitor, 3).locator(".text")).to_have_text("Message expired", timeout=15_000)
        assert "Five seconds" not in await visitor.page.content()
    if folder := os.environ.get("PICTURES"):
        await reader.page.screenshot(path=f"{folder}/expired.png")


@pytest_asyncio.fixture
async def visit_to_keeper(browser: Browser, settings: Settings) -> AsyncIterator[Visit]:
    """Open visits to a service that keeps messages for 30 days."""
    server = local_server(settings, MESSAGE_RETENTION_DAYS="30")
    async with started(server), open_visits(browser, server.address) as visit:
        yield visit


async def test_messages_that_the_installation_does_not_keep_any_longer_are_left_out_and_the_page_says_so(
    visit_to_keeper: Visit, service: Service, ann: Person, bob: Person
) -> None:
    past = Past(service.state["table"], days=31)
    for number in range(60):
        await past.send(ann, bob, f"old {number}")
    reader = await visit_to_keeper(bob)
    await reader.open_group(ann)
    await expect(reader.page.locator(".beginning")).to_have_text("Messages are kept for 30 days.")
    await expect(reader.groups.locator(".preview")).to_have_text("Message expired")
    await expect(reader.groups.locator(".badge")).to_have_count(0)
    async with local_client(reader.address, ann) as client:
        body = {"message_group_uuid": str(ann.group_with(bob)), "message": "recent"}
        assert (await client.post("/api/messages", json=body)).is_success
    await expect(item(reader, 61).locator(".text")).to_have_text("recent")
    assert "old 5" not in await reader.page.content()
    if folder := os.environ.get("PICTURES"):
        await reader.page.screenshot(path=f"{folder}/kept.png")
