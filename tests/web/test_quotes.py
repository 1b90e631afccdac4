"""Quotes show what was replied to, wherever in the conversation it stands."""

import re

from playwright.async_api import Request, expect

from app.messaging.preview import preview
from app.settings import Settings
from tests.fixtures.app import Person
from tests.web.browsing import Visit
from tests.web.test_history import text_of, write_history


async def test_replies_that_arrive_live_quote_messages_outside_the_window(
    visit: Visit, settings: Settings, ann: Person, bob: Person
) -> None:
    await write_history(settings, ann, bob, 300)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    asked: list[str] = []

    def note(request: Request) -> None:
        if "before=" in request.url:
            asked.append(request.url)

    await expect(visitor.page.locator('[data-number="300"]')).to_be_in_viewport()
    visitor.page.on("request", note)
    for number in (1, 7, 20, 100):
        await bob.sent(f"About {number}.", ann, reply_to=number)
    for number in (1, 7, 20, 100):
        quote = visitor.page.locator("article", has_text=f"About {number}.").locator(".quote-text")
        await expect(quote).to_have_text(preview(text_of(number)))
    await visitor.write("And mine")
    await expect(visitor.message("And mine")).to_be_in_viewport()
    await visitor.page.locator("article", has_text="About 20.").locator(".quote").click()
    await expect(visitor.page.locator('[data-number="20"]')).to_be_focused()
    assert asked == [], "quotes come with the messages"


async def test_a_reply_that_waits_keeps_its_quote_when_the_window_moves(
    visit: Visit, settings: Settings, ann: Person, bob: Person
) -> None:
    await write_history(settings, ann, bob, 303)  # the last of them are unread
    await ann.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 100})
    visitor = await visit(ann)
    visitor.expects_network_errors = True
    await visitor.page.route("**/api/messages", lambda route: route.abort())
    await visitor.open_group(bob)
    await visitor.page.locator('[data-number="101"]').focus()
    await visitor.page.keyboard.press("r")
    await visitor.write("About that")
    own = visitor.page.locator("article", has_text="About that")
    quoted = re.compile(re.escape(preview(text_of(101)).removesuffix("…")))  # from the window as a whole
    await expect(own.locator(".quote-text")).to_have_text(quoted)
    await expect(visitor.groups.locator(".badge")).to_have_count(0)
    await visitor.wait_until(lambda: visitor.run("!history.state?.position"))  # so the page opens at the end
    await visitor.page.reload()
    await expect(own.locator(".quote-text")).to_have_text(quoted)
