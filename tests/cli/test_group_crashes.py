"""verify after processes that ended in the middle of whatever they did to groups: all that it finds is repaired."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from app.cli.seed.synthetic import user_uuid
from app.concurrency import TaskSet
from app.errors import AppError
from app.gateways.dynamodb import Table
from app.messaging.groups.models import GroupDraft, Role
from app.messaging.groups.service import Groups
from app.messaging.models import Draft
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place
from tests.cli.groups import World, world_of
from tests.cli.test_verify import findings
from tests.messaging.test_change_properties import DyingClient

USERS = [user_uuid(number) for number in range(6)]
OWNER, ADMIN, MEMBER, LEAVER, GUEST, _ = USERS
CALLS = 14
REPAIRED = {"head-differs", "row-differs", "row-behind"}
"""Defects that a process may leave behind: a message whose head, or whose mentions, it has not written."""


class Process:
    """A process on the table of a world that ends after a number of calls."""

    def __init__(self, world: World, calls: int) -> None:
        table = world.services.table
        self.client = DyingClient(table._client, calls=calls, share=0, seed=0)  # noqa: SLF001  # only tests look there
        named: Any = self.client
        mortal, self.tasks = Table(named, table.name), TaskSet()
        store = MessagingStore(mortal)
        self.messaging = Messaging(store, world.services.users, message_max_length=100, tasks=self.tasks)
        self.groups = Groups(self.messaging, store, world.services.users, max_members=100, tasks=self.tasks)

    async def run(self, work: Callable[["Process"], Awaitable[object]]) -> None:
        working, death = asyncio.ensure_future(work(self)), asyncio.ensure_future(self.client.died.wait())
        await asyncio.wait([working, death], return_when=asyncio.FIRST_COMPLETED)
        for task in (working, death):
            task.cancel()
        with suppress(asyncio.CancelledError, AppError):
            await working
        await self.tasks.drain(0)


def works(group: UUID) -> list[Callable[[Process], Awaitable[object]]]:
    """Return all that users do to a group, so that each may follow on each."""
    say = Draft(ADMIN, "@owner", mentions=frozenset({OWNER, MEMBER}))
    return [
        lambda process: process.messaging.send(say, group=group, handle=None),
        lambda process: process.groups.add(OWNER, group, [GUEST]),
        lambda process: process.groups.change_role(OWNER, group, ADMIN, Role.ADMIN),
        lambda process: process.groups.update(OWNER, group, title=f"Title {uuid4().hex[:8]}", shows_history=None),
        lambda process: process.messaging.send(Draft(LEAVER, "hello"), group=group, handle=None),
        lambda process: process.groups.remove(OWNER, group, GUEST),
        lambda process: process.groups.leave(LEAVER, group),
        lambda process: process.groups.create(GroupDraft(OWNER, "New", (ADMIN, MEMBER), uuid4())),
        lambda process: process.groups.add(OWNER, group, [LEAVER]),
        lambda process: process.groups.change_role(OWNER, group, ADMIN, Role.MEMBER),
    ]


async def test_all_that_processes_leave_behind_is_repaired(empty: Place) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.create(OWNER, ADMIN, MEMBER, LEAVER)
        for calls in range(1, CALLS + 1):
            for work in works(group):
                await Process(world, calls).run(work)
        for _ in range(3):
            await world.store.heads.bump(group)
    found = await findings(empty, "--repair")
    assert {kind for kind, *_ in found} <= REPAIRED, found
    assert all(is_repaired for *_, is_repaired in found), found
    assert await findings(empty) == []
