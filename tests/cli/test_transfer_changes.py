"""export and import with changes: equal after a round trip, brought up to date, resumed after a cut."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.cli.batches import batched
from app.cli.console import Console
from app.cli.conversations.group_reader import GroupReader
from app.cli.conversations.importing import Importer
from app.cli.conversations.lines import MessageLine, end_line
from app.cli.failures import Failure
from app.cli.seed.synthetic import Group
from app.cli.services import open_services
from app.gateways.dynamodb import Table
from app.messaging import items
from app.messaging.changes import Changes
from app.messaging.models import Block, ChangeType
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.cli.test_verify import findings
from tests.cli.test_verify_changes import GROUPS, SIZE, Died, draft, edit, history, make, process

USER = ("--user", "seed_000000")
OWN = [group for group in GROUPS if GROUPS[0].one in (group.one, group.other)]
"""The groups of seed_000000."""


@pytest_asyncio.fixture
async def source(engines: Place) -> Place:
    """A table with groups in which messages were edited and deleted, and reactions given and taken back."""
    place = await engines.elsewhere().made()
    await place.done("seed", *SIZE)
    async with place.table() as table:
        for group in OWN:
            await history(table, group)
            await history(table, group, number=2)
            async with process(table) as changes:
                await make(changes, draft(group, ChangeType.DELETE, number=2))
    return place


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_changes_are_the_same_after_a_round_trip(source: Place, empty: Place, tmp_path: Path) -> None:
    file = tmp_path / "group.jsonl"
    await source.done("export", *USER, "--output", str(file))
    lines = records(file.read_text())
    assert [line["entity"] for line in lines][:17] == ["change"] * 11 + ["message"] * 4 + ["inbox_row"] * 2
    assert lines[-1]["changes"] == 11 * len(OWN)
    [told] = (await empty.done("import", str(file), "--json")).records
    assert told == {"lines": len(lines), "written": len(lines) - 1}
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    assert (await empty.done("export", *USER)).out == file.read_text()
    assert (await empty.done("import", str(file), "--json")).records == [{"lines": len(lines), "kept": len(lines) - 1}]
    owner = f"user_uuid={OWN[0].one}"
    scans = [(await place.done("scan", "--json", "--filter", owner)).out.splitlines() for place in (source, empty)]
    assert sorted(scans[0]) == sorted(scans[1])


async def test_a_change_that_a_dead_process_has_left_is_the_same_after_a_round_trip(
    source: Place, empty: Place, tmp_path: Path
) -> None:
    file = tmp_path / "group.jsonl"
    async with source.table() as table:
        for writes, group in enumerate(OWN, 1):
            async with process(table, writes=writes) as changes:
                with suppress(Died):
                    await make(changes, draft(group, ChangeType.DELETE))
    await source.done("export", *USER, "--output", str(file))
    await empty.done("import", str(file))
    assert await findings(empty, "--repair")
    assert await findings(empty) == []
    assert "third text" not in (await empty.done("scan", "--json")).out


NEW = {
    "message": {"version", "change_number", "edits", "reactions", "edited_at", "deleted_at"},
    "inbox_row": {"change_number", "changed_at", "received_number", "is_marked_unread"},
    "end": {"changes", "settings"},
}
"""The members of lines that earlier versions did not write."""


async def test_an_export_of_an_earlier_version_is_imported(source: Place, empty: Place, tmp_path: Path) -> None:
    file = tmp_path / "old.jsonl"
    lines = [
        {name: value for name, value in line.items() if name not in NEW[line["entity"]]}
        for line in records((await source.done("export", *USER)).out)
        if line["entity"] != "change"
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    await empty.done("import", str(file))
    kinds = {kind for kind, *_ in await findings(empty)}
    assert kinds <= {"row-differs"}, "the previews of this test's rows are those of edited messages"


@pytest.mark.parametrize("cut", [3, 13, 16, 20])
async def test_an_import_that_was_cut_is_finished(source: Place, empty: Place, tmp_path: Path, cut: int) -> None:
    """Nothing that verify --repair does in between harms a message."""
    file = tmp_path / "group.jsonl"
    await source.done("export", *USER, "--output", str(file))
    async with empty.table() as table:
        importer = Importer(Console(), table, None)
        for batch in batched(file.read_bytes().splitlines()[:cut], 2):
            await importer.write(batch)
    await empty.run("verify", "--repair")
    await empty.done("import", str(file))
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    exports = [records((await place.done("export", *USER)).out) for place in (source, empty)]
    without_rows = [[line for line in lines if line["entity"] != "inbox_row"] for lines in exports]
    assert without_rows[0] == without_rows[1]


async def test_a_later_export_brings_messages_up_to_their_changes(source: Place, empty: Place, tmp_path: Path) -> None:
    file = tmp_path / "group.jsonl"
    await source.done("export", *USER, "--output", str(file))
    await empty.done("import", str(file))
    group, other = OWN[:2]
    async with source.table() as table, process(table) as changes:
        await make(changes, draft(group, ChangeType.DELETE), edit(other, "fourth text", version=3))
    await source.done("export", *USER, "--output", str(file))
    await empty.done("import", str(file))
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    assert (await empty.done("export", *USER)).out == file.read_text()


async def test_an_earlier_export_changes_nothing_of_what_has_gone_on(
    source: Place, empty: Place, tmp_path: Path
) -> None:
    file = tmp_path / "group.jsonl"
    await source.done("export", *USER, "--output", str(file))
    await empty.done("import", str(file))
    async with empty.table() as table, process(table) as changes:
        await make(changes, draft(OWN[0], ChangeType.DELETE), edit(OWN[1], "fourth text", version=3))
    before = (await empty.done("export", *USER)).out
    [told] = (await empty.done("import", str(file), "--json")).records
    assert told["kept"] == told["lines"] - 1
    assert (await empty.done("export", *USER)).out == before
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")


async def test_another_change_at_the_same_number_is_kept_and_reported(
    source: Place, empty: Place, tmp_path: Path
) -> None:
    file = tmp_path / "group.jsonl"
    await source.done("export", *USER, "--output", str(file))
    await empty.done("import", str(file))
    before = (await empty.done("export", *USER)).out
    lines = records(file.read_text())
    lines[0]["uuid"] = str(uuid4())
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = await empty.run("import", str(file))
    assert (ended.code, "has another change 1" in ended.err) == (1, True), ended
    assert (await empty.done("export", *USER)).out == before


async def test_a_file_without_some_of_its_changes_is_refused(source: Place, empty: Place, tmp_path: Path) -> None:
    lines = (await source.done("export", *USER)).out.splitlines(keepends=True)
    files = {
        "no first": (lines[1:], "has no change 1 before 2"),
        "a hole": (lines[:3] + lines[4:], "has no change 4 before 5"),
        "no last": (lines[:10] + lines[11:], "is at change 11, and its changes end at 10"),
        "none": (lines[11:], "and its changes end at 0"),
    }
    for name, (found, complaint) in files.items():
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(found))
        ended = await empty.run("import", str(file))
        assert (ended.code, complaint in ended.complaint) == (2, True), (name, ended)
    assert (await empty.done("scan", "--json")).out == ""


async def test_a_message_that_comes_again_in_the_same_lines_is_written_in_their_order(empty: Place) -> None:
    [group], sent = OWN[:1], OWN[0].sent(1)
    again = [replace(sent, change_number=number, reactions={"🌱": frozenset({group.one})}) for number in (3, 5, 9)]
    lines = [MessageLine.of(message).model_dump_json().encode() for message in (sent, *again)]
    async with empty.table() as table:
        await Importer(Console(), table, None).write(lines)
        assert await MessagingStore(table).message(group.uuid, 1) == again[-1]


async def test_a_message_beyond_the_end_of_a_blocked_group_is_reported(
    empty: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    group, sent = OWN[0], OWN[0].sent(1)
    async with empty.table() as table:
        await MessagingStore(table).blocks.block(Block(group.one, group.other, sent.created_at))
        importer = Importer(Console(), table, None)
        await importer.write([MessageLine.of(sent).model_dump_json().encode()])
        with pytest.raises(Failure, match="1 messages, changes or users differ"):
            importer.show(1)
    assert f"Group {group.uuid} is blocked, and takes no message 1." in capsys.readouterr().err


async def converse(table: Table, changes: Changes, group: Group) -> None:
    """Send messages without end, edit each and react to it, and delete every other one."""
    store = MessagingStore(table)
    for number in count(group.size + 1):
        message = group.sent(number)
        await table.put(items.new_message(message))
        for user, _ in group.members:
            await store.advance_inbox_row(message, user=user)
        await make(
            changes,
            edit(group, "secret text", number=number),
            draft(group, ChangeType.REACT, number=number, emoji="🌱"),
            *([draft(group, ChangeType.DELETE, number=number)] if number % 2 else []),
        )


async def test_an_export_of_groups_that_go_on_fits_at_its_end(source: Place, engines: Place, tmp_path: Path) -> None:
    async with source.table() as table, process(table) as changes:
        tasks = [asyncio.create_task(converse(table, changes, group)) for group in OWN]
        files = [tmp_path / f"{number}.jsonl" for number in range(4)]
        for file in files:
            await source.done("export", *USER, "--output", str(file))
        assert not [task.exception() for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert any(len(again(file)) > 0 for file in files), "no group was changed during its export"
    for file in files:
        target = await engines.elsewhere().made()
        await target.done("import", str(file))
        found = {kind for kind, *_ in await findings(target, "--repair")}
        assert found <= {"message-behind", "row-behind", "deletion-unfinished"}
        assert await findings(target) == []


def again(file: Path) -> list[tuple[str, int]]:
    """The messages that a file has more than once."""
    lines = records(file.read_text())
    messages = Counter((line["group_uuid"], line["number"]) for line in lines if line["entity"] == "message")
    return [message for message, lines_of in messages.items() if lines_of > 1]


async def test_a_message_that_is_deleted_during_its_export_leaves_no_texts(
    source: Place, empty: Place, tmp_path: Path
) -> None:
    """The change log is read, then the message is deleted, then messages and rows are read."""
    file, [group] = tmp_path / "group.jsonl", OWN[:1]
    async with source.table() as table, open_services(source.settings) as services:
        reader = GroupReader(services, group.uuid)
        await reader.begin()
        async with process(table) as changes:
            await make(changes, draft(group, ChangeType.DELETE))
        lines = [line.model_dump_json() async for line in reader.lines()]
    counts = Counter(json.loads(line)["entity"] for line in lines)
    file.write_text("\n".join([*lines, end_line(counts).model_dump_json(), ""]))
    assert "third text" in file.read_text()
    await empty.done("import", str(file))
    assert "third text" not in (await empty.done("scan", "--json")).out
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    assert (await empty.done("export", str(group.uuid))).out == (await source.done("export", str(group.uuid))).out
    await empty.done("import", str(file))
