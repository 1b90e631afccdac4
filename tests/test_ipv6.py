"""The service on IPv6, and engines on IPv6."""

import asyncio
import signal
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from app.settings import Settings
from tests.fixtures.app import Person
from tests.http.faulty import Cable
from tests.tools.servers import START_SECONDS, Server, answers


@pytest.mark.parametrize(("host", "addresses"), [("::1", ["[::1]"]), ("::", ["[::1]", "127.0.0.1"])])
async def test_a_service_on_ipv6_is_reached_by_its_addresses(
    settings: Settings, host: str, addresses: list[str]
) -> None:
    server = Server(settings, variables={"HOST": host})
    await server.start(at=addresses[0])
    async with httpx.AsyncClient(trust_env=False) as client:
        answered = [await answers(client, f"http://{address}:{server.port}") for address in addresses]
    assert await server.stop(signal.SIGTERM) == 0
    assert all(answered)


async def test_engines_are_reached_by_addresses_of_ipv6(
    settings: Settings, valkey_url: str, ann: Person, bob: Person
) -> None:
    async with AsyncExitStack() as stack:

        async def on_ipv6(url: str) -> str:
            port = urlsplit(url).port or 0
            cable = await stack.enter_async_context(Cable(port).plugged_in("::1"))
            return url.replace(f"127.0.0.1:{port}", f"[::1]:{cable.port}")

        urls = {
            "dynamodb_endpoint_url": await on_ipv6(str(settings.dynamodb_endpoint_url)),
            "database_url": SecretStr(await on_ipv6(settings.database_url.get_secret_value())),
            "valkey_url": SecretStr(await on_ipv6(valkey_url)),
        }
        server = Server(settings.model_copy(update=urls))
        await server.start()
        headers = {"authorization": f"Bearer {ann.token}"}
        async with httpx.AsyncClient(base_url=server.address, headers=headers, trust_env=False, timeout=60) as client:
            async with asyncio.timeout(START_SECONDS):
                while (await client.get("/readyz")).json()["status"] != "ok":  # noqa: ASYNC110  # it has no event
                    await asyncio.sleep(0.1)
            sent = await client.post("/api/messages", json={"message": "Hello", "handle": bob.handle})
        assert await server.stop(signal.SIGTERM) == 0
    assert sent.status_code == 200
