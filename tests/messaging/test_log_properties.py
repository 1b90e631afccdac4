"""Whatever fails, a log is 1..n without gaps, each uuid is in it once, and inbox rows agree with it."""

import asyncio
import random
from collections import Counter
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.concurrency import TaskSet
from app.errors import Unavailable
from app.messaging.models import Draft, Message, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.windows import Window
from tests.fixtures.app import Service
from tests.tools.processes import process

RETRIES = 60


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
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_log_is_gapless_and_each_send_is_in_it_once(
    service: Service, with_after: bool, seed: int, share: float, senders: int
) -> None:
    rng = random.Random(seed)  # noqa: S311  # repeatable
    tasks = TaskSet()
    processes = [process(service, tasks, share=share, seed=seed + n) for n in range(2)]
    pair = (uuid4(), uuid4())
    group = direct_group_uuid(*pair)

    async def talk(sender: int) -> list[Message]:
        me, peer = pair if sender % 2 else pair[::-1]
        answered: list[Message] = []
        for n in range(4):
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
    assert [message.number for message in log] == list(range(1, 4 * senders + 1))
    assert Counter(message.uuid for message in log) == Counter(message.uuid for message in answered)
    assert sorted(answered, key=lambda message: message.number) == log
    for user in pair:
        row = await store.inbox_row(user, group)
        assert row
        assert (row.last_number, row.preview, row.last_by) == (log[-1].number, log[-1].text, log[-1].user_uuid)
        own = [message.number for message in log if message.user_uuid == user]
        assert row.read_number == max(own, default=0)


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
