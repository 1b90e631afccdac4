"""A finger reaches what a mouse does."""

from playwright.async_api import expect

from tests.fixtures.app import Person
from tests.web.browsing import NARROW, Visit
from tests.web.test_changes import item


async def test_a_long_press_opens_the_menu_which_stays_until_a_tap_beside_it(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await bob.sent("Press me", ann)
    visitor = await visit(ann, viewport=NARROW, has_touch=True, is_mobile=True)
    await visitor.open_group(bob)
    box = await item(visitor, 1).locator(".bubble").bounding_box()
    assert box
    point = {"x": box["x"] + 20, "y": box["y"] + 10}
    touches = await visitor.page.context.new_cdp_session(visitor.page)
    await touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    menu = visitor.page.get_by_role("menu")
    await expect(menu).to_be_visible()
    await touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await visitor.page.wait_for_timeout(100)
    await expect(menu).to_be_visible()
    await visitor.page.touchscreen.tap(180, 100)
    await expect(menu).to_have_count(0)
    await touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    await touches.send(
        "Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": point["x"], "y": point["y"] + 40}]}
    )
    await visitor.page.wait_for_timeout(700)
    await touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await expect(menu).to_have_count(0)


async def test_the_menu_reacts_by_touch(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Tap me", ann)
    visitor = await visit(ann, viewport=NARROW, has_touch=True, is_mobile=True)
    await visitor.open_group(bob)
    await item(visitor, 1).get_by_role("button", name="Actions").tap()
    await visitor.page.get_by_role("menuitemcheckbox", name="👍").tap()
    await item(visitor, 1).get_by_role("button", name="👍 1, you reacted").tap()
    await expect(item(visitor, 1).locator(".reaction")).to_have_count(0)
