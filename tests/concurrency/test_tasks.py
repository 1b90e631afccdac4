"""Deadlines, backoff and background tasks."""

import asyncio
from functools import partial

import pytest
import structlog
from structlog.testing import capture_logs

from app.concurrency import Backoff, TaskSet, bugs_logged, deadline, repeating, running, wait
from app.errors import Unavailable


async def test_waiting_ends_with_the_tasks_or_with_its_time_and_cancels_none() -> None:
    ended: list[int] = []

    async def work(number: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append(number)

    tasks = [asyncio.create_task(work(number, 0.02 * number)) for number in range(3)]
    await wait(tasks, 5)
    assert ended == [0, 1, 2]
    await wait(tasks, 5)  # they are done already
    slow = asyncio.create_task(work(3, 0.1))
    await wait([slow], 0.01)
    assert not slow.done()
    waiting = asyncio.create_task(wait([slow], 5))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    await slow
    assert ended == [0, 1, 2, 3]


async def test_a_timeout_within_a_block_is_unavailable_and_other_errors_pass() -> None:
    with pytest.raises(Unavailable):
        async with deadline(5):
            raise TimeoutError
    with pytest.raises(KeyError):
        async with deadline(5):
            raise KeyError


async def test_a_block_past_its_deadline_raises_unavailable() -> None:
    with pytest.raises(Unavailable):
        async with deadline(0.01):
            await asyncio.Event().wait()


def test_the_bound_of_a_backoff_doubles_up_to_its_longest() -> None:
    backoff = Backoff(first=0.5, longest=3.0)
    waits = [max(backoff.seconds(attempt) for _ in range(2_000)) for attempt in range(5)]
    assert waits == pytest.approx([0.5, 1.0, 2.0, 3.0, 3.0], rel=0.05)
    assert backoff.seconds(10**6) <= 3.0


async def test_a_cancelled_caller_leaves_its_task_running() -> None:
    tasks, finish = TaskSet(), asyncio.Event()
    task = tasks.start(finish.wait())
    caller = asyncio.ensure_future(asyncio.wait({task}))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    finish.set()
    await task
    assert len(tasks) == 0


async def test_a_drain_waits_for_tasks_that_running_tasks_start_and_ends_sleeps() -> None:
    tasks, done = TaskSet(), list[str]()

    async def second() -> None:
        done.append("second")

    async def first() -> asyncio.Task[None]:
        await tasks.sleep(3600)
        done.append("first")
        return tasks.start(second())

    started = tasks.start(first())
    await asyncio.sleep(0)
    await tasks.drain(5)
    assert started.done()
    assert done == ["first", "second"]


async def test_a_drain_cancels_what_is_still_running_after_its_seconds() -> None:
    tasks = TaskSet()
    task = tasks.start(asyncio.Event().wait())
    await tasks.drain(0.01)
    assert task.cancelled()
    assert len(tasks) == 0


@pytest.mark.parametrize(("error", "events"), [(ZeroDivisionError(), ["background_task_failed"]), (Unavailable(), [])])
async def test_a_bug_in_a_task_is_logged_though_no_caller_awaits_it(error: Exception, events: list[str]) -> None:
    async def fail() -> None:
        raise error

    tasks = TaskSet()
    with capture_logs() as logs:
        task = tasks.start(fail())
        await asyncio.wait({task})
        await asyncio.sleep(0)
    assert [entry["event"] for entry in logs] == events


async def test_work_runs_beside_its_block_and_has_ended_with_it() -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            steps.append("begun")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("ended")

    async def fail() -> None:
        async with running(work()):
            await asyncio.sleep(0)
            assert steps == ["begun"]
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert steps == ["begun", "ended"]


async def test_repeated_work_goes_on_after_faults_and_logs_those_that_are_bugs() -> None:
    done = asyncio.Event()
    errors: list[Exception] = [Unavailable(), KeyError("bug")]

    async def work() -> None:
        if errors:
            raise errors.pop()
        done.set()

    guard = partial(bugs_logged, structlog.get_logger(), "work_failed", expected=Unavailable)
    with capture_logs() as lines:
        async with repeating(work, every=0.001, guard=guard), asyncio.timeout(5):
            await done.wait()
    assert [line["event"] for line in lines] == ["work_failed"]
