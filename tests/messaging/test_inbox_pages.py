"""Pages of a large inbox, against an index that is late and sorts groups of the same ten minutes anyhow."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.messaging import inbox_items
from app.messaging.cursors import read_cursor, write_cursor
from app.messaging.inbox import MAX_ROUNDS, ROWS_AT_ONCE, Inbox
from app.messaging.inbox_store import InboxStore
from app.messaging.row_models import BucketPosition, Folder, InboxPosition, InboxRow, MemberState

ME, PEER = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class LateIndex:
    """The inbox of a user: its rows, and the index as it was before some of the rows changed."""

    def __init__(self, rows: Sequence[InboxRow], rng: random.Random) -> None:
        self.rows = {row.group_uuid: row for row in rows}
        buckets = [(inbox_items.bucket(row.last_at), row.group_uuid) for row in rows]
        entries = [BucketPosition(bucket, group, (bucket + 1) * inbox_items.BUCKET_MS - 1) for bucket, group in buckets]
        self.index = sorted(entries, key=lambda entry: (-entry.bucket, rng.random()))
        self.rows_read = self.entries_read = 0

    def change(self, group: UUID, **changes: Any) -> None:
        """Change a row, of which the index does not know yet."""
        self.rows[group] = replace(self.rows[group], **changes)

    async def entries(
        self, _: UUID, start: InboxPosition | BucketPosition | None, *, limit: int, folder: Folder
    ) -> list[BucketPosition]:
        assert folder is Folder.INBOX
        if isinstance(start, BucketPosition):
            groups = [entry.group_uuid for entry in self.index]
            found = self.index[groups.index(start.group_uuid) + 1 :]
        else:
            found = [e for e in self.index if start is None or e.bucket <= inbox_items.bucket(start.last_at)]
        self.entries_read += len(found[:limit])
        return found[:limit]

    async def rows_of(self, _: UUID, groups: Sequence[UUID]) -> list[InboxRow]:
        assert len(set(groups)) == len(groups) <= ROWS_AT_ONCE
        self.rows_read += len(groups)
        return [self.rows[group] for group in sorted(groups)]


def row(number: int, at: datetime, state: MemberState = MemberState.ACTIVE) -> InboxRow:
    return InboxRow(ME, UUID(int=number), PEER, 1, at, PEER, "", 0, 1, state)


ages = st.lists(st.integers(0, 40 * 60), min_size=1, max_size=120) | st.lists(
    st.sampled_from([0, 1, 599, 600, 601, 86_400]), min_size=1, max_size=200
)


async def walk(index: LateIndex, limit: int, start: InboxPosition | None = None) -> list[list[InboxRow]]:
    """Return all pages from a position on, each continued from the cursor of the one before."""
    inbox, pages = Inbox(cast(InboxStore, index)), []
    position: InboxPosition | BucketPosition | None = start
    while True:
        index.rows_read = index.entries_read = 0
        page = await inbox.page_by_activity(ME, limit=limit, before=position)
        assert index.rows_read <= MAX_ROUNDS * limit
        assert index.entries_read <= index.rows_read + MAX_ROUNDS
        pages.append(list(page.rows))
        if page.next is None:
            return pages
        position = read_cursor(write_cursor(page.next))
        assert position == page.next


@given(ages=ages, limit=st.integers(1, 100), seed=st.integers(0, 99), left=st.sets(st.integers(0, 199), max_size=20))
async def test_pages_show_each_active_group_once_by_ten_minutes_and_each_page_is_sorted(
    ages: list[int], limit: int, seed: int, left: set[int]
) -> None:
    states = [MemberState.LEFT if n in left else MemberState.ACTIVE for n in range(len(ages))]
    rows = [
        row(n, NOON - timedelta(seconds=age), state) for n, (age, state) in enumerate(zip(ages, states, strict=True))
    ]
    index = LateIndex(rows, random.Random(seed))  # noqa: S311  # repeatable
    pages = await walk(index, limit)
    found = [row for page in pages for row in page]
    expected = sorted((r for r in rows if r.state is MemberState.ACTIVE), key=InboxPosition.of, reverse=True)
    assert sorted(found, key=InboxPosition.of, reverse=True) == expected
    assert all(page == sorted(page, key=InboxPosition.of, reverse=True) for page in pages)
    buckets = [inbox_items.bucket(row.last_at) for row in found]
    assert all(newer >= older for newer, older in pairwise(buckets))
    if not left:
        assert all(len(page) == limit for page in pages[:-1])
        assert index.rows_read <= limit


@given(ages=ages, limit=st.integers(1, 100), seed=st.integers(0, 99), moved=st.sets(st.integers(0, 199), max_size=20))
async def test_a_group_whose_entry_is_late_is_shown_at_most_once_and_moves_no_other(
    ages: list[int], limit: int, seed: int, moved: set[int]
) -> None:
    rows = [row(n, NOON - timedelta(seconds=age)) for n, age in enumerate(ages)]
    index = LateIndex(rows, random.Random(seed))  # noqa: S311  # repeatable
    late = {rows[n].group_uuid for n in moved if n < len(rows)}
    for group in late:
        index.change(group, last_at=NOON + timedelta(hours=1))
    found = [row.group_uuid for page in await walk(index, limit) for row in page]
    assert len(set(found)) == len(found)
    assert set(found) - late == {row.group_uuid for row in rows} - late


@given(ages=ages, limit=st.integers(1, 100), seed=st.integers(0, 99), shown=st.integers(0, 199))
async def test_a_walk_that_began_in_a_small_inbox_goes_on_with_the_rest_when_it_has_become_large(
    ages: list[int], limit: int, seed: int, shown: int
) -> None:
    rows = [row(n, NOON - timedelta(seconds=age)) for n, age in enumerate(ages)]
    rows.sort(key=InboxPosition.of, reverse=True)
    last = rows[min(shown, len(rows) - 1)]
    index = LateIndex(rows, random.Random(seed))  # noqa: S311  # repeatable
    found = [row for page in await walk(index, limit, InboxPosition.of(last)) for row in page]
    rest = rows[rows.index(last) + 1 :]
    assert sorted(found, key=InboxPosition.of, reverse=True) == [
        row for row in rows if row in rest or (row in found and row.last_at == last.last_at)
    ]  # a cursor has no room for the order of groups at the same millisecond, and these may come again
