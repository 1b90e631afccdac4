"""Whatever dies or fails between two writes, who sees what, and what is unread, is what a plain model says."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.gateways.dynamodb import Query
from app.messaging.catchup import Catchup, SyncCursor
from app.messaging.clock import now
from app.messaging.errors import MessageNotFound
from app.messaging.models import ChangeDraft, ChangeType, Draft
from app.messaging.preview import preview
from app.messaging.visibility import seen_by
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.messaging.test_change_properties import Process, World

LONG = 3600
AGE = timedelta(minutes=10)
"""The time since the messages were sent: those that expire have expired, unless they live for longer."""


@dataclass
class Sent:
    """A message as the model knows it; a text occurs in one message only."""

    sender: UUID
    text: str
    expires_in: int | None
    reply_to: int | None
    hidden_by: set[UUID] = field(default_factory=set)
    is_deleted: bool = False
    has_expired: bool = False
    texts: list[str] = field(default_factory=list)

    def seen_by(self, user: UUID) -> str:
        return "" if self.is_deleted or self.has_expired or user in self.hidden_by else self.text


class VanishingWorld(World):
    """Two users that hide messages and send such as expire, in the past."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sent: list[Sent] = []
        self.markers = dict.fromkeys(self.pair, 0)

    def process(self, calls: int = 10**6) -> Process:
        return Process.start(
            self.service,
            calls=calls,
            share=self.share,
            seed=self.rng.randrange(2**32),
            clock=lambda: now() - AGE,
        )

    async def act(self, step: Any, deaths: Sequence[int]) -> None:
        kind, is_first, number, expires_in, is_reply = step
        user = self.pair[0 if is_first else 1]
        target = self.sent[number - 1] if number <= len(self.sent) else None
        if kind == "send":
            return await self.send_one(user, expires_in, min(number, len(self.sent)) if is_reply else None, deaths)
        if kind == "read" and target and number > self.markers[user]:
            await self.repeat(lambda process: process.messaging.markers.mark_read(user, self.group, number), deaths)
            self.markers[user] = number
        if kind == "hide":
            with suppress(MessageNotFound):
                await self.repeat(lambda process: process.changes.hide(user, self.group, number), deaths)
                assert target
                target.hidden_by.add(user)
        if kind == "edit" and target and target.seen_by(target.sender) and not target.expires_in:
            await self.edit(target, number, deaths)
        if kind == "delete" and target and target.sender == user:
            draft = ChangeDraft(user, self.group, number, ChangeType.DELETE)
            await self.repeat(lambda process: process.changes.delete(draft), deaths)
            target.is_deleted = True
        return None

    async def send_one(self, user: UUID, expires_in: int | None, reply_to: int | None, deaths: Sequence[int]) -> None:
        text = f"text {uuid4()}"
        draft = Draft(user, text, uuid4(), len(self.sent), reply_to or None, expires_in=expires_in)
        peer = str(self.pair[self.pair[0] == user])
        await self.repeat(lambda process: process.messaging.send(draft, group=None, handle=peer), deaths)
        has_expired = expires_in is not None and expires_in < LONG
        self.sent.append(Sent(user, text, expires_in, reply_to or None, has_expired=has_expired))
        self.markers[user] = len(self.sent)

    async def edit(self, target: Sent, number: int, deaths: Sequence[int]) -> None:
        text, version = f"text {uuid4()}", len(target.texts) + 1
        draft = ChangeDraft(
            target.sender, self.group, number, ChangeType.EDIT, text=text, version=version, uuid=uuid4()
        )
        await self.repeat(lambda process: process.changes.edit(draft), deaths)
        target.texts.append(target.text)
        target.text = text

    def unread(self, user: UUID) -> int:
        after = self.sent[self.markers[user] :]
        return sum(user not in each.hidden_by and not each.has_expired for each in after)

    async def check_user(self, user: UUID, reader: Process) -> None:
        """Compare all that a user can read with the model."""
        row = await self.store.inbox_row(user, self.group)
        assert row
        assert (row.last_number, row.read_number) == (len(self.sent), self.markers[user])
        assert row.unread_count == self.unread(user)
        assert (await self.store.inbox.count_unread(user, limit=10))[0].count == int(self.unread(user) > 0)
        assert (await self.store.inbox.count_unread_of(user, [self.group])).count == int(self.unread(user) > 0)
        last = self.sent[-1]
        assert row.preview == ("" if last.expires_in else preview(last.seen_by(user)))
        assert row.hide_count == sum(user in each.hidden_by for each in self.sent)
        assert set(row.hidden) == {n for n, each in enumerate(self.sent, 1) if user in each.hidden_by}
        catchup = Catchup(self.store)
        history = (await reader.messaging.history(user, self.group, Window.newest(100))).messages
        known = {self.group: SyncCursor(0, 0, 0)}
        difference = await catchup.difference(user, known)
        single = [await reader.changes.message(user, self.group, n) for n in range(1, len(self.sent) + 1)]
        for found in (history, difference.messages, single):
            assert [seen_by(message, user).text for message in found] == [each.seen_by(user) for each in self.sent]
        quoted = await catchup.quoted(history)
        for message in history:
            if message.reply_to:
                quote = seen_by(quoted[self.group, message.reply_to], user)
                assert quote.text == self.sent[message.reply_to - 1].seen_by(user)
        changes, _ = await reader.changes.after(user, self.group, 0, limit=100)
        await self.check_texts(user, reader, changes, difference.changes)

    async def check_texts(self, user: UUID, reader: Process, *found: Any) -> None:
        """Compare the texts in changes, and the earlier texts, with the model."""
        for number, each in enumerate(self.sent, 1):
            is_seen = bool(each.seen_by(user))
            edits = await reader.changes.edits(user, self.group, number)
            assert [edit.text for edit in edits] == (each.texts[::-1] if is_seen else [])
            for changes in found:
                texts = [c.text for c in changes if c.message_number == number and c.type is ChangeType.EDIT]
                visible = [*each.texts[1:], each.text] if each.texts else []
                assert texts == (visible if is_seen else [None] * len(visible))


steps = st.tuples(
    st.sampled_from(["send", "send", "hide", "hide", "read", "edit", "edit", "delete"]),
    st.booleans(),
    st.integers(1, 5),
    st.sampled_from([None, 60, 300, 2 * LONG]),
    st.booleans(),
)


@given(
    script=st.lists(st.tuples(steps, st.lists(st.integers(0, 9), max_size=3)), min_size=1, max_size=25),
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_who_sees_what_is_what_the_model_says(
    service: Service, script: list[Any], seed: int, share: float
) -> None:
    """Each call is repeated until a process lives long enough to answer it; the processes before it die on the way."""
    world = VanishingWorld(service, random.Random(seed), share)  # noqa: S311  # repeatable
    for user in world.pair:
        await world.send_one(user, None, None, [])
    for step, deaths in script:
        await world.act(step, deaths)
    await world.settle()
    reader = Process.start(service, calls=10**6)
    for user in world.pair:
        await world.check_user(user, reader)
    items = await service.state["table"].query(texts_of(world.group))
    left = {item["text"]["S"] for item in items if "text" in item}
    deleted = {each.text for each in world.sent if each.is_deleted}
    assert not left & deleted, "a deletion for all removes the text, also one that would expire"


def texts_of(group: UUID) -> Query:
    return Query("#pk = :pk", {":pk": f"MSG#{group}"}, consistent=True)
