"""Queries for inbox rows and for the entries of their index, and what is read of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.gateways.dynamodb import Query, StoredItem, text_to_uuid
from app.messaging.inbox_items import BUCKET_MS, INBOX_INDEX, bucket, folder_of, seen_number, to_gone, to_inbox_row
from app.messaging.items import from_ms, inbox_key, index_key, time_or_none, to_ms
from app.messaging.retention import KEEP_ALL, Retention
from app.messaging.row_models import BucketPosition, Folder, InboxPosition, InboxRow, MemberState, UnreadRows, unread

ENTRY = "#sk, #activity_bucket"
"""The attributes that make the position of an index entry."""
UNREAD = "#sk, #last, #read, #state, #gone, #u, #folder, #muted, #cleared, #systems, #hv, #open, #at"
"""The attributes that say whether a row has unread messages."""
ROW = "#sk, #peer, #last, #at, #by, #text, #read, #v, #state, #blocked, #muted, #pinned, #k, #changed"
ROW += ", #mentioned, #until, #gone, #hidden, #hides, #d, #u, #block, #peer_read, #peer_d, #folder, #awaits, #cleared"
ROW += ", #pin, #title, #members, #role, #systems, #hv, #open, #all"
"""The attributes of an inbox row without the user and the keys of the index, which are a third of its JSON."""


def probe_index() -> Query:
    """Return a query of the index by both of its keys that finds nothing."""
    return Query("#inbox = :inbox AND #activity_bucket > :n", {":inbox": "PROBE", ":n": 0}, index=INBOX_INDEX, limit=1)


def inbox_rows(user: UUID, *, limit: int | None, after: UUID | None = None, consistent: bool = False) -> Query:
    """Return the query for a user's rows, in the order of their groups' ids, from the first on or after one."""
    keys = {":pk": f"USR#{user}", ":rows": "GRP#"}
    condition = "#pk = :pk AND begins_with(#sk, :rows)"
    return Query(condition, keys, limit=limit, consistent=consistent, after=inbox_key(user, after) if after else None)


def whole_inbox(user: UUID, *, limit: int, consistent: bool) -> Query:
    """Return the query for what `row_of` makes rows of, in the order of their groups' ids."""
    return replace(inbox_rows(user, limit=limit, consistent=consistent), projection=ROW)


def row_of(user: UUID, item: StoredItem) -> InboxRow:
    """Return the inbox row of an item that was read without its user."""
    return to_inbox_row({**item, "pk": {"S": f"USR#{user}"}})


def is_listed(row: StoredItem, folder: Folder | None = None) -> bool:
    """Return whether a row's user is an active member, and the row is in a folder, if that is given."""
    is_active = "state" not in row or row["state"]["S"] == MemberState.ACTIVE
    return is_active and folder in {None, folder_of(row)}


def activity(row: StoredItem) -> tuple[int, str]:
    """Return a row's position as what the table stores; it sorts as InboxPosition does."""
    return int(row["at"]["N"]), row["sk"]["S"]


def activity_at(position: InboxPosition) -> tuple[int, str]:
    """Return a position as `activity` does."""
    return to_ms(position.last_at), f"GRP#{position.group_uuid}"


def count_unread(rows: Iterable[StoredItem], at: datetime, retention: Retention = KEEP_ALL) -> UnreadRows:
    """Count the rows of inbox and requests that are marked unread, or have unread messages at a time, and not muted."""
    counts, ends = Counter[Folder](), list[datetime]()
    for row in filter(is_listed, rows):
        read, last, gone = seen_number(row), int(row["last"]["N"]), to_gone(row)
        systems = frozenset(map(int, row["systems"]["NS"])) if "systems" in row else frozenset[int]()
        active_at = from_ms(int(row["at"]["N"]))
        is_unread = unread(last, read, gone, at, systems) > 0 and not retention.has_ended(active_at, at)
        if "u" not in row and not is_unread:
            continue
        if (muted := time_or_none(row, "muted")) and muted > at:
            ends.append(muted)
            continue
        counts[folder_of(row)] += 1
        if "u" not in row:
            ends += [since for since in (*gone.values(), retention.end_of(active_at)) if since and since > at]
    return UnreadRows(counts[Folder.INBOX], min(ends, default=None), counts[Folder.REQUESTS])


def unread_rows(user: UUID, *, limit: int) -> Query:
    """Return the query for a user's active rows that are marked unread or have messages after the marker.

    They are among this many rows, and strongly consistent. Some of those messages may be hidden or expired:
    `count_unread` leaves those out.
    """
    rows = inbox_rows(user, limit=limit, consistent=True)
    is_unread = "(#read < #last OR attribute_exists(#u) OR attribute_exists(#open)) AND attribute_not_exists(#state)"
    return replace(rows, filter=is_unread, projection=UNREAD)


def inbox_entries(
    user: UUID, start: InboxPosition | BucketPosition | None, *, limit: int, folder: Folder = Folder.INBOX
) -> Query:
    """Return the query for index entries, newest bucket first: from a position's bucket on, or after an entry."""
    key = index_key(user, folder)
    query = Query("#inbox = :inbox", {":inbox": key}, index=INBOX_INDEX, limit=limit, descending=True, projection=ENTRY)
    if start is None:
        return query
    if isinstance(start, InboxPosition):
        values = {**query.values, ":bucket": bucket(start.last_at)}
        return replace(query, condition="#inbox = :inbox AND #activity_bucket <= :bucket", values=values)
    after = {**inbox_key(user, start.group_uuid), "inbox": key, "activity_bucket": start.bucket}
    return replace(query, after=after)


def to_inbox_entry(item: StoredItem) -> BucketPosition:
    """Return the position of an index entry."""
    bucket = int(item["activity_bucket"]["N"])
    return BucketPosition(bucket, text_to_uuid(item["sk"]["S"][4:]), (bucket + 1) * BUCKET_MS - 1)


def owner(item: StoredItem) -> UUID:
    """Return the user whose inbox row this is, or whose index entry."""
    return text_to_uuid(item["pk"]["S"][4:])


def is_behind(row: InboxRow, position: InboxPosition | BucketPosition | None) -> bool:
    """Return whether a row comes after a position (None: the begin)."""
    if isinstance(position, BucketPosition):
        return to_ms(row.last_at) <= position.latest_ms
    return position is None or position > InboxPosition.of(row)


def continued(entry: BucketPosition, before: InboxPosition | BucketPosition | None) -> BucketPosition:
    """Return the position of an entry in a walk that has come from another position."""
    if before is None:
        return entry
    latest_ms = to_ms(before.last_at) if isinstance(before, InboxPosition) else before.latest_ms
    return replace(entry, latest_ms=min(entry.latest_ms, latest_ms))


def latest_position(position: BucketPosition) -> InboxPosition:
    """Return the position before all rows that may be behind an entry."""
    return InboxPosition(from_ms(position.latest_ms), UUID(int=2**128 - 1))
