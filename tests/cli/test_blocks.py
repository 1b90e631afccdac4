"""verify and blocks: what does not follow from them is found and repaired."""

import json
from pathlib import Path
from uuid import UUID

from app.cli.conversations.importing import LINES_AT_ONCE
from app.cli.seed.synthetic import Group
from app.gateways.dynamodb import Key, Put
from app.messaging import block_items, items
from app.messaging.clock import now
from app.messaging.models import Block
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.cli.test_verify import GROUPS, SIZE, delete, findings
from tests.cli.test_verify_changes import break_item


def row_key(group: Group, user: UUID | None = None) -> Key:
    return items.inbox_key(user or group.one, group.uuid)


async def test_rows_and_logs_that_do_not_follow_blocks_are_found_and_repaired(empty: Place) -> None:
    await empty.done("seed", *SIZE)
    whole, no_fence, no_flag, no_time, forged, lonely_fence, both, no_rows = GROUPS[:8]
    async with empty.table() as table:
        store = MessagingStore(table)
        ends = {group: (await store.newest_messages(group.uuid, limit=1))[0].number + 1 for group in GROUPS[:8]}
        for group in (whole, no_fence, no_flag, no_time, both):
            await store.blocks.block(Block(group.one, group.other, now()))
        await store.blocks.block(Block(both.other, both.one, now()))
        stranger = Block(no_rows.one, UUID(int=1), now())
        await store.blocks.block(stranger)
        assert await findings(empty) in ([], [("unknown-user", None, False)])
        await delete(table, items.message_key(no_fence.uuid, ends[no_fence]))
        await break_item(table, row_key(no_flag, no_flag.other), "REMOVE #blocked, #peer_read")
        await break_item(table, row_key(no_time), "REMOVE #block")
        await break_item(table, row_key(forged), "SET #blocked = :yes", yes=True)
        await table.put(Put(block_items.set_fence(lonely_fence.uuid, ends[lonely_fence]).item))
        damaged = (no_fence, no_flag, no_time, forged, lonely_fence)
        wanted = sorted(("block-differs", str(group.uuid)) for group in damaged)
        assert await findings(empty) == [(*each, False) for each in wanted]
        assert await findings(empty, "--repair") == [(*each, True) for each in wanted]
        assert await findings(empty) == []
        for group in GROUPS[:7]:
            relation = await store.blocks.relation(group.one, group.other)
            assert relation.differences == []
            assert relation.has_fence is (group in {whole, no_fence, no_flag, no_time, both})


async def test_blocks_are_the_same_after_a_round_trip(engines: Place, empty: Place, tmp_path: Path) -> None:
    """Also one of two users without a group, and two that are far from one another in the file."""
    source, file = await engines.elsewhere().made(), tmp_path / "all.jsonl"
    await source.done("seed", *SIZE[:-1], str(LINES_AT_ONCE))
    group, alone = GROUPS[0], next(each for each in GROUPS if not {each.one, each.other} & {GROUPS[0].one})
    pairs = [(group.one, group.other), (group.other, group.one), (group.one, alone.other)]
    async with source.table() as table:
        for user, other in pairs:
            await MessagingStore(table).blocks.block(Block(user, other, now()))
        before = [await MessagingStore(table).blocks.relation(*pair) for pair in pairs]
    await source.done("export", "--all", "--output", str(file))
    *lines, end = file.read_text().splitlines(keepends=True)
    blocks = [line for line in lines if json.loads(line)["entity"] == "block"]
    assert len(blocks) == len(pairs)
    others = [line for line in lines if line not in blocks]
    file.write_text("".join([blocks[0], *others, *blocks[1:], end]))
    for _ in range(2):
        await empty.done("import", str(file))
    assert await findings(empty) == []
    async with empty.table() as table:
        assert [await MessagingStore(table).blocks.relation(*pair) for pair in pairs] == before


async def test_the_blocks_of_a_user_are_listed_and_the_look_is_logged(stock: Place) -> None:
    listed = await stock.done("blocks", "@Priya", "--reason", "look at blocks", "--json")
    [block] = listed.records
    assert (block["handle"], block["display_name"]) == ("theo", "Théo Marchand")
    assert "theo" in (await stock.done("blocks", "priya")).out
    for handle in ("priya", "theo"):
        reads = (await stock.done("audit", "list", handle, "--limit", "1000", "--json")).records
        assert "look at blocks" in [each["reason"] for each in reads]
    assert (await stock.done("blocks", "theo", "--json")).records == []
    assert (await stock.run("blocks", "nobody_at_all")).code == 1
