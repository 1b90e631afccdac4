"""Whatever fails, a log is 1..n without gaps, each uuid is in it once, and inbox rows agree with it."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.errors import Unavailable
from app.messaging import log
from app.messaging.errors import AfterTooOld
from app.messaging.log import NEWEST_COMPARED
from app.messaging.models import Draft, Message, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.tools.processes import process

RETRIES = 60
DRAFTS = 4
"""Messages of each sender."""


async def send_until_answered(processes: list[Messaging], draft: Draft, peer: UUID, rng: random.Random) -> Message:
    """Send with the same uuid to any process until there is an answer, as a good client does."""
    for _ in range(RETRIES):
        try:
            return await rng.choice(processes).send(draft, group=None, handle=str(peer))
        except Unavailable:
            await asyncio.sleep(rng.uniform(0, 0.01))
    raise AssertionError("never answered")


@pytest.mark.parametrize("with_after", [True, False])
@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.1, 0.3]), senders=st.integers(1, 6))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_log_is_gapless_and_each_send_is_in_it_once(
    service: Service, with_after: bool, seed: int, share: float, senders: int
) -> None:
    if not with_after:  # a draft that is sent again is looked for among the newest messages
        senders = min(senders, NEWEST_COMPARED // DRAFTS)
    rng = random.Random(seed)  # noqa: S311  # repeatable
    tasks = TaskSet()
    processes = [process(service, tasks, share=share, seed=seed + n) for n in range(2)]
    pair = (uuid4(), uuid4())
    group = direct_group_uuid(*pair)

    async def talk(sender: int) -> list[Message]:
        me, peer = pair if sender % 2 else pair[::-1]
        answered: list[Message] = []
        for n in range(DRAFTS):
            after = answered[-1].number if answered else 0
            draft = Draft(me, f"{sender}/{n}", uuid4(), after if with_after else None)
            answered.append(await send_until_answered(processes, draft, peer, rng))
            if rng.random() < 0.3:  # a doubtful client asks again
                assert await send_until_answered(processes, draft, peer, rng) == answered[-1]
        return answered

    answered = [message for messages in await asyncio.gather(*map(talk, range(senders))) for message in messages]
    await tasks.drain(10)
    store = MessagingStore(service.state["table"])
    log = await store.messages_after(group, 0)
    assert [message.number for message in log] == list(range(1, DRAFTS * senders + 1))
    assert Counter(message.uuid for message in log) == Counter(message.uuid for message in answered)
    assert sorted(answered, key=lambda message: message.number) == log
    for user in pair:
        row = await store.inbox_row(user, group)
        assert row
        assert (row.last_number, row.preview, row.last_by) == (log[-1].number, log[-1].text, log[-1].user_uuid)
        own = [message.number for message in log if message.user_uuid == user]
        assert row.read_number == max(own, default=0)


@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.2]), stale=st.integers(0, 6))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_draft_that_is_refused_as_too_old_is_not_in_the_log_and_never_will_be(
    service: Service, monkeypatch: pytest.MonkeyPatch, seed: int, share: float, stale: int
) -> None:
    """Each draft is sent several times at once and again, with an `after` of the past and then with a recent one."""
    monkeypatch.setattr(log, "NUMBERS_AFTER", 4)
    rng = random.Random(seed)  # noqa: S311  # repeatable
    tasks, pair = TaskSet(), (uuid4(), uuid4())
    processes = [process(service, tasks, share=share, seed=seed + n) for n in range(2)]
    store, group = MessagingStore(service.state["table"]), direct_group_uuid(*pair)

    async def send(draft: Draft, peer: UUID) -> Message | None:
        with suppress(AfterTooOld):
            return await send_until_answered(processes, draft, peer, rng)
        assert draft.uuid not in {message.uuid for message in await store.messages_after(group, 0)}
        return None

    async def talk(sender: int) -> set[UUID]:
        me, peer = pair if sender % 2 else pair[::-1]
        sent, end = set(), 0
        for n in range(5):
            draft = Draft(me, f"{sender}/{n}", uuid4(), max(0, end - stale))
            answers: set[Message | None] = {None}
            while answers == {None}:
                answers = set(await asyncio.gather(*(send(draft, peer) for _ in range(2))))
                end = len(await store.messages_after(group, 0))
                draft = replace(draft, after=end) if answers == {None} else draft
            (message,) = answers - {None}
            assert message
            assert message.number <= (draft.after or 0) + 4
            sent.add(message.uuid)
        return sent

    sent = set[UUID]().union(*await asyncio.gather(*map(talk, range(3))))
    await tasks.drain(10)
    entries = await store.messages_after(group, 0)
    assert [message.number for message in entries] == list(range(1, len(sent) + 1))
    assert {message.uuid for message in entries} == sent


async def test_a_sender_gets_a_number_above_those_it_has_seen(service: Service) -> None:
    """Two processes append in turn and do not communicate."""
    one, other = (process(service, TaskSet(), share=0, seed=n) for n in range(2))
    ann, bob = uuid4(), uuid4()
    for number in range(1, 21):
        sender = one if number % 2 else other
        message = await sender.send(Draft(ann, f"{number}", uuid4(), number - 1), group=None, handle=str(bob))
        assert message.number == number


async def test_an_answered_send_is_in_every_later_page(service: Service) -> None:
    one, other = (process(service, TaskSet(), share=0, seed=n) for n in range(2))
    ann, bob = uuid4(), uuid4()
    for number in range(1, 11):
        await one.send(Draft(ann, f"{number}"), group=None, handle=str(bob))
        history = await other.history(bob, direct_group_uuid(ann, bob), Window.newest(5))
        assert history.messages[-1].number == history.end == number
