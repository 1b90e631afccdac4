"""Heads that rows are to be told of, when a process ends after any write: any other process finds them."""

import asyncio
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from app.concurrency import TaskSet
from app.gateways.dynamodb import Table
from app.messaging.changes import Changes
from app.messaging.clock import now
from app.messaging.groups.items import head_key
from app.messaging.groups.models import GroupDraft
from app.messaging.groups.service import Groups
from app.messaging.inbox_items import bucket
from app.messaging.models import ChangeDraft, ChangeType, Draft
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.fixtures.app import Service
from tests.messaging.test_change_properties import DAY, DyingClient
from tests.tools.processes import DIRECTORY, raw_client


class Mortal:
    """A process that dies after a number of calls of the table, at a time of its own."""

    def __init__(self, service: Service, *, minutes: int, calls: int = 10**9) -> None:
        self.client, self.tasks = DyingClient(raw_client(service), calls=calls, share=0, seed=0), TaskSet()
        named: Any = self.client
        self.table = Table(named, service.state["table"].name)
        self.store = MessagingStore(self.table)
        self.at = now() + timedelta(minutes=minutes)
        self.messaging = Messaging(
            self.store, DIRECTORY, message_max_length=100, tasks=self.tasks, clock=lambda: self.at
        )
        self.changes = Changes(
            self.messaging,
            self.store,
            tasks=self.tasks,
            clock=lambda: self.at,
            edit_window=DAY,
            delete_window=DAY,
            shows_edits=True,
        )
        self.groups = Groups(self.messaging, self.store, DIRECTORY, max_members=10, tasks=self.tasks)

    async def write(self, user: UUID, group: UUID) -> bool:
        """Send, and react, until the process dies; return whether it did both."""
        work, death = asyncio.ensure_future(self._write(user, group)), asyncio.ensure_future(self.client.died.wait())
        await asyncio.wait([work, death], return_when=asyncio.FIRST_COMPLETED)
        is_done = work.done()
        for task in (work, death):
            task.cancel()
        await asyncio.gather(work, death, return_exceptions=True)
        await self.tasks.drain(0)
        return is_done

    async def _write(self, user: UUID, group: UUID) -> None:
        number = (await self.messaging.send(Draft(user, "late"), group=group, handle=None)).number
        self.at += timedelta(minutes=20)
        await self.changes.react(ChangeDraft(user, group, number, ChangeType.REACT, emoji="👍"))


async def test_no_write_of_a_head_in_a_new_bucket_is_unknown(service: Service) -> None:
    user = uuid4()
    group = (await Mortal(service, minutes=0).groups.create(GroupDraft(user, "Launch", (uuid4(),), uuid4()))).group_uuid
    for calls in count(1):
        is_done = await Mortal(service, minutes=60 * calls, calls=calls).write(user, group)
        head: Any = await service.state["table"].get(head_key(group), consistent=True)
        latest = max(int(head["at"]["N"]), int(head["changed"]["N"]) if "changed" in head else 0) // 600_000
        known = max(int(head[name]["N"]) for name in ("bumped", "activity_bucket") if name in head)
        assert known >= latest, calls
        if is_done:
            break
        whole = Mortal(service, minutes=60 * calls + 30)
        assert await whole.write(user, group)
        assert await whole.store.heads.bump(group)
    assert calls > 5
    assert bucket(now()) < latest
