"""Values in batches, and values worked on several at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the values in lists of this size, the last one shorter, as itertools.batched does from Python 3.12 on."""
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch


async def for_each(values: Iterable[T], work: Callable[[T], Awaitable[object]], *, at_once: int) -> None:
    """Do the work for all values, in their order and so many at a time."""
    queue = iter(values)

    async def run() -> None:
        for value in queue:
            await work(value)

    async with asyncio.TaskGroup() as workers:
        for _ in range(at_once):
            workers.create_task(run())
