"""The list's menu: pinned, muted, archived, cleared and left groups, on every device of the user."""

import os
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Locator, expect

from tests.fixtures.app import Person
from tests.web.browsing import NARROW, WIDE, Visit, Visitor, schemes


async def choose(visitor: Visitor, row: Locator, *labels: str) -> None:
    """Open the menu of a group and press one item after the other."""
    await row.click(button="right")
    for label in labels:
        await visitor.page.get_by_role("menuitem", name=label).click()
    await expect(visitor.page.get_by_role("dialog")).to_have_count(0)


async def show(visitor: Visitor, folder: str) -> None:
    await visitor.page.get_by_role("group", name="Folders").get_by_role("button", name=folder).click()


async def test_what_is_done_in_the_menu_is_seen_on_all_devices(visit: Visit, ann: Person, new_person: Any) -> None:
    bob, eve = await new_person("bob"), await new_person("eve")
    for person in (bob, eve):
        await person.sent("hello", ann)
    one, other = await visit(ann), await visit(ann, viewport=NARROW)
    for visitor in (one, other):
        await visitor.open()
        await expect(visitor.groups).to_have_count(2)

    def of(visitor: Visitor, person: Person) -> Locator:
        return visitor.groups.filter(has_text=person.handle)

    await choose(one, of(one, bob), "Pin")
    for visitor in (one, other):
        await expect(visitor.groups.first).to_contain_text(bob.handle)
        await expect(of(visitor, bob).get_by_title("Pinned")).to_be_visible()
    await choose(one, of(one, bob), "Mute…", "Until I unmute it")
    for visitor in (one, other):
        await expect(of(visitor, bob).get_by_title("Muted")).to_be_visible()
        await expect(visitor.page).to_have_title("(1) Messages")
    await choose(one, of(one, bob), "Unmute")
    await choose(one, of(one, bob), "Unpin")
    await expect(other.groups.first).to_contain_text(eve.handle)
    await choose(one, of(one, eve), "Archive")
    for visitor in (one, other):
        await expect(visitor.groups).to_have_count(1)
        await show(visitor, "Archive")
        await expect(of(visitor, eve)).to_have_count(1)
        await expect(visitor.groups).to_have_count(1)
    await eve.sent("again", ann)
    await expect(one.page.get_by_text("Nothing is archived.")).to_be_visible()
    await show(one, "Inbox")
    await expect(one.groups).to_have_count(2)


async def test_a_cleared_conversation_is_empty_and_a_left_one_is_gone(visit: Visit, ann: Person, bob: Person) -> None:
    for number in range(1, 4):
        await bob.sent(f"message {number}", ann)
    one, other = await visit(ann), await visit(ann)
    for visitor in (one, other):
        await visitor.open_group(bob)
        await expect(visitor.message("message 3")).to_be_visible()
    await choose(one, one.groups.first, "Clear…", "Clear")
    for visitor in (one, other):
        await expect(visitor.page.locator("article")).to_have_count(0)
    await bob.sent("after it", ann)
    for visitor in (one, other):
        await expect(visitor.message("after it")).to_be_visible()
        assert await visitor.texts() == ["after it"]
        await expect(visitor.groups.first.locator(".badge")).to_have_count(0)  # it is read on both
    await choose(one, one.groups.first, "Leave…", "Leave")
    await expect(one.page).to_have_url(re.compile(r"/messages$"))
    for visitor in (one, other):
        await expect(visitor.groups).to_have_count(0)
    await bob.sent("and back", ann)
    for visitor in (one, other):
        await expect(visitor.groups.first).to_contain_text("and back")


async def test_the_menu_says_that_a_group_of_several_does_not_come_back(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("hello", ann)
    body = {"title": "Fair", "handles": [bob.handle], "uuid": str(uuid4())}
    assert (await ann.client.post("/api/message_groups", json=body)).status_code == 200
    visitor = await visit(ann)
    await visitor.open()
    for row, words in (("Fair", "does not come back unless"), (bob.handle, "comes back with the next message")):
        await visitor.groups.filter(has_text=row).click(button="right")
        await visitor.page.get_by_role("menuitem", name="Leave…").click()
        await expect(visitor.page.locator(".menu-warning")).to_contain_text(words)
        await visitor.page.keyboard.press("Escape")


async def test_a_name_is_cut_only_where_its_handle_leaves_no_room(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("hello", ann)
    path = f"/api/message_groups/{ann.group_with(bob)}/view"
    assert (await ann.client.patch(path, json={"muted_until": "9999-12-31T23:59:59Z"})).status_code == 200
    visitor = await visit(ann, viewport=NARROW)
    await visitor.open()
    await expect(visitor.groups.first.get_by_title("Muted")).to_be_visible()
    are_whole = """(texts) => {
        const parts = [...document.querySelectorAll(".group-head .name, .group-head .handle")];
        parts.forEach((part, at) => { part.textContent = texts[at]; });
        return parts.map((part) => part.scrollWidth <= part.clientWidth);
    }"""
    for texts, expected in (
        (["Théo von Marchand", "@theo"], [True, True]),
        (["Théo Marchand", "@theo_marchand_the_second"], [True, False]),
        (["Maximiliane von Hohenstein zu Felsen", "@max"], [False, True]),
    ):
        assert await visitor.run(are_whole, texts) == expected, texts


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_the_archive_and_the_menu_look_right(
    visit: Visit, ann: Person, new_person: Any, tmp_path: Path, viewport: Any
) -> None:
    """Pictures for people are kept in the folder that VIEWS names."""
    people = [await new_person(name) for name in ("osman", "priya", "theo")]
    for person in people:
        await person.sent("A message that is somewhat longer than the list is wide", ann)
    for person, change in zip(people, ({"pin_position": 1}, {"muted_until": "9999-12-31T23:59:59Z"}, {}), strict=True):
        path = f"/api/message_groups/{ann.group_with(person)}/view"
        assert (await ann.client.patch(path, json=change)).status_code == 200
    visitor = await visit(ann, viewport=viewport)
    await visitor.open()
    await expect(visitor.groups).to_have_count(3)
    folder = Path(os.environ.get("VIEWS") or tmp_path)

    async def take_screenshots(name: str) -> None:
        async for scheme in schemes(visitor.page):
            await visitor.page.screenshot(path=folder / f"{name}-{viewport['width']}-{scheme}.png")

    await take_screenshots("list")
    await visitor.groups.first.click(button="right")
    await take_screenshots("menu")
    await visitor.page.get_by_role("menuitem", name="Leave…").click()
    await take_screenshots("leave")
    box = await visitor.page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= viewport["width"]
