"""No message is lost or sent twice, whatever happens to the network, the server or the page."""

import asyncio
import signal

from playwright.async_api import Browser, expect

from tests.fixtures.app import Person
from tests.tools.servers import Server
from tests.web.browsing import Visit, Visitor, open_visits


async def texts_of(person: Person, other: Person) -> list[str]:
    return [each["message"] for each in await person.get(f"/api/messages/{person.group_with(other)}", limit=100)]


async def expect_all_sent(visitor: Visitor, last: str) -> None:
    await expect(visitor.message(last)).to_be_visible()
    await expect(visitor.page.locator("[data-pending]")).to_have_count(0)


async def test_a_killed_server_loses_no_message_and_doubles_none(
    browser: Browser, own_server: Server, ann: Person, bob: Person
) -> None:
    await ann.sent("0", bob)
    async with open_visits(browser, own_server.address) as visit:
        writer, reader = await visit(ann), await visit(bob)
        writer.expects_network_errors = reader.expects_network_errors = True
        await writer.open_group(bob)
        await reader.open_group(ann)
        for n in range(1, 13):
            await writer.write(str(n))
            if n % 6 == 2:
                await own_server.stop(signal.SIGKILL)
            if n % 6 == 4:
                await own_server.start()
        await expect_all_sent(writer, "12")
        await expect(reader.page.locator("[data-number]")).to_have_count(13)
        assert await texts_of(ann, bob) == [str(n) for n in range(13)]
        assert await reader.texts() == await writer.texts() == [str(n) for n in range(13)]


async def test_a_conversation_that_could_not_be_loaded_is_shown_when_the_connection_is_back(
    browser: Browser, own_server: Server, ann: Person, bob: Person
) -> None:
    await ann.sent("0", bob)
    async with open_visits(browser, own_server.address) as visit:
        reader = await visit(bob)
        reader.expects_network_errors = True
        await reader.page.route("**/api/messages/**", lambda route: route.abort())
        await reader.open(f"/messages/{bob.group_with(ann)}")
        await expect(reader.page.get_by_role("button", name="Try again")).to_be_visible()
        await reader.page.unroute("**/api/messages/**")
        await own_server.stop(signal.SIGKILL)
        await own_server.start()
        await expect(reader.message("0")).to_be_visible()


async def test_messages_written_offline_are_sent_once_and_in_order(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Before", bob)
    writer, reader = await visit(ann), await visit(bob)
    writer.expects_network_errors = True
    await writer.open_group(bob)
    await reader.open_group(ann)
    await writer.page.context.set_offline(True)
    for text in ("One", "Two", "Three"):
        await writer.write(text)
    await expect(writer.page.get_by_text("Will be sent when you are back online")).to_be_visible()
    await expect(writer.page.get_by_text("Offline", exact=True)).to_be_visible()
    await reader.write("Are you there?")
    await expect(reader.page.locator('[data-number="2"]')).to_be_visible()
    await writer.page.context.set_offline(False)
    await expect_all_sent(writer, "Three")
    await expect(writer.page.get_by_text("Offline", exact=True)).to_have_count(0)
    expected = ["Before", "Are you there?", "One", "Two", "Three"]
    await expect(reader.page.locator("[data-number]")).to_have_count(5)
    assert await texts_of(ann, bob) == expected
    assert await reader.texts() == expected
    assert await writer.texts() == expected


async def test_unsent_messages_survive_a_reload(browser: Browser, own_server: Server, ann: Person, bob: Person) -> None:
    await ann.sent("Before", bob)
    async with open_visits(browser, own_server.address) as visit:
        writer = await visit(ann)
        writer.expects_network_errors = True
        await writer.open_group(bob)
        await writer.page.route("**/api/messages", lambda route: route.abort())
        await writer.write("Kept")
        await writer.write("In this order")
        await asyncio.sleep(0.1)
        await writer.page.unroute("**/api/messages")
        await writer.page.reload()
        await expect_all_sent(writer, "In this order")
        assert await texts_of(ann, bob) == ["Before", "Kept", "In this order"]


async def test_a_lost_connection_at_the_start_keeps_the_user_signed_in(visit: Visit, ann: Person) -> None:
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    await visitor.page.route("**/local/token", lambda route: route.abort())
    await visitor.page.goto(f"{visitor.address}/messages")
    await expect(visitor.page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    await expect(visitor.page.get_by_role("button", name="Try again")).to_be_visible()
    await visitor.page.unroute("**/local/token")
    await expect(visitor.page.locator(".shell")).to_be_attached()


async def test_a_lost_response_does_not_double_the_message(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Before", bob)
    writer = await visit(ann)
    writer.expects_network_errors = True
    await writer.open_group(bob)

    async def lose_response(route: object) -> None:
        await route.fetch()  # type: ignore[attr-defined]  # Playwright's handler takes any callable
        await route.abort()  # type: ignore[attr-defined]  # as above

    await writer.page.route("**/api/messages", lose_response, times=2)
    await writer.write("Once")
    await expect_all_sent(writer, "Once")
    assert await texts_of(ann, bob) == ["Before", "Once"]


async def test_a_refused_message_shows_the_reason_and_can_be_sent_again(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Before", bob)
    writer = await visit(ann)
    await writer.open_group(bob)
    refusal = '{"code": "cannot-message", "title": "You cannot write to this person"}'
    await writer.page.route("**/api/messages", lambda route: route.fulfill(status=403, body=refusal), times=1)
    await writer.write("Please")
    await expect(writer.page.get_by_text("Not sent. You cannot write to this person")).to_be_visible()
    writer.console_errors.clear()  # the browser logs each 403
    await writer.page.get_by_role("button", name="Try again").click()
    await expect_all_sent(writer, "Please")
    assert await texts_of(ann, bob) == ["Before", "Please"]
