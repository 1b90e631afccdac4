"""A Valkey that answers late: events arrive late, and no stream compares with the rows for it."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest

from app.gateways.valkey.client import CALL_SECONDS
from app.messaging.catchup import Catchup
from app.realtime.bus import SPREAD_SECONDS
from app.realtime.valkey_bus import RETRY_SECONDS
from tests.fixtures.app import Service
from tests.fixtures.engines import running_valkey
from tests.realtime.test_bus import until, valkey_bus
from tests.realtime.test_stream import Talk
from tests.realtime.test_valkey_faults import admin_of

STREAMS, PAUSES = 4, 3
NOTICE_SECONDS = RETRY_SECONDS + SPREAD_SECONDS + 0.2
"""By then all streams have compared with the rows, if the bus has told them to."""


class CountingCatchup(Catchup):
    """Counts the comparisons with the rows."""

    comparisons = 0

    async def newest(self, user: UUID, **_: Any) -> Any:
        self.comparisons += 1
        return await super().newest(user)


async def test_late_answers_of_valkey_make_no_stream_compare(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for patient in ("app.gateways.valkey.multiplexer.HANG_SECONDS", "app.realtime.valkey_bus.ECHO_SECONDS"):
        monkeypatch.setattr(patient, 60)  # a machine that stands still for a second is not what is asked about
    with running_valkey() as engine:
        async with valkey_bus(engine.address) as bus, admin_of(engine.address) as admin:
            talks = [Talk(service, bus) for _ in range(STREAMS)]
            catchup = CountingCatchup(talks[0].store)
            async with AsyncExitStack() as stack:
                for talk in talks:
                    await stack.enter_async_context(talk.listening(catchup=catchup))
                await until(lambda: catchup.comparisons >= STREAMS)
                begun = catchup.comparisons
                for number in range(1, PAUSES + 1):
                    await admin.execute_command("CLIENT", "PAUSE", int(CALL_SECONDS * 4000), "ALL")
                    await asyncio.gather(*(talk.send(1) for talk in talks))
                    await until(lambda number=number: all(len(each.numbers) == number for each in talks))  # type: ignore[misc]
                await asyncio.sleep(NOTICE_SECONDS)
                assert catchup.comparisons == begun
                assert bus.is_reliable
            assert [talk.numbers for talk in talks] == [list(range(1, PAUSES + 1))] * STREAMS
