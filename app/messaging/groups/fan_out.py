"""From the head of a group to its members: events to their streams, and what their rows are to be told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog

from app.concurrency import INBOX_ROW, TaskSet, bugs_logged, full_jitter, running
from app.concurrency.publish import Publish
from app.errors import Unavailable
from app.limits.caller import caller
from app.messaging.events import Event, HeadMoved
from app.messaging.groups.members import Members
from app.messaging.groups.models import HEAD
from app.messaging.groups.store import HeadStore

log = structlog.get_logger(__name__)

ATTEMPTS = 8
"""Attempts to tell the rows of a group, a minute in all. Later, any process goes on."""
PENDING_INTERVAL = 30.0
"""Seconds between two questions to the index for groups whose rows another process has not finished to tell."""
PENDING_AT_ONCE = 20
"""Groups whose rows are told between two questions."""


class FanOut:
    """Hands events of a head on to the members, and tells their rows, in the background."""

    def __init__(self, store: HeadStore, members: Members, tasks: TaskSet, publish: Publish) -> None:
        self._store = store
        self._members = members
        self._tasks = tasks
        self._publish = publish
        self._running: set[UUID] = set()

    async def publish(self, *events: Event) -> None:
        """Publish events, and in place of those of a head HeadMoved to each member. Raises nothing."""
        if own := [event for event in events if event.to != HEAD]:
            await self._publish(*own)
        for event in events:
            if event.to == HEAD and not isinstance(event, HeadMoved):
                moved = HeadMoved.of(event)
                _ = self._tasks.start(self._publish_to_members(moved))
                if moved.row.is_open:
                    is_charged = moved.message is not None and moved.message.event is not None
                    self.bump(moved.row.group_uuid, is_charged=is_charged)

    async def _publish_to_members(self, moved: HeadMoved) -> None:
        try:
            members = await self._members.of_group(moved.row.group_uuid)
        except Unavailable:
            return  # streams compare with the rows
        await self._publish(*[moved.sent_to(user) for user in members])

    def bump(self, group: UUID, *, is_charged: bool = False) -> None:
        """Tell the rows of a group's members what its head says, unless this process does so already.

        A caller that changes a group is charged for all rows; a sender, that meets a new bucket by chance, for none.
        """
        if group not in self._running:
            self._running.add(group)
            _ = self._tasks.start(self._bump(group, is_charged=is_charged))

    async def _bump(self, group: UUID, *, is_charged: bool) -> None:
        if not is_charged:
            caller.set(None)
        try:
            for attempt in range(ATTEMPTS):
                if attempt:
                    await self._tasks.sleep(INBOX_ROW.seconds(attempt - 1))
                with suppress(Unavailable):
                    if await self._store.bump(group):
                        return
            log.warning("group_rows_left_behind", group_uuid=str(group))
        finally:
            self._running.discard(group)

    @asynccontextmanager
    async def working(self) -> AsyncIterator["FanOut"]:
        """Tell, for the block, the rows that other processes have left behind."""
        async with running(self._work()):
            yield self

    async def _work(self) -> None:
        seen: set[UUID] = set()
        while True:
            await asyncio.sleep(PENDING_INTERVAL / 2 + full_jitter(PENDING_INTERVAL))
            with bugs_logged(log, "pending_groups_failed", expected=Unavailable):
                pending = {*await self._store.pending(PENDING_AT_ONCE)}
                for group in pending & seen:  # at the last question, too: no process tells their rows
                    self.bump(group)
                seen = pending
