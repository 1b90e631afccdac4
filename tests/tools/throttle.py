"""A DynamoDB that throttles: a real HTTP server in front of an engine, which refuses a share of the calls as AWS does.

Every operation meets more throttles in a row at first than one layer of retries survives, and then a share of them. Of
a batch, half is left unprocessed instead, every other time.
"""

import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any, Final

import aiohttp
from aiohttp import web

from app.gateways.dynamodb import MAX_ATTEMPTS

THROTTLES: Final = (
    (
        "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded.",
    ),
    ("com.amazon.coral.availability#ThrottlingException", "Rate of requests exceeds the allowed throughput."),
    ("com.amazonaws.dynamodb.v20120810#RequestLimitExceeded", "Throughput exceeds the current throughput limit."),
)
LEFT: Final = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}
JSON: Final = "application/x-amz-json-1.0"
PASSED_ON: Final = ("x-amz-target", "authorization", "x-amz-date", "content-type")


class Proxy(ABC):
    """A server that passes calls on to an engine."""

    def __init__(self, engine: str, session: aiohttp.ClientSession) -> None:
        self._engine, self._session = engine, session
        self.url = ""

    @abstractmethod
    async def answer(self, request: web.Request) -> web.Response:
        """Answer a call."""

    async def _ask(self, request: web.Request, body: bytes) -> dict[str, Any]:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        async with self._session.post(self._engine, data=body, headers=headers) as answer:
            return {"status": answer.status, "body": await answer.read(), "content_type": JSON}


class Gate(Proxy):
    """Answers the calls that write until so many items are written; later ones get no answer, though they are done.

    So a process is interrupted in the middle of its work, however long the test takes to send the signal.
    """

    def __init__(self, engine: str, session: aiohttp.ClientSession, *, items: int) -> None:
        super().__init__(engine, session)
        self._left = items
        self.is_shut = asyncio.Event()
        self._ends = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = await self._ask(request, body)
        self._left -= body.count(b'"PutRequest"') + request.headers["x-amz-target"].endswith(
            (".PutItem", ".UpdateItem")
        )
        if self._left <= 0:
            self.is_shut.set()
            await self._ends.wait()
        return web.Response(**answer)

    def end(self) -> None:
        self._ends.set()


class Throttling(Proxy):
    """The proxy, and how often it refused a call or left a part of one, by operation."""

    def __init__(self, engine: str, session: aiohttp.ClientSession, *, share: float, seed: int = 1) -> None:
        super().__init__(engine, session)
        self._share = share
        self._random = random.Random(seed)  # noqa: S311  # repeatable
        self._throttles = cycle(THROTTLES)
        self.seen: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.left: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.Response:
        operation = request.headers["x-amz-target"].partition(".")[2]
        body = await request.read()
        self.seen[operation] += 1
        if self.seen[operation] <= MAX_ATTEMPTS + 1 or self._random.random() < self._share:
            self.throttled[operation] += 1
            kind, words = next(self._throttles)
            return web.json_response({"__type": kind, "message": words}, status=400, content_type=JSON)
        if operation in LEFT and self.seen[operation] % 2:
            return await self._half(operation, request, json.loads(body))
        return web.Response(**await self._ask(request, body))

    async def _half(self, operation: str, request: web.Request, asked: dict[str, Any]) -> web.Response:
        """Does the first half and hands the rest back."""
        [(table, batch)] = asked["RequestItems"].items()
        whole = batch if isinstance(batch, list) else batch["Keys"]

        def part(entries: list[Any]) -> dict[str, Any]:
            return {table: entries if batch is whole else batch | {"Keys": entries}}

        middle = len(whole) // 2 + 1
        rest = whole[middle:]
        self.left[operation] += len(rest)
        told = await self._ask(request, json.dumps(asked | {"RequestItems": part(whole[:middle])}).encode())
        answer = json.loads(told["body"]) | {LEFT[operation]: part(rest) if rest else {}}
        return web.json_response(answer, status=told["status"], content_type=JSON)


@asynccontextmanager
async def throttling(engine: str, *, share: float = 0.3) -> AsyncIterator[Throttling]:
    """In front of the engine at this address, for as long as the block runs."""
    async with aiohttp.ClientSession(auto_decompress=True) as session:
        proxy = Throttling(engine, session, share=share)
        async with served(proxy):
            yield proxy


@asynccontextmanager
async def gate(engine: str, *, items: int) -> AsyncIterator[Gate]:
    """Open a gate in front of the engine at this address, for as long as the block runs."""
    async with aiohttp.ClientSession(auto_decompress=True) as session:
        proxy = Gate(engine, session, items=items)
        async with served(proxy):
            try:
                yield proxy
            finally:
                proxy.end()


@asynccontextmanager
async def served(proxy: Proxy) -> AsyncIterator[None]:
    """Serve the proxy for as long as the block runs."""
    app = web.Application(client_max_size=20_000_000)
    app.router.add_post("/", proxy.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()
