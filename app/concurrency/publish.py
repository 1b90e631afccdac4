"""Publish, through which a service tells listeners what it has written; its constructor takes one."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Publish: TypeAlias = Callable[..., Awaitable[None]]
"""Takes any number of events, after they were written and before the answer. It is quick and never raises."""


async def discard_events(*_: object) -> None:
    """Publish to no listener, as in processes that have none."""


def fan_out(*listeners: Publish) -> Publish:
    """Return a Publish that hands all events to each listener in turn."""

    async def publish(*events: object) -> None:
        for listener in listeners:
            await listener(*events)

    return publish
