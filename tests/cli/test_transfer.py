"""export and import: the same after a round trip, checked line by line, repeatable."""

import asyncio
import json
from pathlib import Path

from tests.cli.conftest import Place


async def test_a_round_trip_changes_nothing(stock: Place, empty: Place, tmp_path: Path) -> None:
    file = tmp_path / "juniper.jsonl"
    await stock.done("export", "--user", "juniper", "--output", str(file))
    [told] = (await empty.done("import", str(file), "--json")).records
    assert told["written"] == told["lines"] == len(file.read_text().splitlines())
    assert (await empty.done("export", "--user", "juniper")).out == file.read_text()
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")
    [again] = (await empty.done("import", str(file), "--json")).records
    assert again == {"lines": told["lines"], "kept": told["lines"]}


async def test_an_import_goes_on_where_it_stopped(stock: Place, empty: Place, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.jsonl", tmp_path / "half.jsonl"
    await stock.done("export", "juniper", "osman", "--output", str(whole))
    half.write_text("".join(whole.read_text().splitlines(keepends=True)[:50]))
    await empty.done("import", str(half))
    ended = await empty.done("import", str(whole))
    assert ended.out == "78 of 128 lines written, 50 were there already.\n"


async def test_a_different_message_at_the_same_number_is_kept_and_reported(
    stock: Place, empty: Place, tmp_path: Path
) -> None:
    file = tmp_path / "group.jsonl"
    await stock.done("export", "juniper", "osman", "--output", str(file))
    await empty.done("import", str(file))
    line = json.loads(file.read_text().splitlines()[2]) | {"text": "something else"}
    file.write_text(json.dumps(line) + "\n")
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
    good = (await stock.done("export", "juniper", "osman")).out.splitlines()
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
