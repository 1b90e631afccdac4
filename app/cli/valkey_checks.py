"""The checks of Valkey for the command doctor."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from app.cli.failures import Failure
from app.gateways.valkey import Endpoint, Valkey, ValkeyUnavailable
from app.gateways.valkey.examination import examine
from app.main.lifespan import VALKEY_TRIAL
from app.realtime.valkey_bus import TRIAL_CHANNEL
from app.settings import ValkeySettings, read_settings

SECONDS = 3.0
"""The longest that Valkey may take for one check."""

T = TypeVar("T")
Check = Callable[[], Awaitable[str]]


def valkey_checks() -> dict[str, Check]:
    """Return the checks of the server's role, memory, commands and channels; of their absence without VALKEY_URL."""
    settings = read_settings(ValkeySettings)
    if settings.valkey_url is None:
        return {"valkey": _no_valkey}
    endpoint = Endpoint(settings.valkey_url.get_secret_value(), settings.valkey_password_file)
    return {
        "valkey": lambda: _role(endpoint),
        "valkey memory": lambda: _memory(endpoint),
        "valkey commands": lambda: _commands(endpoint),
        "valkey channels": lambda: _channels(endpoint),
    }


async def _no_valkey() -> str:
    return "VALKEY_URL is not set, which is right for one process"


async def _role(endpoint: Endpoint) -> str:
    server = await _explained(examine(endpoint))
    if server.mode == "sentinel":
        raise Failure("it is a Sentinel: VALKEY_URL must name the primary")
    if server.role != "master" and server.mode != "cluster":
        raise Failure("it is a replica, which takes no writes: VALKEY_URL must name the primary (writer) endpoint")
    place = "a cluster" if server.mode == "cluster" else "a primary"
    return f"{server.name} {server.version}, {place}"


async def _memory(endpoint: Endpoint) -> str:
    server = await _explained(examine(endpoint))
    if server.memory_policy is None:
        return "the account may not ask (INFO): make sure that maxmemory-policy is allkeys-lru"
    if server.max_memory and server.memory_policy == "noeviction":
        raise Failure("maxmemory-policy is noeviction, so writes fail when it is full: set allkeys-lru")
    bound = f"at most {server.max_memory:,} bytes" if server.max_memory else "no maxmemory: set one"
    return f"{bound}, {server.memory_policy}"


async def _commands(endpoint: Endpoint) -> str:
    async with aclosing(Valkey(endpoint, call_seconds=SECONDS)) as valkey:
        try:
            await valkey.calls(VALKEY_TRIAL)
        except ValkeyUnavailable:
            raise Failure(_sentence(valkey.fault)) from None
    return "the account may use all that the service needs"


async def _channels(endpoint: Endpoint) -> str:
    received, is_up = asyncio.Event(), asyncio.Event()
    valkey = Valkey(endpoint, call_seconds=SECONDS)
    async with valkey.listen(on_message=lambda *_: received.set(), on_up=is_up.set) as subscriber, aclosing(valkey):
        try:
            async with asyncio.timeout(SECONDS):
                await is_up.wait()
                await subscriber.subscribe(TRIAL_CHANNEL)
                await valkey.call("SPUBLISH", TRIAL_CHANNEL, "doctor")
                await received.wait()
        except (TimeoutError, ValkeyUnavailable):
            raise Failure(_sentence(subscriber.fault or valkey.fault)) from None
    return "what is published is received"


async def _explained(work: Awaitable[T]) -> T:
    try:
        return await work
    except ValkeyUnavailable as fault:
        raise Failure(_sentence(fault)) from None


def _sentence(fault: ValkeyUnavailable | None) -> str:
    return (
        f"{fault}: {fault.remedy or 'is VALKEY_URL right, is it up?'}" if fault else "what is published does not arrive"
    )
