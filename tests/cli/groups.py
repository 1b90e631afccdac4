"""Groups of several members in the tables of these tests, made by the service's own rules."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from app.cli.services import Services, open_services
from app.concurrency import TaskSet
from app.messaging.groups.models import GroupDraft, Role
from app.messaging.groups.service import Groups
from app.messaging.models import Draft
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from tests.cli.conftest import Place


class World:
    """The rules of the service over a table of the tests."""

    def __init__(self, services: Services, tasks: TaskSet) -> None:
        self.services = services
        self.store: MessagingStore = services.messaging
        self._tasks = tasks
        self.messaging = Messaging(self.store, services.users, message_max_length=1_000, tasks=tasks)
        self.groups = Groups(self.messaging, self.store, services.users, max_members=100, tasks=tasks)

    async def create(self, owner: UUID, *others: UUID, title: str = "Allotment") -> UUID:
        row = await self.groups.create(GroupDraft(owner, title, others, uuid4()))
        return row.group_uuid

    async def send(self, user: UUID, text: str, group: UUID, *, mentions: Sequence[UUID] = ()) -> None:
        await self.messaging.send(Draft(user, text, mentions=frozenset(mentions)), group=group, handle=None)

    async def group_of_all(self, users: Sequence[UUID]) -> UUID:
        """Create a group in which all that a group can have has happened, and rows have been told."""
        owner, admin, member, left, removed = users[:5]
        group = await self.create(owner, admin, member, left)
        await self.groups.change_role(owner, group, admin, Role.ADMIN)
        await self.send(left, "I go", group)
        await self.groups.leave(left, group)
        await self.groups.add(admin, group, [removed])
        await self.groups.remove(admin, group, removed)
        await self.groups.update(owner, group, title="Greenhouse", shows_history=True)
        await self.send(member, "hello", group, mentions=[owner, admin])
        await self.settle(group)
        return group

    async def settle(self, group: UUID) -> None:
        """Wait for what goes on in the background, and tell the rows of members."""
        await self._tasks.drain(5)
        await self.store.heads.bump(group)


@asynccontextmanager
async def world_of(place: Place) -> AsyncIterator[World]:
    tasks = TaskSet()
    async with open_services(place.settings) as services:
        yield World(services, tasks)
        await tasks.drain(5)
