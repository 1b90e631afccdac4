"""Whatever dies or fails between two writes, messages are what a plain model makes of the calls that were answered."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.errors import AppError, Unavailable
from app.gateways.dynamodb import Table
from app.messaging.changes import USER_REACTIONS, Changes
from app.messaging.clock import now
from app.messaging.errors import (
    MessageDeleted,
    MessageNotFound,
    NotSender,
    ReactionLimit,
    VersionDiffers,
)
from app.messaging.models import Change, ChangeDraft, ChangeType, Draft, Message, direct_group_uuid
from app.messaging.preview import preview
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.tools.faults import FaultyClient
from tests.tools.processes import DIRECTORY, raw_client

Answer = TypeVar("Answer")
EMOJIS = "😀😁😂😃😄😅"
DAY = timedelta(days=1)


class DyingClient(FaultyClient):
    """A client whose process dies after a number of calls, which are applied: all later ones never return."""

    def __init__(self, client: Any, *, calls: int, share: float, seed: int) -> None:
        super().__init__(client, share=share, seed=seed)
        self._left = calls
        self._running = 0
        self.died = asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = super().__getattr__(name)

        async def call(**request: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                self._die()
                await asyncio.Event().wait()
            self._running += 1
            try:
                return await method(**request)
            finally:
                self._running -= 1
                self._die()

        call.__name__ = name
        return call

    def _die(self) -> None:
        if self._left < 0 and not self._running:
            self.died.set()


@dataclass
class Process:
    """A process of the service that dies after a number of calls of the table."""

    client: DyingClient
    store: MessagingStore
    messaging: Messaging
    changes: Changes
    tasks: TaskSet

    @classmethod
    def start(
        cls,
        service: Service,
        *,
        calls: int,
        share: float = 0,
        seed: int = 0,
        clock: Callable[[], datetime] = now,
    ) -> "Process":
        client, tasks = DyingClient(raw_client(service), calls=calls, share=share, seed=seed), TaskSet()
        named: Any = client
        store = MessagingStore(Table(named, service.state["table"].name))
        messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks, clock=clock)
        changes = Changes(
            messaging, store, tasks=tasks, edit_window=DAY, delete_window=DAY, shows_edits=True, clock=clock
        )
        return cls(client, store, messaging, changes, tasks)

    async def ask(self, call: Callable[["Process"], Awaitable[Answer]]) -> Answer | None:
        """Return the answer, None if there is none: the process has died, or a dependency failed."""
        answer, death = asyncio.ensure_future(call(self)), asyncio.ensure_future(self.client.died.wait())
        await asyncio.wait([answer, death], return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if self.client.died.is_set():
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)
            await self.tasks.drain(0)
        try:
            return answer.result()
        except (Unavailable, asyncio.CancelledError):
            return None


@dataclass
class Known:
    """A message as the model knows it."""

    sender: UUID
    text: str
    version: int = 1
    is_deleted: bool = False
    reactions: dict[str, set[UUID]] = field(default_factory=dict)
    mentions: frozenset[UUID] = frozenset()
    texts: list[str] = field(default_factory=list)

    @staticmethod
    def of(message: Message) -> tuple[object, ...]:
        """Return what of a message must be as the model has it."""
        return (
            message.user_uuid,
            message.text,
            message.version,
            bool(message.deleted_at),
            message.reactions,
            message.mentions,
        )

    def state(self) -> tuple[object, ...]:
        return (
            self.sender,
            self.text,
            self.version,
            self.is_deleted,
            {e: frozenset(u) for e, u in self.reactions.items()},
            self.mentions,
        )


class Model:
    """The messages of a group, and their changes."""

    def __init__(self) -> None:
        self.messages: list[Known] = []
        self.read: dict[UUID, int] = {}
        self.changes = 0

    def refusal(self, draft: ChangeDraft) -> type[AppError] | None:
        if draft.message_number > len(self.messages):
            return MessageNotFound
        message = self.messages[draft.message_number - 1]
        if draft.type in {ChangeType.EDIT, ChangeType.DELETE} and message.sender != draft.user_uuid:
            return NotSender
        if draft.type in {ChangeType.EDIT, ChangeType.REACT} and message.is_deleted:
            return MessageDeleted
        if draft.type is ChangeType.EDIT and draft.version != message.version:
            return VersionDiffers
        own = [emoji for emoji, users in message.reactions.items() if draft.user_uuid in users]
        if draft.type is ChangeType.REACT and draft.emoji not in own and len(own) >= USER_REACTIONS:
            return ReactionLimit
        return None

    def apply(self, draft: ChangeDraft) -> None:
        message, emoji = self.messages[draft.message_number - 1], draft.emoji or ""
        before = message.state()
        match draft.type:
            case ChangeType.EDIT if message.text != draft.text or draft.mentions not in {message.mentions, None}:
                message.texts.append(message.text)
                message.text, message.version = draft.text or "", message.version + 1
                message.mentions = message.mentions if draft.mentions is None else draft.mentions
            case ChangeType.DELETE:
                message.text, message.is_deleted, message.reactions, message.texts = "", True, {}, []
                message.mentions = frozenset()
            case ChangeType.REACT:
                message.reactions.setdefault(emoji, set()).add(draft.user_uuid)
            case ChangeType.UNREACT if draft.user_uuid in message.reactions.get(emoji, ()):
                message.reactions[emoji].discard(draft.user_uuid)
                if not message.reactions[emoji]:
                    del message.reactions[emoji]
        self.changes += message.state() != before

    def unread_mentions(self, user: UUID) -> list[int]:
        return [
            number
            for number, message in enumerate(self.messages, 1)
            if user in message.mentions and user != message.sender and number > self.read.get(user, 0)
        ]


METHODS = {
    ChangeType.EDIT: Changes.edit,
    ChangeType.DELETE: Changes.delete,
    ChangeType.REACT: Changes.react,
    ChangeType.UNREACT: Changes.unreact,
}
texts = st.sampled_from(["a", "b", "c" * 90])
mentions = st.sampled_from([(), (0,), (1,), (0, 1)])
"""The members that a message mentions, by their places in the pair."""
changes = st.tuples(
    st.sampled_from(list(ChangeType)),
    st.booleans(),
    st.integers(1, 6),
    texts,
    st.sampled_from(EMOJIS),
    st.integers(0, 4),
    mentions,
)
steps = st.one_of(
    st.tuples(st.just("send"), st.booleans(), texts, mentions),
    st.tuples(st.just("read"), st.booleans(), st.integers(1, 6)),
    changes,
)


@dataclass
class World:
    """Two users of one group, the model of their messages, and the processes that serve them."""

    service: Service
    rng: random.Random
    share: float
    pair: tuple[UUID, UUID] = field(default_factory=lambda: (uuid4(), uuid4()))
    model: Model = field(default_factory=Model)
    healthy: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.group = direct_group_uuid(*self.pair)
        self.store = MessagingStore(self.service.state["table"])
        self.healthy = [self.process() for _ in range(2)]

    def process(self, calls: int = 10**6) -> Process:
        """Start a process that dies after this many calls of the table."""
        return Process.start(self.service, calls=calls, share=self.share, seed=self.rng.randrange(2**32))

    def mentioned(self, places: Sequence[int]) -> frozenset[UUID]:
        return frozenset(self.pair[place] for place in places)

    async def send(self, user: UUID, text: str, places: Sequence[int] = (), deaths: Sequence[int] = ()) -> None:
        mentions = self.mentioned(places)
        draft = Draft(user, text, uuid4(), len(self.model.messages), mentions=mentions)
        handle = str(self.pair[self.pair[0] == user])
        sent = await self.repeat(lambda process: process.messaging.send(draft, group=None, handle=handle), deaths)
        self.model.messages.append(Known(user, text, mentions=mentions))
        self.model.read[user] = len(self.model.messages)
        assert sent.number == len(self.model.messages)

    async def read(self, user: UUID, number: int) -> None:
        """Move the read marker, as far as the group has messages."""
        number = min(number, len(self.model.messages))
        for _ in range(40):
            with suppress(Unavailable):
                await self.rng.choice(self.healthy).messaging.markers.mark_read(user, self.group, number)
                break
        self.model.read[user] = max(number, self.model.read.get(user, 0))

    async def change(self, draft: ChangeDraft, deaths: Sequence[int] = ()) -> Message:
        return await self.repeat(lambda process: METHODS[draft.type](process.changes, draft), deaths)

    async def repeat(self, call: Callable[[Process], Awaitable[Answer]], deaths: Sequence[int]) -> Answer:
        """Call until there is an answer: processes that die on the way first, then those that do not."""
        for calls in deaths:
            if answer := await self.process(calls).ask(call):
                return answer
        for _ in range(40):
            if answer := await self.rng.choice(self.healthy).ask(call):
                return answer
        raise AssertionError("never answered")

    async def settle(self) -> list[Change]:
        """Open the group, which mends what the dead have left, and return its change log."""
        opener = Process.start(self.service, calls=10**6)
        for user in self.pair:
            await opener.messaging.history(user, self.group, Window.newest(100))
        for process in (*self.healthy, opener):
            await process.tasks.drain(10)
        return await self.store.changes.changes_between(self.group, 1, 10**6, consistent=True)

    async def check(self, log: list[Change]) -> None:
        """Compare messages, rows and texts with the model."""
        assert [change.number for change in log] == list(range(1, self.model.changes + 1))
        messages = await self.store.messages_after(self.group, 0)
        assert [Known.of(message) for message in messages] == [known.state() for known in self.model.messages]
        for user in self.pair:
            row = await self.store.inbox_row(user, self.group)
            assert row
            assert (row.last_number, row.change_number) == (len(messages), self.model.changes)
            assert row.preview == preview(messages[-1].text)
            assert row.unread_mentions == self.model.unread_mentions(user), row
        reader = Process.start(self.service, calls=10**6).changes
        for number, known in enumerate(self.model.messages, 1):
            edits = await reader.edits(self.pair[0], self.group, number)
            assert [edit.text for edit in edits] == known.texts[::-1]
            if known.is_deleted:
                left = [change for change in log if change.message_number == number]
                assert {(change.text, change.earlier_text) for change in left} == {(None, None)}


def draft_of(world: World, step: Any) -> ChangeDraft:
    """Return the change that a step of a script means, by a client that knows the message, or an older version."""
    kind, is_first, number, text, emoji, stale, mentions = step
    is_edit = kind is ChangeType.EDIT
    known = world.model.messages[number - 1 : number] or [Known(world.pair[0], "")]
    return ChangeDraft(
        world.pair[0 if is_first else 1],
        world.group,
        number,
        kind,
        text=text if is_edit else None,
        emoji=emoji if kind in {ChangeType.REACT, ChangeType.UNREACT} else None,
        version=max(1, known[0].version - (stale == 0)) if is_edit else None,
        uuid=uuid4() if is_edit else None,
        mentions=world.mentioned(mentions) if is_edit and stale != 1 else None,
    )


@given(
    script=st.lists(st.tuples(steps, st.lists(st.integers(0, 7), max_size=3)), min_size=1, max_size=30),
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_messages_are_what_the_answered_calls_made_of_them(
    service: Service, script: list[Any], seed: int, share: float
) -> None:
    """Each call is repeated until a process lives long enough to answer it; the processes before it die on the way."""
    world = World(service, random.Random(seed), share)  # noqa: S311  # repeatable
    await world.send(world.pair[0], "first")
    for step, deaths in script:
        if step[0] == "send":
            await world.send(world.pair[0 if step[1] else 1], step[2], step[3], deaths)
            continue
        if step[0] == "read":
            await world.read(world.pair[0 if step[1] else 1], step[2])
            continue
        draft = draft_of(world, step)
        expected = world.model.refusal(draft)
        with pytest.raises(expected) if expected else nullcontext():
            changed = await world.change(draft, deaths)
        if not expected:
            world.model.apply(draft)
            assert Known.of(changed) == world.model.messages[draft.message_number - 1].state()
    await world.check(await world.settle())


@given(
    scripts=st.lists(st.lists(changes, min_size=1, max_size=6), min_size=2, max_size=6),
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_changes_at_the_same_time_are_those_of_the_log(
    service: Service, scripts: list[list[Any]], seed: int, share: float
) -> None:
    """Several clients change two messages at once in two processes: what the log says is what each reader sees."""
    world = World(service, random.Random(seed), share)  # noqa: S311  # repeatable
    for user in world.pair:
        await world.send(user, "first")

    async def client(script: list[Any]) -> None:
        for kind, is_first, number, *rest in script:
            with suppress(AppError):
                await world.change(draft_of(world, (kind, is_first, number % 2 + 1, *rest)))

    await asyncio.gather(*map(client, scripts))
    log = await world.settle()
    for change in log:
        draft = ChangeDraft(
            change.user_uuid,
            change.group_uuid,
            change.message_number,
            change.type,
            text=change.text or f"scrubbed {change.number}",
            emoji=change.emoji,
            mentions=change.mentions if change.type is ChangeType.EDIT else None,
        )
        before = world.model.changes
        world.model.apply(draft)
        assert world.model.changes == before + 1, "no entry is without effect"
    await world.check(log)
