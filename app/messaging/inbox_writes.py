"""The writes of inbox rows: each moves a row forward, or brings it to where its log is, on a condition."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.gateways.dynamodb import Put, Update
from app.messaging.groups.models import has_head
from app.messaging.inbox_items import bucket, folder_after, gone_set, inbox_item, mentions
from app.messaging.items import ABSENT, NEXT_VERSION, assign, inbox_key, index_key, times, to_ms
from app.messaging.models import Message
from app.messaging.row_models import MAX_GONE, Folder, InboxRow
from app.messaging.visibility import preview_for

_MOVED = "#last = :last, #at = :at, #by = :by, #text = :text"
_INDEXED = ", #inbox = :inbox, #activity_bucket = :activity_bucket"


def advance_inbox_row(
    message: Message, *, user: UUID, with_gone: bool = True, stored: InboxRow | None = None
) -> Update:
    """Return the update that moves a row forward to this message and makes its user an active member again.

    A request that was declined stays so, and a message of another member ends what the row's user waits for.
    It fails for a row that is at this message or beyond, so it may be late or repeated, and for one in another folder
    than the inbox, unless that is given as it is `stored`. With a message of another member that expires it fails, too,
    for a row that has MAX_GONE numbers in `gone`, unless it is to leave that alone.
    """
    folder, is_own = folder_after(message, stored) if stored else Folder.INBOX, user == message.user_uuid
    changes, values = _projection(message, user, None if stored and stored.is_declined and not is_own else folder)
    more, removes, adds = (", #read = :last", "#state, #gone, #u", "") if is_own else ("", "#awaits", "")
    condition = "#last < :last AND attribute_not_exists(#folder)"
    if stored:
        condition = "#last < :last AND #v = :seen"
        values[":seen"] = stored.version
        removes += ", #folder" if folder is Folder.INBOX else ""
    if not is_own and folder is not Folder.REQUESTS:
        removes += ", #state"
    if message.deadline:
        more += ", #until = :until"
    else:
        removes += ", #until"
    if message.deadline and with_gone and not is_own:
        adds = " ADD #gone :gone"
        values |= {":gone": gone_set({message.number: message.deadline}), ":most": MAX_GONE}
        condition += " AND (attribute_not_exists(#gone) OR size(#gone) < :most)"
    if mentions(message, user):
        adds += ", #mentioned :number" if adds else " ADD #mentioned :number"
        values[":number"] = frozenset({message.number})
    return Update(
        inbox_key(user, message.group_uuid),
        f"SET {changes}{more}, #prev = #last, #v = #v + :one REMOVE {removes}{adds}",
        values,
        condition=condition,
    )


def add_gone(message: Message, at: datetime, *, user: UUID) -> Update:
    """Return the update that lets a message not count as unread from a time on, for a row that is at or beyond it."""
    return Update(
        inbox_key(user, message.group_uuid),
        "SET #v = #v + :one ADD #gone :gone",
        {":gone": gone_set({message.number: at}), ":one": 1, ":number": message.number, ":most": MAX_GONE},
        condition=f"#read < :number AND {_not_past_end(message.group_uuid)}"
        "(attribute_not_exists(#gone) OR size(#gone) < :most)",
    )


def drop_gone(row: InboxRow) -> Update | None:
    """Return the update that forgets the numbers in `gone` up to the read marker, None if there are none."""
    passed = {number: at for number, at in row.gone.items() if number <= row.read_number}
    key = inbox_key(row.user_uuid, row.group_uuid)
    return Update(key, "DELETE #gone :gone", {":gone": gone_set(passed)}, "attribute_exists(#v)") if passed else None


def _projection(message: Message, user: UUID, folder: Folder | None) -> tuple[str, dict[str, Any]]:
    """Return what sets a row to a message, in a folder of the index or in none, and its values."""
    values: dict[str, Any] = {
        ":last": message.number,
        ":at": to_ms(message.created_at),
        ":by": message.user_uuid,
        ":text": preview_for(message, user),
        ":one": 1,
    }
    if message.deadline:
        values[":until"] = to_ms(message.deadline)
    if folder is None:
        return _MOVED, values
    values |= {":inbox": index_key(user, folder), ":activity_bucket": bucket(message.created_at)}
    return _MOVED + _INDEXED, values


def copied_inbox_row(row: InboxRow) -> Put:
    """Return the put of a row from another table, in place of no row or of one at an earlier message or change.

    In a group of several members it stands in place of one that has changed, or was told of the head, less often.
    """
    if row.peer_uuid is None:
        newer = f"{ABSENT} OR #v < :v OR (#v = :v AND #hv < :hv)"
        return Put(inbox_item(row), newer, {":v": row.version, ":hv": row.head_version})
    condition, values = f"{ABSENT} OR #last < :last", {":last": row.last_number}
    if row.change_number:
        condition += " OR (#last = :last AND (attribute_not_exists(#k) OR #k < :k))"
        values[":k"] = row.change_number
    return Put(inbox_item(row), condition, values)


def reset_inbox_row(message: Message, row: InboxRow) -> Update:
    """Return the update that sets a row back to the end of its log, unless the row has changed since it was read.

    Its number and time of a change, and its mentions, become those of `row`.
    """
    changes, moved = _projection(message, row.user_uuid, None if row.is_declined else row.folder)
    moved |= {":seen": row.version} | ({":text": ""} if row.cleared_number >= message.number else {})
    wanted = {name: value for name, value in inbox_item(row).items() if name in {"k", "changed", "mentioned"}}
    wanted |= {"read": min(row.read_number, message.number)} | times(until=message.deadline)
    markers = {"d": row.received_number, "cleared": row.cleared_number}
    wanted |= {name: min(number, message.number) for name, number in markers.items() if number}
    gone = {"k", "changed", "mentioned", "cut", "until"} - wanted.keys()
    expression, values = assign(wanted, gone, first=[changes, NEXT_VERSION])
    return Update(inbox_key(row.user_uuid, row.group_uuid), expression, moved | values, condition="#v = :seen")


def move_read_marker(user: UUID, group: UUID, number: int) -> Update:
    """Return the update that moves a read marker: forward only, not past the end, and only of an active member.

    It takes the mark of an unread group away, also where the marker is at the number. In a group of several members the
    caller has seen the number in the log, whose end the row may not know.
    """
    return Update(
        inbox_key(user, group),
        "SET #read = :number, #v = #v + :one REMOVE #u",
        {":number": number, ":one": 1},
        condition="(#read < :number OR (#read = :number AND attribute_exists(#u)))"
        f" AND {_not_past_end(group)}attribute_not_exists(#state)",
    )


def _not_past_end(group: UUID) -> str:
    return "attribute_exists(#v) AND " if has_head(group) else "#last >= :number AND "


def move_delivered_marker(user: UUID, group: UUID, number: int) -> Update:
    """Return the update that moves a delivered marker, by the rules of a read marker, unless the read one is there.

    The version stays: nothing that the member's own devices show of the group has changed.
    """
    return Update(
        inbox_key(user, group),
        "SET #d = :number",
        {":number": number},
        condition="#read < :number AND (attribute_not_exists(#d) OR #d < :number)"
        f" AND {_not_past_end(group)}attribute_not_exists(#state)",
    )
