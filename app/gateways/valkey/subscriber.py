"""Subscriber: the sharded channels of a process on all servers, with reconnecting and resubscribing."""

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import cast

import structlog

from app.concurrency import VALKEY_CONNECT
from app.gateways.valkey.connection import Connection
from app.gateways.valkey.endpoint import Address, Endpoint
from app.gateways.valkey.faults import ValkeyUnavailable
from app.gateways.valkey.feed import Feed
from app.gateways.valkey.topology import Topology, connect

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 1.0
"""Longest wait for the confirmation of a subscription."""
MOVE_SECONDS = 0.1
"""Seconds in which the channels that a cluster moves are collected."""


class Subscriber:
    """Receives the messages of sharded channels, in order, and reconnects whenever a connection fails.

    It starts down. `on_up` is called when all wanted channels are confirmed, `on_down` when a connection was lost
    after that: messages published in between are lost, so their owner reads its state elsewhere after `on_up`.
    `on_lost` is called when messages of one channel may be lost, because a cluster has moved it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        on_message: Callable[[str, bytes], None],
        on_lost: Callable[[str], None],
        on_down: Callable[[], None],
        on_up: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_down = on_down
        self._on_up = on_up
        self._channels: dict[str, None] = {}
        self._topology = Topology(())
        self._feeds: dict[Address, Feed] = {}
        self._connections: dict[Address, Connection] = {}
        self._moved: asyncio.Queue[str] = asyncio.Queue()
        self._is_ending = False
        self.is_up = False
        self.fault: ValkeyUnavailable | None = None
        """The fault of the last attempt; None while it is up."""

    async def subscribe(self, channel: str) -> None:
        """Subscribe to the channel and return when Valkey has confirmed.

        Raises ValkeyUnavailable; the channel is then subscribed before the next `on_up`.
        """
        self._channels[channel] = None
        await self._change("SSUBSCRIBE", channel)

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe from the channel and return when Valkey has confirmed.

        Raises ValkeyUnavailable; messages of the channel may then come until the next connection.
        """
        self._channels.pop(channel, None)
        await self._change("SUNSUBSCRIBE", channel)

    async def _change(self, command: str, channel: str) -> None:
        if not self._feeds:
            raise ValkeyUnavailable("the subscriber is not connected")
        confirmation = self._queue(command, channel)
        await asyncio.wait({confirmation}, timeout=CONFIRM_SECONDS)
        if not confirmation.done() or confirmation.cancelled():
            raise ValkeyUnavailable(f"{command} was not confirmed")

    def _queue(self, command: str, channel: str) -> "asyncio.Future[None]":
        return self._feeds[self._topology.address_of(channel)].change(command, channel)

    async def run(self) -> None:
        """Connect, receive and reconnect until `end` is called and this task cancelled. Never raises for a fault."""
        failures = 0
        while True:
            was_up = await self._serve()
            if self._is_ending:
                break
            failures = 0 if was_up else failures + 1
            await asyncio.sleep(VALKEY_CONNECT.seconds(failures))

    def end(self) -> None:
        """Let `run` end at its cancellation, which a TaskGroup forgets if a connection fails in the same moment."""
        self._is_ending = True

    async def _serve(self) -> bool:
        """Use connections to all servers from connecting to the end of the first; return whether it was up."""
        try:
            self._topology, self._connections = await connect(self._endpoint)
            async with asyncio.TaskGroup() as group:
                self._listen_at(self._connections.keys(), group)
                group.create_task(self._follow_moves(group))
                # A confirmation that is missing ends in the idle timeout.
                if confirmations := [self._queue("SSUBSCRIBE", channel) for channel in self._channels]:
                    await asyncio.wait(confirmations)
                self.is_up, self.fault = True, None
                self._on_up()
        except* ValkeyUnavailable as faults:
            self._log_once(faults)
        except* Exception:
            log.exception("valkey_subscriber_failed")
        finally:
            was_up = self._go_down()
            for connection in self._connections.values():
                await connection.aclose()
        return was_up

    def _listen_at(self, addresses: Collection[Address], group: asyncio.TaskGroup) -> None:
        for each in addresses:
            feed = Feed(self._connections[each], on_message=self._on_message, on_moved=self._moved.put_nowait)
            self._feeds[each] = feed
            group.create_task(feed.run())

    async def _follow_moves(self, group: asyncio.TaskGroup) -> None:
        """Subscribe to channels where a cluster has moved them, a moment later: they move in numbers."""
        while True:
            moved = {await self._moved.get()}
            await asyncio.sleep(MOVE_SECONDS)
            while not self._moved.empty():
                moved.add(self._moved.get_nowait())
            self._topology, connections = await connect(self._endpoint)
            new = connections.keys() - self._feeds.keys()
            for known in connections.keys() - new:
                await connections[known].aclose()
            self._connections |= {address: connections[address] for address in new}
            self._listen_at(new, group)
            for channel in moved & self._channels.keys():
                self._queue("SSUBSCRIBE", channel).add_done_callback(partial(self._on_followed, channel))

    def _on_followed(self, channel: str, confirmation: "asyncio.Future[None]") -> None:
        if not confirmation.cancelled():  # else it has moved once more, or the connection failed
            self._on_lost(channel)

    def _log_once(self, faults: BaseException) -> None:
        """Log the first of the faults if it is another than that of the attempt before."""
        while isinstance(faults, BaseExceptionGroup):
            faults = faults.exceptions[0]
        fault = cast(ValkeyUnavailable, faults)
        if self.is_up or str(fault) != str(self.fault):
            log.warning("valkey_subscriber_disconnected", was_up=self.is_up, cause=str(fault), remedy=fault.remedy)
        self.fault = fault

    def _go_down(self) -> bool:
        was_up, self.is_up = self.is_up, False
        self._feeds.clear()
        if was_up:
            self._on_down()
        return was_up
