"""Two users talk, each in a browser of their own."""

import asyncio
import json
from functools import partial

from playwright.async_api import Route, expect

from tests.fixtures.app import NewPerson, Person
from tests.web.browsing import Visit


async def test_switching_users_stores_the_handle_and_nothing_else(visit: Visit, new_person: NewPerson) -> None:
    person = await new_person("000")  # among the first hundred by handle
    visitor = await visit(person)
    await visitor.open("/")
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name="Switch user").click()
    await visitor.page.get_by_role("button", name=f"@{person.handle}").click()
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages")
    await expect(visitor.page.get_by_text("You have no conversations yet.")).to_be_visible()
    stored = await visitor.run("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert json.loads(stored) == [{"cruddur-handle": person.handle}, {}]


async def test_a_first_message_starts_a_conversation(visit: Visit, ann: Person, bob: Person) -> None:
    writer, reader = await visit(ann), await visit(bob)
    await reader.open()
    await writer.open()
    await writer.page.keyboard.press("/")
    await writer.page.keyboard.type(bob.handle)
    await expect(writer.page.get_by_role("option")).to_have_count(1)
    await writer.page.keyboard.press("Enter")
    await expect(writer.page).to_have_url(f"{writer.address}/messages/new/{bob.handle}")
    await writer.write("Hello, stranger")
    await writer.write("And hello again")
    await expect(writer.page).to_have_url(f"{writer.address}/messages/{ann.group_with(bob)}")
    await expect(writer.page.locator("[data-number]")).to_have_count(2)
    assert await writer.texts() == ["Hello, stranger", "And hello again"]
    await expect(reader.groups).to_have_count(1)
    await expect(reader.groups.locator(".badge")).to_have_text("2 unread")
    await expect(reader.page).to_have_title("(1) Messages")


async def test_the_composer_stays_while_the_group_of_a_first_message_is_loaded(
    visit: Visit, ann: Person, bob: Person
) -> None:
    writer = await visit(ann)
    may_continue = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_continue.wait()
        await route.continue_()

    for path in (f"message_groups/{ann.group_with(bob)}", "events", "sync"):
        await writer.page.route(f"**/api/{path}", hold)
    await writer.open(f"/messages/new/{bob.handle}")
    await expect(writer.composer).to_be_focused()
    async with writer.page.expect_request(f"**/api/message_groups/{ann.group_with(bob)}"):
        await writer.write("Hello")
    await writer.page.keyboard.type("How are you?")
    await expect(writer.page.locator(".feed")).to_contain_text("Hello")
    may_continue.set()
    await expect(writer.page).to_have_url(f"{writer.address}/messages/{ann.group_with(bob)}")
    await expect(writer.composer).to_have_value("How are you?")


async def test_a_text_written_while_the_first_message_is_sent_is_kept(visit: Visit, ann: Person, bob: Person) -> None:
    writer = await visit(ann)
    await writer.open(f"/messages/new/{bob.handle}")
    may_continue = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_continue.wait()
        await route.continue_()

    await writer.page.route("**/api/messages", hold)
    await writer.write("Hello")
    await writer.composer.fill("How are")
    may_continue.set()
    await expect(writer.page).to_have_url(f"{writer.address}/messages/{ann.group_with(bob)}")
    await expect(writer.composer).to_have_value("How are")


async def test_both_users_see_the_same_order_and_correct_counts(
    visit: Visit, ann: Person, bob: Person, eve: Person
) -> None:
    await ann.sent("From before", bob)
    await eve.sent("From Eve", ann)
    anns, bobs = await visit(ann), await visit(bob)
    await anns.open_group(bob)
    await bobs.open_group(ann)
    for n in range(5):
        await anns.write(f"Ann {n}")
        await bobs.write(f"Bob {n}")
    for visitor in (anns, bobs):
        await expect(visitor.page.locator("[data-number]")).to_have_count(11)
        assert await visitor.numbers() == list(range(1, 12))
    assert await anns.texts() == await bobs.texts()
    names = anns.groups.locator(".name")
    await expect(names).to_have_text([bob.display_name, eve.display_name])
    await expect(anns.groups.nth(0).locator(".badge")).to_have_count(0)
    await expect(anns.groups.nth(1).locator(".badge")).to_have_text("1 unread")
    for reader, writer in ((ann, bob), (bob, ann)):
        await anns.wait_until(partial(is_read, reader, writer, 11))


async def is_read(person: Person, other: Person, number: int) -> bool:
    row = await person.get(f"/api/message_groups/{person.group_with(other)}")
    return bool(row["read_number"] == number)


async def test_the_sender_sees_read_receipts_and_typing(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Have you seen this?", bob)
    anns = await visit(ann)
    await anns.open_group(bob)
    await expect(anns.page.locator(".receipt")).to_have_text("Sent")
    bobs = await visit(bob)
    await bobs.open()
    await expect(anns.page.locator(".receipt")).to_have_text("Delivered")
    await bobs.open_group(ann)
    await expect(anns.page.locator(".receipt")).to_have_text("Read")
    typing, preview = anns.page.get_by_text("Bob is typing"), anns.groups.locator(".preview", has_text="typing…")

    async def is_shown() -> bool:
        await bobs.composer.press_sequentially(".")  # as typing ends with a pause
        return await typing.is_visible() and await preview.is_visible()

    await anns.wait_until(is_shown)
    await bobs.write("Yes")
    await expect(anns.message("Yes")).to_be_visible()
    await expect(typing).to_have_count(0)


async def test_a_conversation_opens_at_the_first_unread_message(visit: Visit, ann: Person, bob: Person) -> None:
    for n in range(1, 41):
        await ann.sent(f"Line {n}\nand more of it", bob)
    await bob.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 10})
    reader = await visit(bob)
    await reader.open_group(ann)
    await expect(reader.page.locator(".unread-line")).to_be_in_viewport()
    await expect(reader.message("Line 11\n")).to_be_in_viewport()
    await expect(reader.message("Line 40\n")).not_to_be_in_viewport()
    await expect(reader.groups.locator(".badge")).not_to_have_text("30 unread")
    await reader.page.get_by_role("button", name="To the newest message").click()
    await expect(reader.message("Line 40\n")).to_be_in_viewport()
    await expect(reader.groups.locator(".badge")).to_have_count(0)


async def test_a_reply_quotes_a_message_and_leads_to_it(visit: Visit, ann: Person, bob: Person) -> None:
    first = await ann.sent("The very first", bob)
    for n in range(60):
        await ann.sent(f"Filler {n}", bob)
    await bob.sent("About that", ann, reply_to=first["number"])
    visitor = await visit(ann)
    await visitor.open_group(bob)
    quote = visitor.page.get_by_role("button", name="Ann The very first")
    await quote.click()
    await expect(visitor.page.locator('[data-number="1"]')).to_be_in_viewport()
    await expect(visitor.page.locator('[data-number="1"]')).to_be_focused()
    await visitor.page.keyboard.press("r")
    await visitor.write("About this")
    await expect(visitor.message("About this")).to_be_in_viewport()
    await visitor.wait_until(lambda: has_reply(ann, bob))


async def has_reply(person: Person, other: Person) -> bool:
    newest = (await person.get(f"/api/messages/{person.group_with(other)}", limit=1))[0]
    return (newest["message"], newest["reply_to"]) == ("About this", 1)


async def test_the_counter_counts_characters_as_the_server_does(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    count, send = visitor.page.locator("#count"), visitor.page.get_by_role("button", name="Send")
    for text, left in (
        ("  a\u3000\n", 1019),
        ("x".rjust(1025), -1),
        ("\U0001f33f" * 1024, 0),
        ("x" * 1025, -1),
        ("\ufeff" + "x" * 1023, 0),
    ):
        await visitor.composer.fill(text)
        await expect(count).to_have_text(f"{left} characters left")
        assert await send.is_enabled() == (left >= 0)
    await visitor.composer.press("Enter")
    await expect(visitor.page.locator('[data-number="2"]')).to_have_count(1)
    assert (await ann.get(f"/api/messages/{ann.group_with(bob)}"))[1]["message"] == "\ufeff" + "x" * 1023
    await visitor.composer.fill("one")
    await visitor.composer.press("Shift+Enter")
    await visitor.composer.press_sequentially("two")
    await visitor.composer.press("Enter")
    await expect(visitor.message("one\ntwo")).to_be_visible()


async def test_a_growing_composer_keeps_the_last_message_in_view(visit: Visit, ann: Person, bob: Person) -> None:
    for n in range(30):
        await ann.sent(f"Line {n}", bob)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await expect(visitor.message("Line 29")).to_be_in_viewport()
    for _ in range(8):
        await visitor.composer.press_sequentially("Some words")
        await visitor.composer.press("Shift+Enter")
    await expect(visitor.message("Line 29")).to_be_in_viewport(ratio=1)
    box = await visitor.composer.bounding_box()
    assert box
    assert box["height"] > 150
