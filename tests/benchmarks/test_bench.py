import asyncio
import json
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.bootstrap import ROOT
from tests.benchmarks import edge
from tests.benchmarks.attacker import KINDS, Means, attack
from tests.benchmarks.bars import BARS, Bar, Verdict
from tests.benchmarks.figures import Figure, Rounds, number
from tests.benchmarks.processes import Machine
from tests.benchmarks.report import lines, save, table


def test_the_command_explains_itself() -> None:
    shown = subprocess.run([ROOT / "scripts" / "bench", "--help"], capture_output=True, text=True, check=True)
    assert "--only" in shown.stdout


def test_a_bar_is_met_from_its_side() -> None:
    assert Verdict(Figure("a", "time", "ms", [4.0, 5.0, 9.0]), Bar(5)).word == "met"
    assert Verdict(Figure("a", "time", "ms", [4.0, 6.0, 9.0]), Bar(5)).word == "not met"
    assert Verdict(Figure("a", "time", "ms", [4.0, 6.0, 9.0]), Bar(5, 7)).word == "first step"
    assert Verdict(Figure("a", "ratio", "×", [6.0]), Bar(5, at_least=True)).word == "met"
    assert Verdict(Figure("a", "ratio", "×", [4.0]), Bar(5, at_least=True)).word == "not met"
    assert Verdict(Figure("a", "ratio", "×", [4.0]), None).word == ""


async def test_the_calls_of_the_edge_are_answered(tmp_path: Path) -> None:
    driver = await asyncio.to_thread(edge.driver_in, tmp_path)  # it reads files
    answers = [await call() for call in edge.calls_of(driver).values()]
    assert all(answers)


def test_numbers_have_three_digits() -> None:
    assert [number(value) for value in (0, 0.0067, 0.111, 1.5, 12.34, 1234.5)] == [
        "0", "0.0067", "0.111", "1.5", "12.3", "1,234",
    ]  # fmt: skip


def test_a_run_is_written_as_data_table_and_picture(tmp_path: Path) -> None:
    rounds, (subject, quantity) = Rounds(), next(iter(BARS))
    for value in (0.2, 0.3, 0.25):
        rounds.add(subject, quantity, "×", value)
    save(tmp_path, {"query": rounds.figures()}, Machine.this(), datetime.now(UTC))
    (figure,) = json.loads((tmp_path / "bench.json").read_text())["parts"]["query"]
    assert (figure["median"], figure["low"], figure["high"], figure["met"]) == (0.25, 0.2, 0.3, False)
    assert f"| {subject} | 0.25 (0.2–0.3); ≤ 0.1: not met |" in (tmp_path / "bench.md").read_text()
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    (line,) = lines(rounds.figures())
    assert line.endswith("not met")


def test_a_table_has_the_longer_side_as_rows() -> None:
    figures = [Figure("a", name, "ms", [1]) for name in ("one", "two")]
    assert table("part", figures).splitlines() == [
        "| part | a |",
        "| --- | --- |",
        "| one, ms | 1 |",
        "| two, ms | 1 |",
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_attack_is_one(kind: str) -> None:
    received = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                received += len(data)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = "http://{}:{}".format(*server.sockets[0].getsockname())
        outcomes = await attack(address, kind, 0.1, Means("token", ["group"], ["handle"]))
        await asyncio.sleep(0.05)  # the connections end
    assert outcomes["200"] or outcomes["connections"]
    assert received or kind == "silent sockets"
