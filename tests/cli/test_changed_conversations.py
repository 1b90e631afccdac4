"""get-conversation, list-conversations and scan: what changes have made of messages."""

from dataclasses import replace

from app.cli.seed.synthetic import SyntheticData
from app.messaging import items
from app.messaging.models import ChangeType
from tests.cli.conftest import Place
from tests.cli.test_verify_changes import draft, edit, make, process

SIZE = ("--users", "2", "--groups", "1", "--messages", "4")
NAMES = ("seed_000000", "seed_000001")


async def test_a_conversation_shows_edits_deletions_reactions_and_replies(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    [group] = SyntheticData(2, 1, 4).conversations()
    async with empty.table() as table, process(table) as changes:
        await table.put(items.new_message(replace(group.sent(5), reply_to=2)))
        reactions = [
            replace(draft(group, ChangeType.REACT, number=2, emoji=emoji), user_uuid=user)
            for user, emoji in ((group.one, "🌱"), (group.other, "🌱"), (group.one, "🥕"))
        ]
        await make(
            changes,
            edit(group, "said anew", number=3),
            draft(group, ChangeType.DELETE, number=4),
            draft(group, ChangeType.DELETE, number=5),
            *reactions,
        )
        await table.put(items.new_message(replace(group.sent(6), text="I agree", reply_to=2)))
    human = (await empty.done("get-conversation", *NAMES)).out.splitlines()
    ends = ["[🌱 2, 🥕 1]", "said anew [edited]", "[deleted]", "[deleted]", "[re 2] I agree"]
    assert [line.rstrip().endswith(end) for line, end in zip(human[2:], ends, strict=True)] == [True] * 5
    records = (await empty.done("get-conversation", *NAMES, "--json")).records
    assert [record["version"] for record in records] == [1, 1, 2, 1, 1, 1]
    assert [record["change_number"] for record in records] == [0, 6, 1, 2, 3, 0]
    assert [bool(record["edited_at"]) for record in records] == [False, False, True, False, False, False]
    assert [bool(record["deleted_at"]) for record in records] == [False, False, False, True, True, False]
    assert records[1]["reactions"] == {
        "🌱": sorted([str(group.one), str(group.other)]),
        "🥕": [str(group.one)],
    }
    assert [record["reply_to"] for record in records] == [None, None, None, None, 2, 2]


async def test_an_inbox_shows_that_the_last_message_is_deleted(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    [group] = SyntheticData(2, 1, 4).conversations()
    async with empty.table() as table, process(table) as changes:
        await make(changes, draft(group, ChangeType.DELETE))
    assert "[deleted]" in (await empty.done("list-conversations", NAMES[0])).out
    [record] = (await empty.done("list-conversations", NAMES[0], "--json")).records
    assert (record["preview"], record["change_number"], bool(record["changed_at"])) == ("", 1, True)


async def test_a_scan_finds_changes(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    [group] = SyntheticData(2, 1, 4).conversations()
    async with empty.table() as table, process(table) as changes:
        await make(changes, draft(group, ChangeType.REACT, number=2, emoji="🌱"), edit(group, "said anew"))
    found = (await empty.done("scan", "--json", "--filter", "entity=change")).records
    assert sorted((each["number"], each["type"], each["message_number"]) for each in found) == [
        (1, "react", 2),
        (2, "edit", 4),
    ]
    [message] = (
        await empty.done("scan", "--json", "--filter", "entity=message", "--filter", "change_number=1")
    ).records
    assert message["reactions"] == {"🌱": [message["user_uuid"]]}
