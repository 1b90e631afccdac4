"""Groups of several members against a model, while processes die between any two writes."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.concurrency.publish import discard_events
from app.errors import AppError, Unavailable
from app.gateways.dynamodb import Table
from app.messaging.errors import GroupNotFound
from app.messaging.groups.fan_out import FanOut
from app.messaging.groups.members import Members
from app.messaging.groups.models import MANAGERS, GroupDraft, Role
from app.messaging.groups.service import Groups
from app.messaging.models import Draft, MessageKind
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.messaging.test_change_properties import DyingClient
from tests.tools.processes import DIRECTORY, raw_client

USERS = tuple(UUID(int=number) for number in range(1, 6))
FOREVER = 10**9


@dataclass
class Process:
    """A process of the service that dies after a number of calls of the table."""

    client: DyingClient
    store: MessagingStore
    messaging: Messaging
    groups: Groups
    fan_out: FanOut
    tasks: TaskSet

    @classmethod
    def start(cls, service: Service, *, calls: int = FOREVER, share: float = 0, seed: int = 0) -> "Process":
        client, tasks = DyingClient(raw_client(service), calls=calls, share=share, seed=seed), TaskSet()
        named: Any = client
        table = Table(named, service.state["table"].name)
        store = MessagingStore(table)
        fan_out = FanOut(store.heads, Members(store.heads), tasks, discard_events)
        messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks, publish=fan_out.publish)
        groups = Groups(messaging, store, DIRECTORY, max_members=4, tasks=tasks, publish=fan_out.publish)
        return cls(client, store, messaging, groups, fan_out, tasks)


@dataclass
class Model:
    """A group as it should be."""

    roles: dict[UUID, Role]
    title: str
    texts: list[UUID] = field(default_factory=list)
    """The uuids of messages that were answered."""
    since: dict[UUID, int] = field(default_factory=dict)
    """The number from which each member sees the log."""


class World:
    """A group, and calls that are repeated until a process lives long enough to answer them."""

    def __init__(self, service: Service, seed: int, share: float) -> None:
        self._service = service
        self._rng = random.Random(seed)  # noqa: S311  # repeatable
        self._share = share
        self.users = [uuid4() for _ in USERS]
        self.group = UUID(int=0)
        self.model = Model({}, "")

    def process(self, calls: int = FOREVER) -> Process:
        return Process.start(self._service, calls=calls, share=self._share, seed=self._rng.randrange(2**32))

    async def repeat(self, deaths: list[int], call: Callable[[Process], Awaitable[Any]]) -> Any:
        """Return the answer of a call after these deaths, or the error that refuses it."""
        for calls in deaths:
            process = self.process(calls)
            task = asyncio.ensure_future(call(process))
            death = asyncio.create_task(process.client.died.wait())
            await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
            is_over = task.done()
            for each in (task, death):
                each.cancel()
            await asyncio.gather(task, death, return_exceptions=True)
            for each in list(process.tasks._running):  # noqa: SLF001  # a process that is gone runs nothing
                each.cancel()
            if is_over and not isinstance(task.exception(), Unavailable):
                return task.exception() or task.result()
        while True:
            process = self.process()
            try:
                return await call(process)
            except Unavailable:
                continue
            except AppError as error:
                return error
            finally:
                await process.tasks.drain(5)

    async def create(self, deaths: list[int]) -> None:
        owner, *others = self.users[:3]
        draft = GroupDraft(owner, "First", tuple(others), uuid4())
        row = await self.repeat(deaths, lambda process: process.groups.create(draft))
        assert isinstance(row, InboxRow), row
        self.group = row.group_uuid
        self.model = Model(dict.fromkeys(others, Role.MEMBER) | {owner: Role.OWNER}, "First")
        self.model.since = dict.fromkeys((owner, *others), 1)

    async def act(self, kind: str, by: int, to: int, deaths: list[int]) -> None:
        user, other, model = self.users[by], self.users[to], self.model
        role, others_role = model.roles.get(user), model.roles.get(other)
        await getattr(self, f"_{kind}")(user, other, role, others_role, deaths)

    async def _send(self, user: UUID, _: UUID, role: Role | None, __: Any, deaths: list[int]) -> None:
        draft = Draft(user, "hi", uuid4(), after=0)
        answer = await self.repeat(deaths, lambda process: process.messaging.send(draft, group=self.group, handle=None))
        if role is None:
            assert isinstance(answer, GroupNotFound), answer
        else:
            self.model.texts.append(answer.uuid)

    async def _add(self, user: UUID, other: UUID, role: Role | None, others: Role | None, deaths: list[int]) -> None:
        before = await self.end()
        answer = await self.repeat(deaths, lambda process: process.groups.add(user, self.group, [other]))
        if role in MANAGERS and others is None and len(self.model.roles) < 4:
            assert isinstance(answer, InboxRow), answer
            self.model.roles[other] = Role.MEMBER
            self.model.since[other] = before + 1
        else:
            assert isinstance(answer, AppError) == (role not in MANAGERS or others is None), answer

    async def _remove(self, user: UUID, other: UUID, role: Role | None, others: Role | None, deaths: list[int]) -> None:
        answer = await self.repeat(deaths, lambda process: process.groups.remove(user, self.group, other))
        may = role is Role.OWNER and others is not Role.OWNER
        may = may or (role is Role.ADMIN and others not in MANAGERS)
        assert isinstance(answer, AppError) != may, answer
        if may:
            self.model.roles.pop(other, None)

    async def _leave(self, user: UUID, _: UUID, role: Role | None, __: Any, deaths: list[int]) -> None:
        answer = await self.repeat(deaths, lambda process: process.groups.leave(user, self.group))
        if role is None:
            assert isinstance(answer, GroupNotFound), answer
            return
        del self.model.roles[user]
        if role is Role.OWNER and self.model.roles:
            heir = next(member for member, role in (await self.roles()).items() if role is Role.OWNER)
            assert self.model.roles[heir] is Role.ADMIN or Role.ADMIN not in self.model.roles.values()
            self.model.roles[heir] = Role.OWNER

    async def _role(self, user: UUID, other: UUID, role: Role | None, others: Role | None, deaths: list[int]) -> None:
        wanted = self._rng.choice(list(Role))
        answer = await self.repeat(deaths, lambda process: process.groups.change_role(user, self.group, other, wanted))
        may = role is Role.OWNER and others is not None and (user != other or wanted is Role.OWNER)
        if isinstance(answer, AppError):
            stands = (await self.roles()).get(other)
            assert not may or (deaths and stands is wanted is Role.OWNER), (
                answer
            )  # repeated by one that is owner no more
        if may:
            self.model.roles[other] = wanted
            if wanted is Role.OWNER and user != other:
                self.model.roles[user] = Role.ADMIN

    async def _rename(self, user: UUID, _: UUID, role: Role | None, __: Any, deaths: list[int]) -> None:
        title = f"Title {self._rng.randrange(3)}"
        answer = await self.repeat(
            deaths, lambda process: process.groups.update(user, self.group, title=title, shows_history=None)
        )
        assert isinstance(answer, AppError) == (role not in MANAGERS), answer
        if role in MANAGERS:
            self.model.title = title

    async def roles(self) -> dict[UUID, Role]:
        found = await self.process().store.heads.list_members(self.group)
        return {member.user_uuid: member.role for member in found}

    async def end(self) -> int:
        (newest,) = await self.process().store.newest_messages(self.group, limit=1, consistent=True)
        return newest.number


STEP = st.tuples(
    st.sampled_from(["send", "send", "send", "add", "remove", "leave", "role", "rename"]),
    st.integers(0, len(USERS) - 1),
    st.integers(0, len(USERS) - 1),
    st.lists(st.integers(0, 12), max_size=2),
)


@given(
    deaths=st.lists(st.integers(0, 14), max_size=3),
    script=st.lists(STEP, max_size=14),
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.0, 0.15]),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_members_roles_and_messages_are_what_the_model_says(
    service: Service, deaths: list[int], script: list[Any], seed: int, share: float
) -> None:
    world = World(service, seed, share)
    await world.create(deaths)
    for step in script:
        await world.act(*step)
    await check(world, Process.start(service))


async def check(world: World, process: Process) -> None:
    """Compare what is stored, and what each user reads, with the model; before and after rows are told of the head."""
    model, group = world.model, world.group
    assert await world.roles() == model.roles
    log = await process.store.messages_after(group, 0)
    assert [message.number for message in log] == list(range(1, len(log) + 1))
    texts = [message.uuid for message in log if message.kind is MessageKind.TEXT]
    assert texts == model.texts
    for is_told in (False, True):
        if is_told:
            while not await process.store.heads.bump(group):
                pass
            assert group not in await process.store.heads.pending(1000)
        for user in world.users:
            page = await process.messaging.inbox(user, limit=10)
            if user not in model.roles:
                assert page.rows == []
                with suppress(GroupNotFound):
                    await process.messaging.history(user, group, Window.newest(50))
                    raise AssertionError(user)
                continue
            (row,) = page.rows
            assert (row.title, row.member_count, row.role) == (model.title, len(model.roles), model.roles[user])
            history = await process.messaging.history(user, group, Window.newest(50))
            seen = [message for message in log if message.number >= model.since[user]]
            assert list(history.messages) == seen
            assert row.last_number == history.end == len(log)
            unread = [m for m in seen if m.number > row.read_number and m.kind is MessageKind.TEXT]
            assert row.unread_count == len(unread)
            assert not [message for message in unread if message.user_uuid == user]
