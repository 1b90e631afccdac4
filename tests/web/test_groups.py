"""Groups of several members in the page: made, written to, changed and left, live in several windows."""

import signal
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.fixtures.app import NewPerson, Person
from tests.tools.servers import Server
from tests.web.browsing import NARROW, WIDE, Visit, Visitor, open_visits
from tests.web.test_accessibility import violated
from tests.web.test_recovery import fail, go_offline


async def create(owner: Person, *others: Person, title: str = "Launch week") -> str:
    """Create a group and return its uuid."""
    body = {"title": title, "handles": [other.handle for other in others], "uuid": str(uuid4())}
    return str((await call(owner, "POST", "/api/message_groups", body))["uuid"])


async def call(person: Person, method: str, path: str, body: Any = None) -> Any:
    """The JSON of a call that must succeed."""
    answer = await person.client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def open_uuid(visitor: Visitor, group: str) -> None:
    await visitor.open(f"/messages/{group}")
    await expect(visitor.composer).to_be_visible()


def told(visitor: Visitor) -> Locator:
    return visitor.page.locator(".system-message")


async def choose(dialog: Locator, *people: Person) -> None:
    for person in people:
        await dialog.get_by_role("combobox").fill(person.handle)
        await dialog.get_by_role("option", name=person.handle).click()


async def test_a_group_is_made_and_all_members_talk_in_it(visit: Visit, ann: Person, bob: Person, eve: Person) -> None:
    anns, bobs = await visit(ann), await visit(bob)
    await anns.open()
    await bobs.open()
    await anns.page.get_by_role("button", name="New group").click()
    dialog = anns.page.get_by_role("dialog", name="New group")
    await expect(dialog.get_by_role("button", name="Create")).to_be_disabled()
    await choose(dialog, bob, eve)
    await anns.page.keyboard.press("Backspace")
    await expect(dialog.get_by_role("list", name="Chosen people").get_by_role("listitem")).to_have_count(1)
    await choose(dialog, eve)
    await dialog.get_by_label("Title").fill("Launch week")
    await anns.page.keyboard.press("Enter")
    await expect(anns.composer).to_be_visible()
    await expect(dialog).to_have_count(0)
    await expect(anns.page.get_by_role("heading", name="Launch week")).to_be_visible()
    await expect(told(anns)).to_have_text("You created the group")
    await expect(bobs.groups).to_contain_text(["3 members"])
    await bobs.groups.get_by_role("link", name="Launch week").click()
    await expect(told(bobs)).to_have_text("Ann created the group")
    await anns.write("Hello all")
    await expect(bobs.message("Hello all")).to_be_visible()
    await expect(bobs.page.locator(".sender")).to_have_text("Ann")
    await bobs.write("Hello Ann")
    await expect(anns.page.locator(".sender")).to_have_text("Bob")
    await expect(anns.groups.locator(".preview")).to_have_text("Bob: Hello Ann")
    await expect(anns.page.locator(".receipt")).to_have_text("Sent")
    assert await bobs.numbers() == [1, 2, 3]
    await anns.message("Hello all").click(button="right")
    await anns.page.get_by_role("menuitem", name="Read by…").click()
    readers = anns.page.get_by_role("dialog", name="Read by").get_by_role("listitem")
    await expect(readers).to_have_count(1)
    await expect(readers).to_contain_text("Bob")


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_nothing_of_a_group_violates_a_rule_or_overflows(
    visit: Visit, ann: Person, bob: Person, eve: Person, viewport: Any
) -> None:
    visitor = await visit(ann, viewport=viewport)
    await eve.client.patch("/api/users/me", json={"display_name": "Wilhelmina Featherstonehaugh-Cholmondeley"})
    await bob.sent("Hello", ann)
    group = await create(ann, bob, eve, title="W" * 50)
    await bob.sent("Long " * 60, group)
    await eve.sent("🎉", group)
    await call(ann, "PATCH", f"/api/message_groups/{group}/members/{eve.uuid}", {"role": "admin"})
    await visitor.open()
    found = {}
    await visitor.page.get_by_role("button", name="New group").click()
    await choose(visitor.page.get_by_role("dialog", name="New group"), eve)
    found["new group"] = await violated(visitor, "new group", viewport)
    await visitor.page.keyboard.press("Escape")
    await open_uuid(visitor, group)
    await expect(told(visitor)).to_have_count(2)
    found["feed"] = await violated(visitor, "feed", viewport)
    await visitor.page.get_by_role("button", name="Group info").click()
    members = visitor.page.get_by_role("list", name="Members")
    await expect(members.get_by_role("listitem")).to_have_count(3)
    found["info"] = await violated(visitor, "info", viewport)
    await members.get_by_role("button", name="Actions for Wilhelmina").click()
    found["menu"] = await violated(visitor, "menu", viewport)
    await visitor.page.get_by_role("menuitem", name="Make owner…").click()
    await expect(visitor.page.get_by_role("menu")).to_have_count(0)
    found["question"] = await violated(visitor, "question", viewport)
    await visitor.page.keyboard.press("Escape")
    await visitor.page.get_by_role("button", name="Rename the group").click()
    found["title"] = await violated(visitor, "title", viewport)
    assert found == {name: [] for name in found}


async def test_the_keyboard_suffices_for_groups(visit: Visit, ann: Person, bob: Person, eve: Person) -> None:
    visitor = await visit(ann)
    press, write_text = visitor.page.keyboard.press, visitor.page.keyboard.insert_text
    await visitor.open()
    await visitor.page.get_by_role("button", name="New group").focus()
    await press("Enter")
    dialog = visitor.page.get_by_role("dialog", name="New group")
    for other in (bob, eve):
        await write_text(other.handle)
        await expect(dialog.get_by_role("option")).to_have_count(1)
        await press("Enter")
    await expect(dialog.get_by_role("listitem")).to_have_count(2)
    await press("Tab")
    await write_text("Launch week")
    await press("Enter")
    await expect(visitor.composer).to_be_focused()
    await visitor.page.get_by_role("button", name="Group info").focus()
    await press("Enter")
    await expect(visitor.page.get_by_role("button", name="Close group info")).to_be_focused()
    actions = visitor.page.get_by_role("list", name="Members").get_by_role("button", name="Actions for Bob")
    await actions.focus()
    await press("Enter")
    await press("ArrowUp")
    await press("Enter")
    await expect(visitor.page.get_by_role("dialog", name="Remove Bob?")).to_be_visible()
    await press("Escape")
    await expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    await press("Escape")
    await expect(visitor.page.get_by_role("complementary")).to_have_count(0)
    await expect(visitor.page.get_by_role("button", name="Group info")).to_be_focused()
    await press("Escape")
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages")


async def test_a_repeated_creation_opens_the_same_group(visit: Visit, ann: Person, bob: Person, eve: Person) -> None:
    visitor = await visit(ann)
    await visitor.open()
    visitor.expects_network_errors = True
    created: list[str] = []

    async def lose_answer(route: Any) -> None:
        if route.request.method != "POST" or created:
            await route.continue_()
        else:
            created.append((await (await route.fetch()).json())["uuid"])
            await route.abort()

    await visitor.page.route("**/api/message_groups", lose_answer)
    await visitor.page.get_by_role("button", name="New group").click()
    dialog = visitor.page.get_by_role("dialog", name="New group")
    await choose(dialog, bob, eve)
    await dialog.get_by_label("Title").fill("Launch week")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_role("alert")).to_have_text("The server cannot be reached.")
    await dialog.get_by_role("button", name="Create").click()
    await expect(visitor.composer).to_be_visible()
    await expect(visitor.page).to_have_url(f"{visitor.address}/messages/{created[0]}")
    assert len(await ann.inbox()) == 1


async def test_a_refused_creation_says_why(visit: Visit, ann: Person, bob: Person) -> None:
    visitor = await visit(ann)
    await visitor.open()
    await call(bob, "PUT", f"/api/users/@{ann.handle}/block")
    await visitor.page.get_by_role("button", name="New group").click()
    dialog = visitor.page.get_by_role("dialog", name="New group")
    await choose(dialog, bob)
    await dialog.get_by_label("Title").fill("Launch week")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_role("alert")).to_have_text("One of these people cannot be added to a group by you.")
    visitor.console_errors.clear()  # the refusal


async def test_changes_of_a_group_are_told_live_and_in_history(
    visit: Visit, ann: Person, bob: Person, eve: Person, new_person: NewPerson
) -> None:
    sam = await new_person("sam")
    anns, bobs = await visit(ann), await visit(bob)
    group = await create(ann, bob, eve)
    await open_uuid(anns, group)
    await open_uuid(bobs, group)
    await anns.page.get_by_role("button", name="Group info").click()
    info = anns.page.get_by_role("complementary", name="Group info")
    await expect(info.get_by_role("list", name="Members").get_by_role("listitem")).to_have_count(3)
    await info.get_by_role("button", name="Rename the group").click()
    await info.get_by_label("Title").fill("Landing")
    await anns.page.keyboard.press("Enter")
    await expect(bobs.page.get_by_role("heading", name="Landing")).to_be_visible()
    await info.get_by_role("button", name="Add people").click()
    dialog = anns.page.get_by_role("dialog", name="Add people")
    await choose(dialog, sam)
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(info.get_by_role("listitem")).to_have_count(4)
    await info.get_by_role("button", name="Actions for Eve").click()
    await anns.page.get_by_role("menuitem", name="Make admin").click()
    await expect(info.get_by_role("listitem").filter(has_text="Eve")).to_contain_text("Admin")
    await info.get_by_role("checkbox").click()
    await (
        anns.page.get_by_role("dialog", name="Show the history").get_by_role("button", name="Show the history").click()
    )
    await expect(info).to_contain_text("New members see all earlier messages.")
    await info.get_by_role("button", name="Actions for Eve").click()
    await anns.page.get_by_role("menuitem", name="Remove…").click()
    question = anns.page.get_by_role("dialog", name="Remove Eve?")
    await question.get_by_role("button", name="Remove").click()
    await expect(info.get_by_role("listitem")).to_have_count(3)
    await info.get_by_role("button", name="Actions for Bob").click()
    await anns.page.get_by_role("menuitem", name="Make owner…").click()
    await anns.page.get_by_role("dialog").get_by_role("button", name="Make owner").click()
    said = [
        "Ann created the group",
        "Ann renamed the group to Landing",
        f"Ann added {sam.display_name}",
        "Eve is an admin now",
        "New members see the history",
        "Ann removed Eve",
        "You are the owner now",
    ]
    await expect(told(bobs)).to_have_text(said)
    await bobs.page.reload()
    await expect(told(bobs)).to_have_text(said)
    await expect(told(anns)).to_contain_text(
        ["You created the group", "You renamed", "You added", "Bob is the owner now"]
    )
    await expect(info.get_by_role("listitem").filter(has_text="Bob")).to_contain_text("Owner")


async def test_a_system_message_has_no_menu_and_does_not_count(visit: Visit, ann: Person, bob: Person) -> None:
    visitor = await visit(bob)
    group = await create(ann, bob)
    await ann.sent("Hello", group)
    await call(ann, "PATCH", f"/api/message_groups/{group}", {"title": "Landing"})
    await visitor.open()
    await expect(visitor.groups.locator(".badge")).to_have_text("1 unread")
    await expect(visitor.groups.locator(".preview")).to_have_text("No message to show")
    await open_uuid(visitor, group)
    await told(visitor).last.click(button="right")
    await told(visitor).last.focus()
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.get_by_role("menu")).to_have_count(0)
    await expect(visitor.groups.locator(".badge")).to_have_count(0)


async def test_a_removed_member_sees_the_conversation_end(visit: Visit, ann: Person, bob: Person, eve: Person) -> None:
    visitor = await visit(bob)
    group = await create(ann, bob, eve)
    await ann.sent("Hello", group)
    await open_uuid(visitor, group)
    await expect(visitor.message("Hello")).to_be_visible()
    await visitor.composer.fill("My draft")
    visitor.loses_a_group = True
    await call(ann, "DELETE", f"/api/message_groups/{group}/members/{bob.uuid}")
    ended = visitor.page.get_by_role("heading", name="You are no longer in Launch week")
    await expect(ended).to_be_visible()
    await expect(visitor.page.get_by_text("What you had begun to write is kept")).to_be_visible()
    await expect(visitor.message("Hello")).to_have_count(0)
    await expect(visitor.groups).to_have_count(0)
    await call(ann, "POST", f"/api/message_groups/{group}/members", {"handles": [bob.handle]})
    await expect(visitor.composer).to_have_value("My draft")
    await expect(told(visitor).last).to_have_text("Ann added you")
    await call(ann, "DELETE", f"/api/message_groups/{group}/members/{bob.uuid}")
    await expect(ended).to_be_visible()
    await visitor.page.reload()
    await expect(visitor.page.get_by_role("heading", name="You are not in this conversation")).to_be_visible()


async def test_an_owner_leaves_after_a_question(visit: Visit, ann: Person, bob: Person, eve: Person) -> None:
    anns, bobs = await visit(ann), await visit(bob)
    group = await create(ann, bob, eve)
    await open_uuid(anns, group)
    await open_uuid(bobs, group)
    await anns.page.get_by_role("button", name="Group info").click()
    await anns.page.get_by_role("button", name="Leave group").click()
    question = anns.page.get_by_role("dialog", name="Leave Launch week?")
    await expect(question).to_contain_text("becomes the owner")
    await bobs.page.get_by_role("button", name="Group info").click()
    info = bobs.page.get_by_role("complementary", name="Group info")
    await expect(info.get_by_role("listitem").first).to_contain_text("Owner")
    for name in ("Rename the group", "Add people"):
        await expect(info.get_by_role("button", name=name)).to_have_count(0)
    await info.get_by_role("button", name="Actions for Ann").click()
    await expect(bobs.page.get_by_role("menuitem")).to_have_text(["Message"])
    await bobs.page.keyboard.press("Escape")
    await question.get_by_role("button", name="Leave").click()
    await expect(anns.page).to_have_url(f"{anns.address}/messages")
    await expect(anns.groups).to_have_count(0)
    await expect(told(bobs).last).to_contain_text("Ann left. ")


async def test_all_members_are_offered_after_an_at_and_typing_names_them(
    visit: Visit, ann: Person, bob: Person, eve: Person, new_person: NewPerson
) -> None:
    sam = await new_person("sam")
    visitor = await visit(ann)
    group = await create(ann, bob, eve)
    await open_uuid(visitor, group)
    offers = visitor.page.get_by_role("listbox", name="Members").get_by_role("option")
    await visitor.composer.press_sequentially("@")
    await expect(offers).to_have_count(3)
    await visitor.composer.fill("")
    await call(ann, "POST", f"/api/message_groups/{group}/members", {"handles": [sam.handle]})
    await expect(told(visitor)).to_have_count(2)
    await visitor.composer.press_sequentially("@sam")
    await expect(offers).to_have_count(1)
    await visitor.page.keyboard.press("Enter")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.locator("article .mention")).to_have_text(f"@{sam.handle}")
    line = visitor.page.locator(".typing-line")
    await call(bob, "POST", f"/api/message_groups/{group}/typing")
    await expect(line).to_have_text("Bob is typing")
    await call(eve, "POST", f"/api/message_groups/{group}/typing")
    await expect(line).to_have_text("Bob and Eve are typing")
    await call(sam, "POST", f"/api/message_groups/{group}/typing")
    await expect(line).to_have_text(f"Bob, Eve and {sam.display_name} are typing")


@pytest.mark.parametrize("restarts", [False, True], ids=["resumed", "synchronised"])
async def test_a_member_that_is_removed_offline_keeps_what_was_written(
    browser: Browser, own_server: Server, new_own_person: NewPerson, restarts: bool
) -> None:
    ann, bob, eve = [await new_own_person(name) for name in ("ann", "bob", "eve")]
    async with open_visits(browser, own_server.address) as visit:
        visitor = await visit(bob)
        group = await create(ann, bob, eve)
        await open_uuid(visitor, group)
        await ann.sent("Hello", group)
        await expect(visitor.message("Hello")).to_be_visible()
        await go_offline(visitor)
        await visitor.write("Written offline")
        await expect(visitor.page.locator("[data-pending]")).to_have_count(1)
        visitor.loses_a_group = True
        await call(ann, "DELETE", f"/api/message_groups/{group}/members/{bob.uuid}")
        if restarts:  # the new process knows nothing of the stream
            await own_server.stop(signal.SIGKILL)
            await own_server.start()
        await visitor.page.context.set_offline(False)
        await expect(visitor.page.get_by_role("heading", name="You are no")).to_be_visible()
        await expect(visitor.groups).to_have_count(0)
        await expect(visitor.page.locator("blockquote")).to_have_text("Written offline")
        await visitor.page.get_by_role("button", name="Delete").click()
        await expect(visitor.page.locator("blockquote")).to_have_count(0)


async def test_members_that_could_not_be_loaded_come_by_themselves(visit: Visit, ann: Person, bob: Person) -> None:
    visitor = await visit(ann)
    group = await create(ann, bob)
    visitor.expects_network_errors = True
    await visitor.page.route("**/members", fail)
    await open_uuid(visitor, group)
    await visitor.page.get_by_role("button", name="Group info").click()
    info = visitor.page.get_by_role("complementary", name="Group info")
    await expect(info.get_by_role("status")).to_have_text("Loading members…")
    await visitor.page.unroute("**/members")
    await expect(info.get_by_role("listitem")).to_have_count(2)


async def test_a_group_is_found_by_its_title_and_left_in_all_tabs(visit: Visit, ann: Person, bob: Person) -> None:
    one, other = await visit(ann), await visit(ann)
    group = await create(ann, bob)
    await open_uuid(other, group)
    await one.open()
    await one.page.get_by_role("combobox", name="Find a person").fill("launch")
    await expect(one.page.get_by_role("option")).to_have_text(["Launch week"])
    await one.page.keyboard.press("Enter")
    await expect(one.composer).to_be_visible()
    await one.page.get_by_role("button", name="Group info").click()
    await one.page.get_by_role("button", name="Leave group").click()
    await one.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    for visitor in (one, other):
        await expect(visitor.groups).to_have_count(0)
    await expect(other.page.get_by_role("heading", name="You are no longer in Launch week")).to_be_visible()
