"""Spells the attributes of inbox rows, and the updates that move them.

peer · last number · at ms · by sender · text preview · read number · v version · state (absent: active) · blocked ·
muted, pinned, block ms · peer_read, peer_d numbers · k number, changed ms of the last change · mentioned numbers ·
cut: older mentions are left out · prev last number before · until ms (the last message expires) · gone numbers with
ms · hidden, hides the last numbers that the user has hidden, and their count · d number reported as delivered
(absent or lower: read) · u marked unread · folder (absent: inbox) · awaits: the peer has not accepted ·
cleared number · pin position

Of a group of several members, in place of peer: title · members count · role · systems numbers · hv version of the head
that the row has this from · open: the head may say more · all: newcomers see the whole log
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.gateways.dynamodb import Item, Put, StoredItem, Update, text_to_uuid, to_bytes, to_known_uuid
from app.messaging.groups.models import Role, has_head
from app.messaging.items import ABSENT, from_ms, inbox_key, index_key, time_or_none, times, to_ms
from app.messaging.models import Message
from app.messaging.row_models import MAX_GONE, Folder, InboxRow, MemberState
from app.messaging.visibility import preview_for

INBOX_INDEX = "inbox-by-activity"
BUCKET_MS = 600_000
_MOVED = "#last = :last, #at = :at, #by = :by, #text = :text"
_INDEXED = ", #inbox = :inbox, #activity_bucket = :activity_bucket"
_GONE_MS = 10**13
"""The factor of a number in `gone`, to which the milliseconds are added: a set of numbers takes the least space."""


def new_inbox_row(message: Message, *, user: UUID, peer: UUID) -> Put:
    """Return the put of a member's first row; it fails if the member has one."""
    return Put(inbox_item(first_inbox_row(message, user=user, peer=peer)), condition=ABSENT)


def first_inbox_row(message: Message, *, user: UUID, peer: UUID) -> InboxRow:
    """Return a member's row after the group's first message."""
    return InboxRow(
        user_uuid=user,
        group_uuid=message.group_uuid,
        peer_uuid=peer,
        last_number=message.number,
        last_at=message.created_at,
        last_by=message.user_uuid,
        preview=preview_for(message, user),
        read_number=message.number if user == message.user_uuid else 0,
        version=1,
        mentioned=frozenset({message.number}) if mentions(message, user) else frozenset(),
        expires_at=message.deadline,
        gone={message.number: message.deadline} if message.deadline and user != message.user_uuid else {},
    )


def mentions(message: Message, user: UUID) -> bool:
    """Return whether a message counts as a mention for a user: the sender's own message is never unread."""
    return user in message.mentions and user != message.user_uuid


def folder_after(message: Message, row: InboxRow) -> Folder:
    """Return the folder of a row after a message: it brings a group back from the archive, unless that is muted.

    A request stays one until its receiver writes.
    """
    if row.is_request:
        return Folder.INBOX if message.user_uuid == row.user_uuid else Folder.REQUESTS
    is_back = row.folder is Folder.ARCHIVE and not row.is_muted(message.created_at)
    return Folder.INBOX if is_back else row.folder


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


def skipped(item: StoredItem) -> range:
    """Return the numbers of messages that `advance_inbox_row` has moved a row past: their projections are late."""
    return range(int(item["prev"]["N"]) + 1, int(item["last"]["N"])) if "prev" in item else range(0)


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


def gone_set(gone: Mapping[int, datetime]) -> frozenset[int]:
    """Return numbers of messages and their times as the table stores them."""
    return frozenset(number * _GONE_MS + to_ms(at) for number, at in gone.items())


def to_gone(item: StoredItem) -> dict[int, datetime]:
    """Return the numbers that a row has in `gone`, each with the earliest of its times."""
    found: dict[int, datetime] = {}
    for entry in sorted(map(int, item["gone"]["NS"] if "gone" in item else ()), reverse=True):
        number, ms = divmod(entry, _GONE_MS)
        found[number] = from_ms(ms)
    return found


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


def message_projection(message: Message, row: InboxRow | None = None) -> dict[str, Any]:
    """Return what an inbox row must hold of its group's newest message, by names for operators.

    Without a row it is what a member holds that has neither hidden nor cleared the message.
    """
    user = row.user_uuid if row else message.group_uuid
    is_cleared = row is not None and row.cleared_number >= message.number
    return {
        "time": to_ms(message.created_at),
        "sender": message.user_uuid.bytes,
        "preview": "" if is_cleared else preview_for(message, user),
        "index key": bucket(message.created_at),
        "deadline": message.deadline,
    }


def row_projection(row: StoredItem) -> dict[str, Any]:
    """Return what an inbox row holds of a message, to compare with `message_projection`.

    The row of a former member counts as indexed: it needs no index entry.
    """
    at = int(row["at"]["N"])
    key = index_key(text_to_uuid(row["pk"]["S"][4:]), folder_of(row))
    is_indexed = row.get("inbox") == {"S": key} and "activity_bucket" in row
    in_index = int(row["activity_bucket"]["N"]) if is_indexed else None
    return {
        "time": at,
        "sender": to_bytes(row["by"]["B"]),
        "preview": row["text"]["S"],
        "index key": at // BUCKET_MS if "state" in row else in_index,
        "deadline": time_or_none(row, "until"),
    }


def folder_of(item: StoredItem) -> Folder:
    """Return the folder of a row."""
    return Folder(item["folder"]["S"]) if "folder" in item else Folder.INBOX


def seen_number(item: StoredItem) -> int:
    """Return the number up to which nothing in a row is unread."""
    return max(int(item[name]["N"]) if name in item else 0 for name in ("read", "cleared"))


def has_lost_mentions(item: StoredItem) -> bool:
    """Return whether unread mentions were taken away from a row that had too many."""
    return "cut" in item


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


def inbox_item(row: InboxRow) -> Item:
    """Return an inbox row as the table stores it."""
    item: Item = {
        **inbox_key(row.user_uuid, row.group_uuid),
        **({"peer": row.peer_uuid} if row.peer_uuid else _head_attributes(row)),
        "last": row.last_number,
        "at": to_ms(row.last_at),
        "by": row.last_by,
        "text": row.preview,
        "read": row.read_number,
        "v": row.version,
    }
    if row.state is MemberState.ACTIVE:
        item |= {"inbox": index_key(row.user_uuid, row.folder), "activity_bucket": bucket(row.last_at)}
    optional: Item = {
        "state": "" if row.state is MemberState.ACTIVE else str(row.state),
        "blocked": row.is_blocked,
        "k": row.change_number,
        "mentioned": row.mentioned,
        "gone": gone_set(row.gone),
        "hidden": list(row.hidden),
        "hides": row.hide_count,
        "d": row.received_number,
        "u": row.is_marked_unread,
        "cleared": row.cleared_number,
        "pin": row.pin_position,
        "folder": "" if row.folder is Folder.INBOX else str(row.folder),
        "awaits": row.awaits_acceptance,
    }
    item |= {name: value for name, value in optional.items() if value}
    if row.peer_read is not None:
        item |= {"peer_read": row.peer_read, "peer_d": row.peer_delivered}
    at = times(muted=row.muted_until, pinned=row.pinned_at, changed=row.changed_at)
    return item | at | times(until=row.expires_at, block=row.blocked_at)


def _head_attributes(row: InboxRow) -> Item:
    told: Item = {"title": row.title, "members": row.member_count, "hv": row.head_version, "role": str(row.role)}
    optional: Item = {"systems": row.systems, "open": row.is_open, "all": row.shows_history}
    return told | {name: value for name, value in optional.items() if value}


def reset_inbox_row(message: Message, row: InboxRow) -> Update:
    """Return the update that sets a row back to the end of its log, unless the row has changed since it was read.

    Its number and time of a change, and its mentions, become those of `row`.
    """
    changes, moved = _projection(message, row.user_uuid, None if row.is_declined else row.folder)
    values: Item = {":read": min(row.read_number, message.number), ":seen": row.version}
    wanted = {name: value for name, value in inbox_item(row).items() if name in {"k", "changed", "mentioned"}}
    gone = sorted({"k", "changed", "mentioned", "cut"} - wanted.keys())
    markers = {"d": row.received_number, "cleared": row.cleared_number}
    wanted |= {name: min(number, message.number) for name, number in markers.items() if number}
    if row.cleared_number >= message.number:
        values[":text"] = ""
    kept, removed = "".join(f", #{name} = :{name}" for name in wanted), ", ".join(f"#{name}" for name in gone)
    values |= {f":{name}": value for name, value in wanted.items()}
    if message.deadline:
        kept += ", #until = :until"
    else:
        removed += ", #until"
    return Update(
        inbox_key(row.user_uuid, row.group_uuid),
        f"SET {changes}, #read = :read, #v = #v + :one{kept} REMOVE {removed}",
        moved | values,
        condition="#v = :seen",
    )


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


def to_inbox_row(item: StoredItem) -> InboxRow:
    """Return the inbox row that an item stores."""
    return InboxRow(
        user_uuid=text_to_uuid(item["pk"]["S"][4:]),
        group_uuid=text_to_uuid(item["sk"]["S"][4:]),
        peer_uuid=to_known_uuid(item["peer"]["B"]) if "peer" in item else None,
        last_number=int(item["last"]["N"]),
        last_at=from_ms(int(item["at"]["N"])),
        last_by=to_known_uuid(item["by"]["B"]),
        preview=_preview(item),
        read_number=int(item["read"]["N"]),
        version=int(item["v"]["N"]),
        state=MemberState(item["state"]["S"]) if "state" in item else MemberState.ACTIVE,
        is_blocked="blocked" in item and item["blocked"]["BOOL"],
        muted_until=time_or_none(item, "muted"),
        pinned_at=time_or_none(item, "pinned"),
        change_number=int(item["k"]["N"]) if "k" in item else 0,
        changed_at=time_or_none(item, "changed"),
        mentioned=frozenset(int(number) for number in item["mentioned"]["NS"]) if "mentioned" in item else frozenset(),
        expires_at=time_or_none(item, "until"),
        gone=to_gone(item) if "gone" in item else {},
        hidden=tuple(int(number["N"]) for number in item["hidden"]["L"]) if "hidden" in item else (),
        hide_count=int(item["hides"]["N"]) if "hides" in item else 0,
        received_number=int(item["d"]["N"]) if "d" in item else 0,
        is_marked_unread="u" in item,
        blocked_at=time_or_none(item, "block"),
        peer_read=int(item["peer_read"]["N"]) if "peer_read" in item else None,
        peer_delivered=int(item["peer_d"]["N"]) if "peer_d" in item else 0,
        folder=folder_of(item),
        awaits_acceptance="awaits" in item,
        cleared_number=int(item["cleared"]["N"]) if "cleared" in item else 0,
        pin_position=int(item["pin"]["N"]) if "pin" in item else None,
        **(_head_fields(item) if "title" in item else {}),
    )


def _preview(item: StoredItem) -> str:
    """Return the preview; none of a message that the head tells of, and the user has hidden or cleared."""
    if "title" in item:
        is_hidden = "hidden" in item and {"N": item["last"]["N"]} in item["hidden"]["L"]
        if is_hidden or ("cleared" in item and int(item["last"]["N"]) <= int(item["cleared"]["N"])):
            return ""
    return str(item["text"]["S"])


def _head_fields(item: StoredItem) -> dict[str, Any]:
    """Return what only a row of a group of several members has, by the names of its fields."""
    return {
        "title": item["title"]["S"],
        "member_count": int(item["members"]["N"]),
        "role": Role(item["role"]["S"]),
        "systems": frozenset(map(int, item["systems"]["NS"])) if "systems" in item else frozenset(),
        "head_version": int(item["hv"]["N"]),
        "is_open": "open" in item,
        "shows_history": "all" in item,
    }


def bucket(at: datetime) -> int:
    """Return the ten minutes that a time falls into, counted from 1970. The index is written only when it changes."""
    return to_ms(at) // BUCKET_MS
