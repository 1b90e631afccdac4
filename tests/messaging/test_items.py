"""Items: round trips, ids of pairs."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.gateways.dynamodb import Item, StoredItem, marshal_item
from app.messaging import inbox_items, inbox_queries, items
from app.messaging.cursors import read_cursor, write_cursor
from app.messaging.groups.models import Role
from app.messaging.models import Message, direct_group_uuid
from app.messaging.row_models import Folder, InboxPosition, InboxRow, MemberState
from app.messaging.uuid7 import uuid7
from tests.tools.stored import new_inbox_row

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC, microsecond=at.microsecond // 1000 * 1000)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
MESSAGES = st.builds(
    Message,
    group_uuid=st.uuids(),
    number=st.integers(1, 10**12 - 1),
    uuid=st.uuids(),
    user_uuid=st.uuids(),
    text=TEXTS,
    created_at=TIMES,
    kind=st.just("text"),
    reply_to=st.none() | st.integers(1, 10**12 - 1),
    mentions=st.frozensets(st.uuids(), max_size=3),
    edited_at=st.none(),
    deleted_at=st.none(),
)


def stored(item: Item) -> StoredItem:
    """Return the item as it comes back: as the JSON of the data plane, which has base64 for bytes."""
    encoded = json.dumps(marshal_item(item), default=lambda data: b64encode(data).decode())
    return cast("StoredItem", json.loads(encoded))


@given(MESSAGES)
def test_a_message_survives_being_stored(message: Message) -> None:
    assert items.to_message(stored(items.message_item(message))) == message


@given(MESSAGES, st.uuids())
def test_a_first_row_says_what_its_message_says(message: Message, peer: UUID) -> None:
    for user in (message.user_uuid, peer):
        put = new_inbox_row(message, user=user, peer=message.user_uuid)
        row = inbox_items.to_inbox_row(stored(put.item))
        assert (row.user_uuid, row.group_uuid, row.last_number) == (user, message.group_uuid, message.number)
        assert row.last_at == message.created_at
        assert row.unread_count == (0 if user == message.user_uuid else message.number)


@given(TIMES)
def test_times_are_exact(at: datetime) -> None:
    assert items.from_ms(items.to_ms(at)) == at


@given(TIMES, st.uuids())
def test_cursors_are_exact(at: datetime, group: UUID) -> None:
    position = InboxPosition(at, group)
    assert read_cursor(write_cursor(position)) == position


def test_a_pair_has_one_group_in_either_order() -> None:
    one, other = uuid4(), uuid4()
    assert direct_group_uuid(one, other) == direct_group_uuid(other, one) != direct_group_uuid(one, one)
    fixed = direct_group_uuid(UUID(int=1), UUID(int=2))
    assert fixed == UUID("3159a14f-5483-5596-b1fc-f4b8129197f7"), "this id is stored everywhere and may never change"


def test_uuid7_follows_the_rfc_and_the_clock() -> None:
    ids = [uuid7() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {(uuid.version, uuid.variant) for uuid in ids} == {(7, "specified in RFC 4122")}
    made = datetime.fromtimestamp((ids[0].int >> 80) / 1000, UTC)
    assert abs(datetime.now(UTC) - made) < timedelta(seconds=5)


def test_the_attributes_that_are_read_of_a_row_are_all_but_its_user_and_the_index_keys() -> None:
    """Whatever a row can hold is in ROW, else a page would show it without that."""
    at, user = datetime(2026, 11, 24, tzinfo=UTC), uuid4()
    row = InboxRow(
        *(user, uuid4(), uuid4(), 7, at, uuid4(), "hi", 3, 9, MemberState.LEFT, True, at, at, 5, at),
        mentioned=frozenset({4, 7}),
        expires_at=at,
        gone={5: at},
        hidden=(4, 6),
        hide_count=2,
        received_number=5,
        is_marked_unread=True,
        blocked_at=at,
        peer_read=3,
        peer_delivered=4,
        folder=Folder.ARCHIVE,
        awaits_acceptance=True,
        cleared_number=2,
        pin_position=1,
    )
    of_several = replace(
        row,
        peer_uuid=None,
        title="Launch",
        member_count=3,
        role=Role.ADMIN,
        systems=frozenset({1}),
        head_version=8,
        is_open=True,
        shows_history=True,
    )
    read: set[str] = set()
    names = {name.removeprefix("#") for name in inbox_queries.ROW.split(", ")}
    for each in (row, of_several):
        item = inbox_items.inbox_item(each)
        read |= item.keys() - {"pk", "inbox", "activity_bucket"}
        stored = marshal_item({name: value for name, value in item.items() if name in names})
        assert inbox_queries.row_of(user, stored) == each
    assert names == read
