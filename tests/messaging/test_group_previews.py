"""Previews of groups of several members: of the last message, and of no message that a member may not read."""

from tests.fixtures.app import Person
from tests.messaging.test_groups import create


async def test_a_text_that_was_deleted_is_in_no_preview(ann: Person, bob: Person, eve: Person) -> None:
    group = (await create(ann, bob))["uuid"]
    await ann.sent("a secret", group)
    await ann.client.post(f"/api/message_groups/{group}/members", json={"handles": [eve.handle]})
    assert (await ann.client.delete(f"/api/messages/{group}/2")).status_code == 200
    for person in (ann, bob, eve):
        assert "a secret" not in str(await person.inbox()), person.handle


async def test_the_preview_of_a_system_message_has_no_text_of_another_member(
    ann: Person, bob: Person, eve: Person
) -> None:
    """A new member may not read what was written before, and the last message is not its sender's."""
    group = (await create(ann, bob))["uuid"]
    await ann.sent("only for Bob", group)
    await ann.client.post(f"/api/message_groups/{group}/members", json={"handles": [eve.handle]})
    assert [(row["message"], row["last_number"]) for row in await eve.inbox()] == [("", 3)]
    await bob.sent("welcome", group)
    assert [row["message"] for person in (ann, bob, eve) for row in await person.inbox()] == ["welcome"] * 3
