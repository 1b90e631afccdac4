"""One bare, unsigned aiohttp POST and its answer as JSON: the unit of the benchmarks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.benchmarks.clients.turns import Call, take_turns


@asynccontextmanager
async def bare(address: str) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession() as session:

        async def post() -> object:
            async with session.post(address, data=b"{}") as response:
                return await response.json(content_type=None)

        yield post


if __name__ == "__main__":
    take_turns(bare)
