"""What verify finds in many groups: several are inspected at a time, and reported in their order."""

import asyncio
from collections.abc import AsyncIterator

from app.cli.table.findings import INSPECTED_AT_ONCE, Finding, findings_of


async def test_values_are_inspected_several_at_a_time_and_reported_in_their_order() -> None:
    running, most = 0, 0

    async def inspect(value: int) -> AsyncIterator[Finding]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01 * (value % 3))  # for writers, and the later ones are ready first
        running -= 1
        for kind in ("one", "two")[: value % 3]:
            yield Finding(kind, str(value))

    count = 2 * INSPECTED_AT_ONCE + 3
    found = [(it.detail, it.kind) async for it in findings_of(range(count), inspect)]
    assert found == [(str(value), kind) for value in range(count) for kind in ("one", "two")[: value % 3]]
    assert most == INSPECTED_AT_ONCE
