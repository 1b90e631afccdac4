"""Rows of a group of several members are open, or will be told, or have all that the head says."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.messaging.group_locks import Tail
from app.messaging.groups.items import head_key, is_quiet
from app.messaging.items import inbox_key
from app.messaging.models import Draft, Message
from tests.fixtures.app import Service
from tests.messaging.test_group_capacity import Grouped


class Delayed(Grouped):
    """A group whose processes may stand still for minutes: before they write its head, or close a row."""

    async def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.messaging.groups.store.now", lambda: self.at)
        await self.create(3)
        self.committed: list[Message] = []
        self.read_at: datetime | None = None

    async def write(self) -> None:
        await self.say()
        await self.drain()

    async def commit(self) -> None:
        """Append a message and stop before the head."""
        newest = await self.store.newest_messages(self.several, limit=1, consistent=True)
        end = Tail(newest[-1].number, newest[-1].created_at)
        message = self.messaging.log.entry(Draft(self.ann, "late"), group=self.several, after=end)
        await self.store.append_message(message)
        self.committed.append(message)

    async def advance(self) -> None:
        """Write the head for what was committed."""
        for message in self.committed:
            await self.store.heads.advance(message)
        self.committed.clear()

    async def read(self) -> None:
        """Read the row and stop before it is closed."""
        row = await self.store.inbox_row(self.ann, self.several, consistent=False)
        if row and is_quiet(row, self.at):
            self.read_at = self.at

    async def close(self) -> None:
        """Close the row that was read."""
        if self.read_at:
            await self.store.heads.close(self.ann, self.several, self.read_at)
        self.read_at = None

    async def look(self) -> None:
        """Rest, and close the row as soon as it is read."""
        await self.rest()
        await self.read()
        await self.close()

    async def bump(self) -> None:
        await self.store.heads.bump(self.several)

    async def pause(self) -> None:
        self.at += timedelta(minutes=3)

    async def rest(self) -> None:
        self.at += timedelta(minutes=13)

    async def assert_up_to_date(self) -> None:
        """Fail if nothing will bring the row up to its head."""
        head = await self.table.get(head_key(self.several), consistent=True)
        row = await self.table.get(inbox_key(self.ann, self.several), consistent=True)
        assert head
        assert row
        assert "open" in row or "inbox" in head or row["hv"] == head["v"], (row, head)


async def replay(service: Service, monkeypatch: pytest.MonkeyPatch, steps: Iterable[str]) -> None:
    group = Delayed(service)
    await group.begin(monkeypatch)
    for step in steps:
        await getattr(group, step)()
        await group.assert_up_to_date()


async def test_a_row_stays_open_when_its_group_becomes_active_before_it_is_closed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replay(service, monkeypatch, ["rest", "read", "write", "close", "write"])


async def test_a_closed_row_is_told_of_a_message_whose_head_is_written_late(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replay(service, monkeypatch, ["commit", "rest", "read", "close", "advance"])


STEPS = ["write", "commit", "advance", "look", "read", "close", "bump", "pause", "rest"]


@given(steps=st.lists(st.sampled_from(STEPS), min_size=30, max_size=60))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_row_is_closed_that_nothing_brings_up_to_its_head(
    service: Service, monkeypatch: pytest.MonkeyPatch, steps: list[str]
) -> None:
    await replay(service, monkeypatch, steps)
