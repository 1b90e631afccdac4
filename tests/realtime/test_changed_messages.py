"""A snapshot and the events after it are the new snapshot, whatever the bus loses, doubles or reorders."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.errors import AppError
from app.messaging.catchup import Catchup
from app.messaging.changes import Changes
from app.messaging.clock import now
from app.messaging.events import GroupChanged, MessageAppended, MessageChanged
from app.messaging.hiding import MAX_HIDDEN
from app.messaging.models import Change, ChangeDraft, ChangeType, Draft, Message
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.visibility import seen_by
from app.messaging.windows import Window
from app.realtime.bus import MemoryBus, Subscription
from app.realtime.delivered import ResyncRequired
from app.realtime.events import EventsLost, LiveEvent
from app.realtime.replay import Delivery
from app.realtime.stream import Stream
from tests.fixtures.app import Service
from tests.realtime.test_stream import LossyBus, Talk
from tests.tools.processes import DIRECTORY

DAY = timedelta(days=1)
SECONDS = 10
EMOJIS = "😀😁😂"


class Client:
    """A client of Bob's that has read the group once and applies events since then, by the rules of the contract."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self.row: InboxRow | None = None

    def apply(self, event: LiveEvent | None) -> None:
        match event:
            case MessageAppended(message, row):
                self.add(message)
                self.see(row)
            case MessageChanged(change, row):
                assert change.text is None or change.message_number not in row.hidden
                known = self.messages.get(change.message_number)
                if known and known.change_number < change.number:
                    self.messages[known.number] = changed(known, change)
                self.see(row)
            case GroupChanged(row):
                self.see(row)

    def add(self, message: Message) -> None:
        known = self.messages.get(message.number)
        if known is None or known.change_number < message.change_number:
            self.messages[message.number] = message
        self._blank()

    def see(self, row: InboxRow) -> None:
        if self.row is None or self.row.version < row.version:
            self.row = row
            assert row.hide_count <= MAX_HIDDEN, "the row names all of them"
        self._blank()

    def _blank(self) -> None:
        """Hide what the row says, whichever came first, the row or the message."""
        for number in self.row.hidden if self.row else ():
            if (known := self.messages.get(number)) and self.row:
                self.messages[number] = replace(known, hidden_by=known.hidden_by | {self.row.user_uuid})


def changed(message: Message, change: Change) -> Message:
    """Apply a change as the contract says that clients do."""
    message = replace(message, change_number=change.number)
    users = message.reactions.get(change.emoji or "", frozenset())
    match change.type:
        case ChangeType.EDIT:
            return replace(message, text=change.text or "", version=change.version or 0, edited_at=change.created_at)
        case ChangeType.DELETE:
            return replace(message, text="", deleted_at=change.created_at, reactions={})
        case ChangeType.REACT:
            reactions = {**message.reactions, change.emoji or "": users | {change.user_uuid}}
        case ChangeType.UNREACT:
            reactions = {**message.reactions, change.emoji or "": users - {change.user_uuid}}
    return replace(message, reactions={emoji: members for emoji, members in reactions.items() if members})


class ChangingTalk(Talk):
    """Two users that change messages, too, with a client that listens."""

    def __init__(self, service: Service, bus: MemoryBus) -> None:
        super().__init__(service, bus)
        self.age = timedelta(0)
        self.messaging = Messaging(
            self.store,
            DIRECTORY,
            message_max_length=100,
            tasks=TaskSet(),
            publish=bus.publish,
            clock=lambda: now() - self.age,
        )
        self.changes = Changes(
            self.messaging, self.store, tasks=TaskSet(), edit_window=DAY, delete_window=DAY, shows_edits=True
        )
        self.client = Client()
        self.position_after: str | None = None

    async def change(self, user: UUID, number: int, kind: ChangeType, **content: str | int) -> None:
        draft = ChangeDraft(user, self.group, number, kind, **content)  # type: ignore[arg-type]
        method = {
            ChangeType.EDIT: self.changes.edit,
            ChangeType.DELETE: self.changes.delete,
            ChangeType.REACT: self.changes.react,
            ChangeType.UNREACT: self.changes.unreact,
        }[kind]
        await method(draft)

    @asynccontextmanager
    async def listening(self, position: str | None = None, *, catchup: Catchup | None = None) -> AsyncIterator[None]:
        async with self.bus.subscribe(self.bob) as self.subscription:
            stream = Stream(self.bob, self.subscription, bus=self.bus, catchup=catchup or Catchup(self.store))
            await stream.start(position)
            task = asyncio.create_task(self._follow(stream))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def _follow(self, stream: Stream) -> None:
        while not stream.is_over:
            for item in await stream.next_items():
                self.position_after = item.position or self.position_after
                if isinstance(item.event, ResyncRequired):
                    if row := await self.store.inbox_row(self.bob, self.group):
                        self.client.see(row)
                    for message in await self.snapshot():
                        self.client.add(message)
                else:
                    self.client.apply(item.event)

    async def act(self, action: Any, rng: random.Random) -> None:
        """Send, or try a change that may be refused."""
        kind, is_ann, *rest = action
        user = self.ann if is_ann else self.bob
        if kind == "send":
            draft = Draft(user, f"{rng.random()}", expires_in=rng.choice([None, 3600]))
            await self.messaging.send(draft, group=self.group, handle=None)
            return
        if kind == "hide":
            with suppress(AppError):
                await self.changes.hide(user, self.group, rest[0])
            return
        number, emoji = rest
        content: dict[str, str | int] = {}
        if kind is ChangeType.EDIT:
            content = {"text": f"{rng.random()}", "version": rng.randint(1, 2)}
        elif kind is not ChangeType.DELETE:
            content = {"emoji": emoji}
        with suppress(AppError):
            await self.change(user, number, kind, **content)
        return

    async def snapshot(self) -> list[Message]:
        return list((await self.messaging.history(self.bob, self.group, Window.newest(100))).messages)

    async def is_up_to_date(self) -> bool:
        """Return whether the client shows what a new one would. What it does not know of edits is left aside."""
        snapshot = {message.number: self.shown(message) for message in await self.snapshot()}
        known = {number: self.shown(message) for number, message in self.client.messages.items()}
        return snapshot == known and self.client.row == await self.store.inbox_row(self.bob, self.group)

    def shown(self, message: Message) -> Message:
        """Return a message as Bob's client shows it."""
        own = message.hidden_by & {self.bob}
        expires_in = None if message.deleted_at else message.expires_in  # of which a deletion leaves nothing
        return replace(seen_by(message, self.bob), edits=(), hidden_by=own, expires_in=expires_in)

    async def catch_up(self, subscription: Subscription | None) -> None:
        """Have the stream compare with the rows until the client is up to date."""
        async with asyncio.timeout(SECONDS):
            while not await self.is_up_to_date():
                assert subscription
                subscription.put(Delivery(EventsLost(self.bob)))
                await asyncio.sleep(0.02)


actions = st.one_of(
    st.tuples(st.just("send"), st.booleans()),
    st.tuples(st.just("hide"), st.booleans(), st.integers(1, 8)),
    st.tuples(st.sampled_from(list(ChangeType)), st.booleans(), st.integers(1, 5), st.sampled_from(EMOJIS)),
)


@given(
    parts=st.lists(st.lists(actions, min_size=1, max_size=12), min_size=1, max_size=4),
    share=st.sampled_from([0.0, 0.8]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_events_lead_from_a_snapshot_to_the_next(
    service: Service, parts: list[list[Any]], share: float, seed: int
) -> None:
    """The client is cut again and again, and more happens before its stream resumes."""
    rng = random.Random(seed)  # noqa: S311  # repeatable
    talk = ChangingTalk(service, LossyBus(share, seed))
    talk.age = timedelta(minutes=5)  # too old for a resumed stream to read them again
    await talk.send(4)
    talk.age = timedelta(0)
    await talk.change(talk.ann, 1, ChangeType.REACT, emoji="😀")
    for part in parts:
        async with talk.listening(talk.position_after):
            for action in part:
                await talk.act(action, rng)
            if rng.random() < 0.7:
                await talk.catch_up(talk.subscription)
        for action in part[:2]:
            await talk.act(action, rng)
    async with talk.listening(talk.position_after):
        await talk.catch_up(talk.subscription)
