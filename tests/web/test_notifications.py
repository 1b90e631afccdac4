"""Desktop notifications: asked for after a deed of the user, and shown while no tab is visible."""

from typing import Any

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.browsing import Visit, Visitor
from tests.web.test_profiles import choose

STUB = """
window.asked = 0;
window.shown = [];
window.badges = [];
window.isHidden = false;
window.Notification = class extends EventTarget {
  static permission = localStorage.getItem("permission") ?? "default";
  static async requestPermission() {
    window.asked += 1;
    localStorage.setItem("permission", window.answer ?? "granted");
    return (Notification.permission = window.answer ?? "granted");
  }
  constructor(title, options) {
    super();
    window.shown.push({ title, ...options, notification: this });
  }
  close() {
    this.isClosed = true;
    this.dispatchEvent(new Event("close"));
  }
};
navigator.setAppBadge = async (count) => void window.badges.push(count);
navigator.clearAppBadge = async () => void window.badges.push(0);
Object.defineProperty(document, "hidden", { get: () => window.isHidden });
"""
"""Stands for the browser's notifications, which a browser without a screen does not have."""


async def stubbed(visit: Visit, person: Person, **more: Any) -> Visitor:
    visitor = await visit(person, **more)
    await visitor.page.add_init_script(STUB)
    return visitor


async def hide(visitor: Visitor, *, is_hidden: bool = True) -> None:
    await visitor.run(
        "(is) => { window.isHidden = is; document.dispatchEvent(new Event('visibilitychange')) }", is_hidden
    )


async def shown(visitor: Visitor) -> list[tuple[str, str]]:
    return [tuple(each) for each in await visitor.run("window.shown.map(({ title, body }) => [title, body])")]


async def test_nothing_is_asked_until_the_user_has_done_something(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("hi", ann)
    visitor = await stubbed(visit, ann)
    await visitor.open_group(bob)
    offer = visitor.page.get_by_role("note").filter(has_text="Be notified")
    await expect(offer).to_have_count(0)
    await visitor.write("hello")
    await offer.get_by_role("button", name="No", exact=True).click()
    await expect(offer).to_have_count(0)
    await visitor.write("again")
    await expect(visitor.message("again")).to_be_visible()
    await visitor.page.reload()
    await visitor.write("and again")
    await expect(visitor.page.locator(".receipt").last).to_have_text("Sent")
    await expect(offer).to_have_count(0)
    assert await visitor.run("window.asked") == 0


async def test_new_messages_are_shown_while_the_page_is_hidden(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("hi", ann)
    visitor = await stubbed(visit, ann)
    await visitor.open_group(bob)
    await visitor.write("hello")
    await visitor.page.get_by_role("button", name="Notify me").click()
    assert await visitor.run("window.asked") == 1
    await bob.sent("seen", ann)
    await expect(visitor.message("seen")).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.composer).to_have_count(0)
    await hide(visitor)
    await bob.sent("x" * 200, ann)
    await bob.sent("secret", ann, expires_in=60)
    await ann.sent("own", bob)
    await expect(visitor.groups.first).to_contain_text("own")
    assert await shown(visitor) == [("Bob", "x" * 140), ("Bob", "A message that expires")]
    assert await visitor.run("new Set(window.shown.map(({ tag }) => tag)).size") == 1
    await bob.sent("open me", ann)
    await expect(visitor.groups.first).to_contain_text("open me")
    await expect(visitor.page).to_have_title("(1) Messages")
    assert await visitor.run("window.badges.at(-1)") == 1
    await visitor.run("window.shown.at(-1).notification.dispatchEvent(new Event('click'))")
    await hide(visitor, is_hidden=False)
    await expect(visitor.composer).to_be_visible()
    assert str(ann.group_with(bob)) in visitor.page.url
    await expect(visitor.page).to_have_title("Messages")
    assert await visitor.run("window.badges.at(-1)") == 0
    await bob.sent("visible again", ann)
    await expect(visitor.message("visible again")).to_be_visible()
    assert len(await shown(visitor)) == 3


async def test_a_visible_tab_keeps_the_hidden_ones_quiet(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("hi", ann)
    visitor = await stubbed(visit, ann)
    await visitor.open()
    await choose(visitor.page, "Desktop notifications", wanted=True)
    other = await visitor.page.context.new_page()
    await other.add_init_script(STUB)
    await other.goto(f"{visitor.address}/messages")
    await expect(other.locator(".group")).to_have_count(1)
    for is_other_hidden, count in ((False, 0), (True, 1)):
        await hide(visitor)
        await other.evaluate(
            "(is) => { window.isHidden = is; document.dispatchEvent(new Event('visibilitychange')) }",
            is_other_hidden,
        )
        text = f"other hidden: {is_other_hidden}"
        await bob.sent(text, ann)
        await expect(visitor.groups.first).to_contain_text(text)
        await visitor.run("navigator.locks.query()")
        assert len(await shown(visitor)) == count


async def test_a_refusal_of_the_browser_is_shown(visit: Visit, ann: Person) -> None:
    visitor = await stubbed(visit, ann)
    await visitor.open()
    await visitor.run("void (window.answer = 'denied')")
    await choose_refused(visitor)
    box = visitor.page.get_by_role("checkbox", name="Desktop notifications")
    await expect(box).not_to_be_checked()
    await expect(box).to_be_disabled()
    await expect(visitor.page.get_by_role("dialog")).to_contain_text("does not allow them")


async def choose_refused(visitor: Visitor) -> None:
    await visitor.page.get_by_role("button", name="Your account").click()
    await visitor.page.get_by_role("button", name="Settings").click()
    await visitor.page.get_by_role("checkbox", name="Desktop notifications").click()
