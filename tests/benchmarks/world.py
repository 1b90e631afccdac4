"""Engines of a benchmark's own, and signed-in users."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import aiohttp
from aiohttp import web

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from migrations.dynamodb_table import create_table
from migrations.postgres import migrate
from scripts.engines.dynamodb import local_dynamodb
from scripts.engines.postgres import Postgres
from scripts.engines.process import Engine, stop_all
from scripts.engines.valkey import Valkey

Measure = Callable[[Settings, LocalIssuer], Awaitable[None]]


class Visitor:
    """A signed-in user, over one connection pool."""

    def __init__(self, session: aiohttp.ClientSession, address: str, token: str) -> None:
        self._session = session
        self._address = address
        self._headers = {"authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: object = None) -> object:
        async with self._session.request(method, self._address + path, json=body, headers=self._headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def register(self, handle: str) -> None:
        await self.ask("POST", "/api/users", {"handle": handle, "display_name": handle})

    async def send(self, handle: str) -> None:
        await self.ask("POST", "/api/messages", {"handle": handle, "message": "x" * 100})


def run(measure: Measure, *, with_valkey: bool = False) -> None:
    """Start the engines, measure with settings that lead to them, stop them."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        data = Path(folder)
        data.chmod(0o711)
        engines: list[Engine] = [local_dynamodb(data), Postgres(data), *([Valkey(data)] if with_valkey else [])]
        stack.callback(stop_all, engines)
        for engine in engines:
            engine.start()
        for engine in engines:
            engine.wait_until_ready()
        migrate(engines[1].address)
        asyncio.run(_run(measure, *(engine.address for engine in engines), data=data))


async def _run(
    measure: Measure, dynamodb_url: str, database_url: str, valkey_url: str | None = None, *, data: Path
) -> None:
    async def keys(_: web.Request) -> web.Response:
        return web.json_response(issuer.jwks())

    app = web.Application()
    app.router.add_get("/pool/.well-known/jwks.json", keys)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = Settings(
        environment="test",
        data_dir=data,
        database_url=database_url,
        dynamodb_endpoint_url=dynamodb_url,
        valkey_url=valkey_url,
        cognito_issuer_url=f"http://127.0.0.1:{runner.addresses[0][1]}/pool",
        cognito_client_ids=("web",),
    )
    issuer = LocalIssuer(settings)
    await create_table(settings)
    await measure(settings, issuer)
    await runner.cleanup()
