"""Messages are edited, deleted and reacted to, and every page that shows them follows."""

from playwright.async_api import Locator, expect

from tests.fixtures.app import Person
from tests.web.browsing import Visit, Visitor
from tests.web.test_recovery import go_offline


def item(visitor: Visitor, number: int) -> Locator:
    return visitor.page.locator(f'[data-number="{number}"]')


async def test_changes_of_others_are_shown_where_the_message_is_and_where_it_is_quoted(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await bob.sent("Lunch at noon?", ann)
    await ann.sent("Yes", bob, reply_to=1)
    await bob.sent("Great", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await expect(item(visitor, 2).locator(".quote-text")).to_have_text("Lunch at noon?")
    path = f"/api/messages/{ann.group_with(bob)}"
    edited = await bob.client.patch(f"{path}/1", json={"message": "Lunch at one?"}, headers={"if-match": '"1"'})
    assert edited.is_success, edited.text
    await expect(item(visitor, 1).locator(".text")).to_have_text("Lunch at one?")
    await expect(item(visitor, 2).locator(".quote-text")).to_have_text("Lunch at one?")
    for number in (1, 3):
        assert (await bob.client.delete(f"{path}/{number}")).is_success
    for text in (item(visitor, 1).locator(".text"), item(visitor, 2).locator(".quote-text")):
        await expect(text).to_have_text("Message deleted")
    await expect(visitor.groups.locator(".preview")).to_have_text("Message deleted")


async def test_changes_that_were_missed_are_made_up_for(visit: Visit, ann: Person, bob: Person, eve: Person) -> None:
    await bob.sent("First", ann)
    await eve.sent("Hello", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await expect(item(visitor, 1).locator(".text")).to_have_text("First")
    await visitor.page.locator(f'[data-group="{ann.group_with(eve)}"]').click()
    await expect(visitor.message("Hello")).to_be_visible()
    await go_offline(visitor)
    await visitor.run("window.dispatchEvent(new Event('online'))")  # the stream that is open outlives the emulation
    path = f"/api/messages/{ann.group_with(bob)}/1"
    for version in (1, 2):
        text = {"message": f"Version {version + 1}"}
        assert (await bob.client.patch(path, json=text, headers={"if-match": f'"{version}"'})).is_success
    await visitor.page.locator(f'[data-group="{ann.group_with(bob)}"]').click()
    await expect(item(visitor, 1).locator(".text")).to_have_text("First")
    await visitor.page.context.set_offline(False)
    await expect(item(visitor, 1).locator(".text")).to_have_text("Version 3")


async def test_reactions_of_both_are_counted_and_taken_back(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Good news", bob)
    writer, reader = await visit(ann), await visit(bob)
    for visitor, other in ((writer, bob), (reader, ann)):
        await visitor.open_group(other)
    assert (await ann.client.put(f"/api/messages/{ann.group_with(bob)}/1/reactions/❤️")).is_success
    await expect(item(writer, 1).get_by_role("button", name="❤️ 1, you reacted")).to_be_visible()
    await item(reader, 1).get_by_role("button", name="❤️ 1", exact=True).click()
    for visitor in (reader, writer):
        await expect(item(visitor, 1).get_by_role("button", name="❤️ 2, you reacted")).to_be_visible()
    await item(reader, 1).get_by_role("button", name="❤️ 2, you reacted").click()
    await expect(item(writer, 1).get_by_role("button", name="❤️ 1, you reacted")).to_be_visible()


async def test_the_menu_opens_by_key_mouse_and_long_press_and_gives_the_focus_back(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await bob.sent("Good news", ann)
    visitor = await visit(ann, permissions=["clipboard-read", "clipboard-write"])
    press, menu = visitor.page.keyboard.press, visitor.page.get_by_role("menu")
    await visitor.open_group(bob)
    await item(visitor, 1).focus()
    for key in ("Enter", "ContextMenu", "Shift+F10"):
        await press(key)
        await expect(visitor.page.get_by_role("menuitemcheckbox", name="👍")).to_be_focused()
        await press("Escape")
        await expect(menu).to_have_count(0)
        await expect(item(visitor, 1)).to_be_focused()
    await press("Enter")
    for key, name in (
        ("ArrowUp", "Report"),
        ("ArrowDown", "👍"),
        ("ArrowDown", "Reply"),
        ("End", "Report"),
        ("ArrowUp", "Delete for me"),
        ("ArrowUp", "Copy link"),
    ):
        await press(key)
        await expect(menu.get_by_text(name)).to_be_focused()
    await press("Enter")
    await expect(visitor.page.get_by_text("Link copied")).to_be_visible()
    link = f"{visitor.address}/messages/{ann.group_with(bob)}/1"
    assert await visitor.run("navigator.clipboard.readText()") == link
    await item(visitor, 1).locator(".bubble").click(button="right")
    await menu.get_by_role("menuitem", name="Copy text").click()
    await expect(visitor.page.get_by_text("Text copied")).to_be_visible()
    assert await visitor.run("navigator.clipboard.readText()") == "Good news"
    await (
        item(visitor, 1)
        .locator(".bubble")
        .dispatch_event("pointerdown", {"pointerType": "touch", "bubbles": True, "clientX": 700, "clientY": 700})
    )
    await expect(menu).to_be_visible()
    await visitor.page.mouse.click(5, 5)
    await expect(menu).to_have_count(0)
    await item(visitor, 1).hover()
    await item(visitor, 1).get_by_role("button", name="Actions").click()
    await menu.get_by_role("menuitemcheckbox", name="🙏").click()
    await expect(item(visitor, 1).get_by_role("button", name="🙏 1, you reacted")).to_be_visible()


async def choose(visitor: Visitor, number: int, action: str) -> None:
    """Open the menu of a message by the keyboard, and choose an action."""
    await item(visitor, number).focus()
    await visitor.page.keyboard.press("Enter")
    await visitor.page.get_by_role("menuitem", name=action).click()


async def test_a_message_is_edited_in_its_place(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Helo", bob)
    writer, reader = await visit(ann), await visit(bob)
    for visitor, other in ((writer, bob), (reader, ann)):
        await visitor.open_group(other)
    await choose(writer, 1, "Edit")
    editor = writer.page.get_by_role("textbox", name="Edit message")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_value("Helo")
    await writer.page.keyboard.press("Escape")
    await expect(item(writer, 1)).to_be_focused()
    await writer.page.keyboard.press("e")
    await editor.fill("Hello")
    await writer.page.keyboard.press("Enter")
    await expect(item(writer, 1)).to_be_focused()
    for visitor in (writer, reader):
        await expect(item(visitor, 1).locator(".text")).to_have_text("Hello")
    await item(reader, 1).get_by_role("button", name="edited").click()
    dialog = reader.page.get_by_role("dialog", name="Earlier texts")
    await expect(dialog.get_by_role("listitem")).to_contain_text("Helo")
    await reader.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(reader.composer).to_be_visible()


async def test_a_message_is_deleted_for_everyone_after_a_question(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("A secret", bob)
    writer, reader = await visit(ann), await visit(bob)
    for visitor, other in ((writer, bob), (reader, ann)):
        await visitor.open_group(other)
    await item(reader, 1).locator(".bubble").click(button="right")
    await expect(reader.page.get_by_role("menuitem", name="Copy text")).to_be_visible()
    assert await reader.page.get_by_role("menuitem", name="Delete for everyone").count() == 0, "it is not theirs"
    await reader.page.mouse.click(5, 5)
    await expect(reader.page.get_by_role("menu")).to_have_count(0)
    await choose(writer, 1, "Delete for everyone")
    dialog = writer.page.get_by_role("dialog", name="Delete this message for everyone?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    await choose(writer, 1, "Delete for everyone")
    await dialog.get_by_role("button", name="Delete").click()
    for visitor in (writer, reader):
        await expect(item(visitor, 1).locator(".text")).to_have_text("Message deleted")


async def test_the_members_that_reacted_are_listed(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Good news", bob)
    visitor = await visit(ann)
    for person in (ann, bob):
        assert (await person.client.put(f"/api/messages/{ann.group_with(bob)}/1/reactions/❤️")).is_success
    await visitor.open_group(bob)
    await choose(visitor, 1, "Who reacted")
    people = visitor.page.get_by_role("dialog", name="Who reacted").get_by_role("listitem")
    for name in ("Ann", "Bob"):
        await expect(people.filter(has_text=name)).to_contain_text("❤️")
    await visitor.page.get_by_role("button", name="Close").click()
    await expect(item(visitor, 1)).to_be_focused()


async def test_changes_wait_for_a_connection_and_survive_a_reload(visit: Visit, ann: Person, bob: Person) -> None:
    await ann.sent("Helo", bob)
    await ann.sent("Oops", bob)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    visitor.expects_network_errors = True
    await visitor.page.route("**/api/messages/*/*", lambda route: route.abort())
    await visitor.page.route("**/api/messages/*/*/reactions/*", lambda route: route.abort())
    await choose(visitor, 1, "Edit")
    await visitor.page.get_by_role("textbox", name="Edit message").fill("Hello")
    await visitor.page.keyboard.press("Enter")
    await item(visitor, 1).focus()
    await visitor.page.keyboard.press("Enter")
    await visitor.page.keyboard.press("Enter")
    await choose(visitor, 2, "Delete for everyone")
    await visitor.page.get_by_role("button", name="Delete", exact=True).click()
    for _ in range(2):
        await expect(item(visitor, 1).locator(".text")).to_have_text("Hello")
        await expect(item(visitor, 1).get_by_role("button", name="👍 1, you reacted")).to_be_visible()
        await expect(item(visitor, 2).locator(".text")).to_have_text("Message deleted")
        await visitor.page.reload()
    page = await ann.get(f"/api/messages/{ann.group_with(bob)}")
    assert [message["change_number"] for message in page] == [0, 0]
    await visitor.page.unroute_all()
    await visitor.wait_until(lambda: has_changed(ann, bob))
    await expect(visitor.page.locator(".sending")).to_have_count(0)


async def has_changed(person: Person, other: Person) -> bool:
    first, second = await person.get(f"/api/messages/{person.group_with(other)}")
    reactions = [(each["emoji"], each["me"]) for each in first["reactions"]]
    return (first["message"], first["version"], reactions, second["message"]) == ("Hello", 2, [("👍", True)], "")


async def test_a_refused_edit_says_so_keeps_its_text_and_holds_up_nothing(
    visit: Visit, ann: Person, bob: Person
) -> None:
    await ann.sent("First", bob)
    await ann.sent("Second", bob)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    await choose(visitor, 1, "Edit")
    path = f"/api/messages/{ann.group_with(bob)}/1"
    elsewhere = await ann.client.patch(path, json={"message": "On the phone"}, headers={"if-match": '"1"'})
    assert elsewhere.is_success
    editor = visitor.page.get_by_role("textbox", name="Edit message")
    await editor.fill("On the laptop")
    await visitor.page.keyboard.press("Enter")
    refused = item(visitor, 1).get_by_role("alert")
    await expect(refused).to_contain_text("Not changed. The message was edited elsewhere meanwhile.")
    await expect(refused).to_contain_text("On the laptop")
    await expect(item(visitor, 1).locator(".text")).to_have_text("On the phone")
    await item(visitor, 2).focus()
    await visitor.page.keyboard.press("Enter")
    await visitor.page.keyboard.press("Enter")
    await expect(item(visitor, 2).get_by_role("button", name="👍 1, you reacted")).to_be_visible()
    await refused.get_by_role("button", name="Edit again").click()
    await expect(editor).to_have_value("On the laptop")
    await visitor.page.keyboard.press("Enter")
    await expect(item(visitor, 1).locator(".text")).to_have_text("On the laptop")
    await expect(refused).to_have_count(0)
    await expect(visitor.page.locator(".sending")).to_have_count(0)
    assert (await ann.get(path))["version"] == 3
    visitor.console_errors.clear()  # the browser logs the 412
