"""A Query of 20 items by aiodynamo's client, in an environment that has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiodynamo.client import Client
from aiodynamo.credentials import Key, StaticCredentials
from aiodynamo.expressions import HashKey
from aiodynamo.http.aiohttp import AIOHTTP
from aiohttp import ClientSession
from yarl import URL

from tests.benchmarks.clients.turns import REGION, TABLE, Call, take_turns


@asynccontextmanager
async def aiodynamo(address: str) -> AsyncIterator[Call]:
    credentials = StaticCredentials(Key(id="local", secret="local"))
    async with ClientSession() as session:
        client = Client(AIOHTTP(session), credentials, REGION, endpoint=URL(address))

        async def query() -> object:
            return [item async for item in client.query(TABLE, HashKey("pk", "x"))]

        yield query


if __name__ == "__main__":
    take_turns(aiodynamo)
