"""A throttled table slows commands down and makes none of them fail: each prints what it prints on a quiet table."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest_asyncio

from tests.cli.conftest import Place
from tests.tools.command import Ended
from tests.tools.throttle import Throttling, throttling

CROWD = ("seed", "--users", "12", "--groups", "20", "--messages", "400")
QUICK: Final = {"app.concurrency.DYNAMODB_REQUEST.longest": 0.01, "app.concurrency.DYNAMODB_COMMAND.longest": 0.02}
"""The bounds of the waits between the attempts, in seconds: it counts how many there are."""


def quick(place: Place) -> Place:
    return replace(place, constants={**place.constants, **QUICK})


@pytest_asyncio.fixture
async def proxy(engines: Place) -> AsyncIterator[Throttling]:
    async with throttling(engines.environment["DYNAMODB_ENDPOINT_URL"]) as proxy:
        yield proxy


async def same(place: Place, proxy: Throttling, *arguments: str) -> Ended:
    """The command through the proxy, which must print what it prints without."""
    place = quick(place)
    proxy.seen.clear()  # each command meets a wall at first
    before = proxy.throttled.total()
    quiet, slow = await asyncio.gather(
        place.done(*arguments), place.done(*arguments, DYNAMODB_ENDPOINT_URL=proxy.url, LOG_LEVEL="WARNING")
    )
    assert slow.out == quiet.out
    assert proxy.throttled.total() > before
    assert "dynamodb_retry" in slow.err
    return slow


async def test_reading_commands_wait_throttles_out(stock: Place, proxy: Throttling) -> None:
    await same(stock, proxy, "get-conversation", "juniper", "osman", "--limit", "60")
    assert proxy.throttled["Query"] > 6, "one layer of retries does not survive that"
    await same(stock, proxy, "list-conversations", "juniper", "--json")
    await same(stock, proxy, "export", "--user", "juniper")
    scanned = await same(stock, proxy, "scan", "--segments", "1")
    assert proxy.throttled["Scan"] > 6
    assert "tries met a throttle or another fault" in scanned.err
    await same(stock, proxy, "verify", "--json")
    await same(stock, proxy, "describe")
    assert proxy.throttled["DescribeTable"] > 6


async def test_seed_waits_throttles_out(empty: Place, engines: Place, proxy: Throttling) -> None:
    other = await engines.elsewhere().made()
    [told] = (await quick(empty).done(*CROWD, "--json", DYNAMODB_ENDPOINT_URL=proxy.url)).records
    assert told["messages"] == 400
    assert proxy.throttled["BatchWriteItem"] > 6
    assert proxy.left["BatchWriteItem"] > 20
    await other.done(*CROWD)
    scans = [sorted((await place.done("scan", "--json")).out.splitlines()) for place in (empty, other)]
    assert scans[0] == scans[1]
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")


async def test_import_waits_throttles_out(stock: Place, empty: Place, proxy: Throttling, tmp_path: Path) -> None:
    file = tmp_path / "juniper.jsonl"
    await stock.done("export", "--user", "juniper", "--output", str(file))
    [told] = (await quick(empty).done("import", str(file), "--json", DYNAMODB_ENDPOINT_URL=proxy.url)).records
    assert told["written"] + 1 == told["lines"]
    assert proxy.throttled.total() > 20
    assert (await empty.done("export", "--user", "juniper")).out == file.read_text()


async def test_schema_load_verify_and_drop_wait_throttles_out(engines: Place, proxy: Throttling) -> None:
    place = quick(engines.elsewhere())
    throttled = {"DYNAMODB_ENDPOINT_URL": proxy.url}
    await place.done("schema-load", **throttled)
    assert "as it should be" in (await place.done("schema-load")).out
    await place.done("seed", **throttled)
    await place.done("verify", "--repair", **throttled)
    await place.done("drop", place.table_name, "--yes", **throttled)
    assert place.table_name not in (await place.done("list-tables")).out
