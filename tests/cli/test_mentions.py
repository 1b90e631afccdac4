"""The command line and mentions: shown, found when they are wrong, and the same after a round trip."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.cli.seed.conversations import PEOPLE
from app.cli.seed.synthetic import Group
from app.gateways.dynamodb import Table
from app.messaging import items
from app.messaging.models import ChangeType
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.cli.test_verify import findings
from tests.cli.test_verify_changes import GROUPS, SIZE, break_item, draft, make, process


async def mention(table: Table, group: Group, number: int = 5) -> UUID:
    """Send a message that mentions the peer of its sender; return the peer."""
    message, store = group.sent(number), MessagingStore(table)
    (peer,) = {group.one, group.other} - {message.user_uuid}
    message = replace(message, uuid=uuid4(), mentions=frozenset({peer}))
    await store.append_message(message)
    for user in (group.one, group.other):
        await store.advance_inbox_row(message, user=user)
    return peer


async def test_wrong_counts_of_mentions_are_found_and_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    damage: list[tuple[str, dict[str, Any]]] = [
        ("REMOVE #mentioned", {}),
        ("SET #mentioned = :numbers", {"numbers": frozenset({1, 5})}),
        ("SET #mentioned = :numbers", {"numbers": frozenset({4})}),
        ("REMOVE #mentioned", {}),
    ]
    async with empty.table() as table:
        peers = [await mention(table, group) for group in GROUPS[: len(damage)]]
        assert await findings(empty) == [], "a read mention, and the mentions of others, are none of the row"
        for group, peer, (expression, values) in zip(GROUPS, peers, damage, strict=False):
            await break_item(table, items.inbox_key(peer, group.uuid), expression, **values)
        await break_item(table, items.inbox_key(peers[3], GROUPS[3].uuid), "SET #cut = :true", true=True)
        wrong = [("row-differs", str(group.uuid)) for group in GROUPS[:3]]
        rows = [await MessagingStore(table).inbox_row(peer, GROUPS[at].uuid) for at, peer in enumerate(peers)]
        if rows[1] and rows[1].read_number:  # the mention that is too many is read
            wrong.pop(1)
        assert await findings(empty) == sorted((*each, False) for each in wrong)
        assert await findings(empty, "--repair") == sorted((*each, True) for each in wrong)
        assert await findings(empty) == []
        for group, peer in zip(GROUPS[:1], peers, strict=False):
            row = await MessagingStore(table).inbox_row(peer, group.uuid)
            assert row
            assert row.unread_mentions == [5]


async def test_mentions_that_an_edit_did_not_make_are_found_and_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    group = GROUPS[0]
    async with empty.table() as table:
        peer = await mention(table, group)
        async with process(table) as changes:
            await make(changes, draft(group, ChangeType.EDIT, number=5, text="anew", version=1))
        assert await findings(empty) == []
        key = items.message_key(group.uuid, 5)
        await break_item(table, key, "SET #mentions = :users", users=frozenset({uuid4()}))
        found = await findings(empty, "--repair")
        assert ("message-differs", str(group.uuid), True) in found
        assert await findings(empty) == []
        message = await MessagingStore(table).message(group.uuid, 5)
        assert message
        assert message.mentions == {peer}


async def test_mentions_are_the_same_after_a_round_trip(engines: Place, empty: Place, tmp_path: Path) -> None:
    source = await engines.elsewhere().made()
    await source.done("seed", *SIZE)
    group, file = GROUPS[0], tmp_path / "group.jsonl"
    async with source.table() as table:
        peer = await mention(table, group)
        async with process(table) as changes:
            await make(changes, draft(group, ChangeType.EDIT, number=5, text="anew", version=1))
        before = [await MessagingStore(table).inbox_row(user, group.uuid) for user in (group.one, group.other)]
    await source.done("export", str(group.uuid), "--output", str(file))
    await empty.done("import", str(file))
    async with empty.table() as table:
        store = MessagingStore(table)
        assert [await store.inbox_row(user, group.uuid) for user in (group.one, group.other)] == before
        message = await store.message(group.uuid, 5)
        assert message
        assert message.mentions == {peer}
        (change,) = await store.changes.changes_between(group.uuid, 1, 1)
        assert change.mentions == {peer}


async def test_conversations_show_mentions(stock: Place) -> None:
    osman = next(person for person in PEOPLE if person.handle == "osman")
    records = (await stock.done("get-conversation", "juniper", "osman", "--json")).records
    assert [record["mentions"] for record in records if record["mentions"]] == [[str(osman.uuid)]]
    for handle in ("juniper", "osman"):
        ended = await stock.done("list-conversations", handle, "--json")
        assert max(record["unread_mention_count"] for record in ended.records) == 1
        assert " @ " in (await stock.done("list-conversations", handle)).out
