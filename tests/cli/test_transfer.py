"""export and import: the same after a round trip, checked line by line, repeatable."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from app.cli.seed.conversations import PEOPLE
from app.messaging.settings.store import SettingsStore
from migrations.postgres import migrate
from scripts.bootstrap import ROOT
from tests.cli.conftest import Place
from tests.fixtures.engines import database_of


def first_message(lines: list[str]) -> int:
    """The index of the first message, after the changes."""
    return next(index for index, line in enumerate(lines) if '"entity":"message"' in line)


async def test_a_round_trip_changes_nothing(stock: Place, empty: Place, tmp_path: Path) -> None:
    file = tmp_path / "juniper.jsonl"
    await stock.done("export", "--user", "juniper", "--output", str(file))
    [told] = (await empty.done("import", str(file), "--json")).records
    assert told["written"] + 1 == told["lines"] == len(file.read_text().splitlines())
    assert (await empty.done("export", "--user", "juniper")).out == file.read_text()
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    [again] = (await empty.done("import", str(file), "--json")).records
    assert again == {"lines": told["lines"], "kept": told["written"]}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_an_import_goes_on_where_it_stopped(
    empty: Place, engines: Place, tmp_path: Path, how: signal.Signals
) -> None:
    source, file = await engines.elsewhere().made(), tmp_path / "whole.jsonl"
    await source.done("seed", "--users", "4", "--groups", "3", "--messages", "3000")
    await source.done("export", "--user", "seed_000000", "--output", str(file))
    [last] = [json.loads(line) for line in file.read_text().splitlines() if '"end"' in line]
    await empty.interrupted("import", str(file), how=how, items=400)
    [told] = (await empty.done("import", str(file), "--json")).records
    assert told["kept"] >= 300
    assert told["kept"] + told["written"] == last["messages"] + last["changes"] + last["inbox_rows"]
    assert (await empty.done("export", "--user", "seed_000000")).out == file.read_text()
    assert "Everything fits" in (await empty.done("verify")).out


async def test_an_import_reads_a_pipe(stock: Place, empty: Place, tmp_path: Path) -> None:
    exported = (await stock.done("export", "juniper", "osman")).out
    [told] = (await empty.run("import", "-", "--json", typed=exported)).records
    assert told == {"lines": 138, "written": 137}
    (tmp_path / "group.jsonl").write_text(exported)
    line = f"cat {tmp_path}/group.jsonl | {sys.executable} -m app.cli import /dev/stdin --json"
    ended = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", line],
        env={**os.environ, **empty.environment},
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    assert json.loads(ended.stdout) == {"lines": 138, "kept": 137}


async def test_a_file_that_is_not_whole_is_refused(stock: Place, empty: Place, tmp_path: Path) -> None:
    lines = (await stock.done("export", "--user", "juniper")).out.splitlines(keepends=True)
    ends = [n for n, line in enumerate(lines) if '"inbox_row"' in line]
    files = {
        "nothing": ([], "it has no end after line 0"),
        "cut in a log": (lines[:50], "it has no end after line 50"),
        "cut after a group": (lines[: ends[1] + 1], "it has no end after line"),
        "cut in a line": ([*lines[:50], lines[50][:40]], "line 51:"),
        "no first": (lines[1:], "has no message 1 before 2"),
        "a hole": (lines[:2] + lines[3:], "has no message 3 before 4"),
        "no last message": (lines[: ends[0] - 1] + lines[ends[0] :], "ends at"),
        "no row": (lines[: ends[0]] + lines[ends[0] + 1 :], "not as many lines as it says"),
        "no group": (lines[ends[1] + 1 :], "not as many lines as it says"),
    }
    for name, (found, _) in files.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(found))
    runs = await asyncio.gather(*(empty.run("import", str(tmp_path / f"{name}.jsonl")) for name in files))
    for (name, (_, complaint)), ended in zip(files.items(), runs, strict=True):
        assert (ended.code, complaint in ended.complaint) == (2, True), (name, ended)
    assert (await empty.done("scan", "--json")).out == ""


async def test_a_damaged_log_is_imported_as_it_is_if_asked_for(stock: Place, empty: Place, tmp_path: Path) -> None:
    lines = (await stock.done("export", "juniper", "osman")).out.splitlines(keepends=True)
    end = json.loads(lines[-1])
    file = tmp_path / "hole.jsonl"
    fewer = lines[-1].replace(f'"messages":{end["messages"]}', f'"messages":{end["messages"] - 1}')
    first = first_message(lines)
    file.write_text("".join([*lines[: first + 2], *lines[first + 3 : -1], fewer]))
    assert (await empty.run("import", str(file))).code == 2
    await empty.done("import", str(file), "--damaged")
    assert (await empty.done("export", "juniper", "osman")).out == file.read_text()


async def test_a_different_message_at_the_same_number_is_kept_and_reported(
    stock: Place, empty: Place, tmp_path: Path
) -> None:
    file = tmp_path / "group.jsonl"
    await stock.done("export", "juniper", "osman", "--output", str(file))
    await empty.done("import", str(file))
    lines = file.read_text().splitlines()
    third = first_message(lines) + 2
    lines[third] = json.dumps(json.loads(lines[third]) | {"text": "something else"})
    file.write_text("\n".join(lines) + "\n")
    ended = await empty.run("import", str(file))
    assert ended.code == 1
    assert "has another message 3" in ended.err
    assert "something else" not in (await empty.done("get-conversation", "juniper", "osman", "--limit", "200")).out


WRONG = [
    ({"number": 0}, "line 2: number"),
    ({"extra": 1}, "line 2: extra"),
    ({"created_at": "soon"}, "line 2: created_at"),
    ({"entity": "other"}, "line 2:"),
    ({"text": None}, "line 2: text"),
]


async def test_a_wrong_line_is_named_and_nothing_is_written(stock: Place, empty: Place, tmp_path: Path) -> None:
    lines = (await stock.done("export", "juniper", "osman")).out.splitlines()
    good = lines[first_message(lines) :]
    files = [tmp_path / f"{number}.jsonl" for number in range(len(WRONG))]
    for file, (change, _) in zip(files, WRONG, strict=True):
        file.write_text(f"{good[0]}\n{json.dumps(json.loads(good[1]) | change)}\n")
    runs = await asyncio.gather(*(empty.run("import", str(file)) for file in files))
    for ended, (_, complaint) in zip(runs, WRONG, strict=True):
        assert ended.code == 2
        assert complaint in ended.complaint
    assert (await empty.done("scan", "--json")).out == ""


async def test_an_output_that_cannot_be_written_is_named(stock: Place, tmp_path: Path) -> None:
    ended = await stock.run("export", "juniper", "osman", "--output", str(tmp_path / "none" / "file.jsonl"))
    assert ended.code == 2
    assert "cannot be written" in ended.complaint


async def test_a_whole_installation_moves_with_its_people(engines: Place, database_url: str, tmp_path: Path) -> None:
    source, target = await new_installation(engines, database_url), await new_installation(engines, database_url)
    await source.done("seed")
    await source.done("seed", "--users", "30", "--groups", "60", "--messages", "400")
    await source.done("users", "disable", "seed_000003")
    connection = await asyncpg.connect(source.environment["DATABASE_URL"])
    await connection.execute("UPDATE users SET about = 'Tea', is_discoverable = false WHERE handle = 'seed_000004'")
    await connection.close()
    async with source.table() as table:
        for person in PEOPLE[:2]:
            await SettingsStore(table).change(
                person.uuid, {"receipts": False, "messages_from": "contacts", "typing": False, "presence": True}
            )
    file = tmp_path / "all.jsonl"
    await source.done("export", "--all", "--output", str(file))
    assert file.stat().st_mode & 0o777 == 0o600, "it holds messages and addresses"
    [told] = (await target.done("import", str(file), "--json")).records
    assert told == {"lines": 591 + 26 + 22 + 120 + 2 + 35 + 1 + 2 + 1, "written": 591 + 26 + 22 + 120 + 2 + 35 + 1 + 2}
    assert (await target.done("verify")).out.endswith("Everything fits.\n")
    for command in (["scan", "--json"], ["export", "--all"]):
        scans = [(await place.done(*command)).out.splitlines() for place in (source, target)]
        one, other = (sorted(json.dumps(json.loads(line), sort_keys=True) for line in scan) for scan in scans)
        assert one == other
    [again] = (await target.done("import", str(file), "--json")).records
    assert again == {"lines": told["lines"], "kept": told["written"]}


async def test_an_interrupted_export_of_all_goes_on(engines: Place, database_url: str, tmp_path: Path) -> None:
    place = await new_installation(engines, database_url)
    await place.done("seed", "--users", "10", "--groups", "40", "--messages", "400")
    whole = (await place.done("export", "--all")).out
    lines, file = whole.splitlines(keepends=True), tmp_path / "all.jsonl"
    part = tmp_path / "all.jsonl.part"
    for cut in (0, 5, 12, 240, 479, 480, 485, len(lines)):
        part.write_text("".join(lines[:cut]) + ('{"entity":"mess' if cut % 2 else ""))
        ended = await place.done("export", "--all", "--output", str(file))
        assert file.read_text() == whole, cut
        assert ("groups were exported before" in ended.err) == (cut > 12), cut
        assert not part.exists()


async def test_a_user_whose_handle_another_user_has_is_reported(
    engines: Place, database_url: str, tmp_path: Path
) -> None:
    source, target = await new_installation(engines, database_url), await new_installation(engines, database_url)
    await source.done("seed")
    file = tmp_path / "all.jsonl"
    await source.done("export", "--all", "--output", str(file))
    connection = await asyncpg.connect(target.environment["DATABASE_URL"])
    await connection.execute(
        "INSERT INTO users (handle, display_name, cognito_user_id) VALUES ('theo', 'Another', 'another')"
    )
    await connection.close()
    ended = await target.run("import", str(file))
    assert (ended.code, "@theo is not there: another user has the handle" in ended.err) == (1, True), ended


async def new_installation(engines: Place, database_url: str) -> Place:
    """An empty table and an empty database, which goes with its engine."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    url = f"{database_url.rpartition('/')[0]}/{name}"
    await asyncio.to_thread(migrate, database_of(url))
    return await Place({**engines.elsewhere().environment, "DATABASE_URL": url}).made()
