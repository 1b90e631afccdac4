"""The locks of groups: one holder at a time, in order, and none is kept that is not in use."""

import asyncio
from uuid import uuid4

from app.messaging.group_locks import GroupLocks


async def test_holders_of_a_group_take_turns_in_the_order_of_their_calls_and_leave_nothing() -> None:
    locks, group, other = GroupLocks(), uuid4(), uuid4()
    seen: list[str] = []

    async def hold(name: str) -> None:
        async with locks.of(group):
            seen.append(f"{name} in")
            await asyncio.sleep(0.01)
            seen.append(f"{name} out")

    holders = [asyncio.create_task(hold(name)) for name in "abc"]
    await asyncio.sleep(0)
    holders[1].cancel()
    async with locks.of(other):
        seen.append("other")
    await asyncio.wait(holders)
    assert seen == ["a in", "other", "a out", "c in", "c out"]
    assert not locks._locks  # noqa: SLF001  # as no lock is in use
