"""Spells the attributes of inbox rows. Their writes are in `inbox_writes`.

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

from app.gateways.dynamodb import Item, StoredItem, text_to_uuid, to_bytes, to_known_uuid
from app.messaging.groups.models import Role
from app.messaging.items import from_ms, inbox_key, index_key, time_or_none, times, to_ms
from app.messaging.models import Message
from app.messaging.row_models import Folder, InboxRow, MemberState
from app.messaging.visibility import preview_for

INBOX_INDEX = "inbox-by-activity"
BUCKET_MS = 600_000
_GONE_MS = 10**13
"""The factor of a number in `gone`, to which the milliseconds are added: a set of numbers takes the least space."""


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


def skipped(item: StoredItem) -> range:
    """Return the numbers of messages that `advance_inbox_row` has moved a row past: their projections are late."""
    return range(int(item["prev"]["N"]) + 1, int(item["last"]["N"])) if "prev" in item else range(0)


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
    at, user = int(row["at"]["N"]), text_to_uuid(row["pk"]["S"][4:])
    is_indexed = row.get("inbox") == {"S": index_key(user, folder_of(row))} and "activity_bucket" in row
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


def inbox_item(row: InboxRow) -> Item:
    """Return an inbox row as the table stores it."""
    told: Item = {"title": row.title, "members": row.member_count, "hv": row.head_version, "role": str(row.role)}
    item: Item = {
        **inbox_key(row.user_uuid, row.group_uuid),
        **({"peer": row.peer_uuid} if row.peer_uuid else told),
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
        "systems": row.systems,
        "open": row.is_open,
        "all": row.shows_history,
    }
    item |= {name: value for name, value in optional.items() if value}
    if row.peer_read is not None:
        item |= {"peer_read": row.peer_read, "peer_d": row.peer_delivered}
    at = times(muted=row.muted_until, pinned=row.pinned_at, changed=row.changed_at)
    return item | at | times(until=row.expires_at, block=row.blocked_at)


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
