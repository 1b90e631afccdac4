"""Two processes of the service on a Valkey cluster of three."""

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

from app.gateways.valkey import Valkey
from app.main.lifespan import VALKEY_TRIAL
from app.messaging.events import MarkerMoved
from app.realtime.valkey_bus import ValkeyBus
from tests.tools.valkey_cluster import running_cluster


async def test_events_and_replays_reach_users_of_all_nodes() -> None:
    users = [uuid4() for _ in range(12)]
    with running_cluster() as cluster:
        async with AsyncExitStack() as stack:
            valkeys = [Valkey(cluster.address, VALKEY_TRIAL, call_seconds=5) for _ in range(2)]
            for valkey in valkeys:
                stack.push_async_callback(valkey.aclose)
            sending, hearing = [await stack.enter_async_context(ValkeyBus(each).listening()) for each in valkeys]
            async with asyncio.timeout(10):
                while not (sending.is_reliable and hearing.is_reliable):  # noqa: ASYNC110  # it has no event
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1)  # in which all streams compare, as the bus is reliable now
            for user in users:
                subscription = await stack.enter_async_context(hearing.subscribe(user))
                await sending.publish(*(MarkerMoved(user, user, uuid4(), number) for number in (1, 2)))
                first = await subscription.next(5)
                assert first
                assert first.position
                replay = await sending.replay_after(user, first.position)
                assert replay
                assert [delivery.event.number for delivery in replay.deliveries] == [2]  # type: ignore[union-attr]
