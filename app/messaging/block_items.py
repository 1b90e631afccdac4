"""Items of blocks: a user's decision, and the fence that it sets at the end of the group's log.

    block   USR#<user>    BLOCK#<other>   at ms
    fence   MSG#<group>   N#<end + 1>     fence

The fence takes the next number, so the put of any message fails, whatever its process has read before. The rows of both
members have `blocked`, `peer_read` and `peer_d`: the other's markers as each member gets them. The row of the blocking
user has `block`, the time.
"""

from datetime import datetime
from uuid import UUID

from app.gateways.dynamodb import Check, Delete, Item, Put, Query, StoredItem, Update, text_to_uuid
from app.messaging.items import ABSENT, NEXT_VERSION, assign, block_key, from_ms, inbox_key, message_key, to_ms
from app.messaging.models import Block
from app.messaging.row_models import InboxRow

EXISTS = "attribute_exists(#pk)"
ROW = "attribute_exists(#v)"
FENCE = "attribute_exists(#fence)"


def block_item(block: Block) -> Put:
    """Return the put of a block; it fails if the user has blocked the other already."""
    return Put({**block_key(block.user_uuid, block.other_uuid), "at": to_ms(block.blocked_at)}, condition=ABSENT)


def is_block(item: StoredItem) -> bool:
    """Return whether an item is a block."""
    return str(item["sk"]["S"]).startswith("BLOCK#")


def to_block(item: StoredItem) -> Block:
    """Return the block that an item stores."""
    return Block(text_to_uuid(item["pk"]["S"][4:]), text_to_uuid(item["sk"]["S"][6:]), from_ms(int(item["at"]["N"])))


def blocks(user: UUID, *, after: UUID | None, limit: int) -> Query:
    """Return the query for a user's blocks, in the order of the others' ids, strongly consistent."""
    keys = {":pk": f"USR#{user}", ":first": f"BLOCK#{after or ''}", ":last": "BLOCK#~"}
    condition = "#pk = :pk AND #sk BETWEEN :first AND :last"
    after_key = block_key(user, after) if after else None
    return Query(condition, keys, limit=limit, consistent=True, after=after_key)


def set_fence(group: UUID, number: int) -> Put:
    """Return the put of a fence; it fails if the log has gone on."""
    return Put({**message_key(group, number), "fence": True}, condition=ABSENT)


def keep_fence(group: UUID, number: int) -> Check:
    """Return the check that the fence is there."""
    return Check(message_key(group, number), FENCE)


def lift_fence(group: UUID, number: int) -> Delete:
    """Return the deletion of the fence."""
    return Delete(message_key(group, number), FENCE)


def end_block(user: UUID, other: UUID) -> Delete:
    """Return the deletion of a block; it fails if there is none."""
    return Delete(block_key(user, other), EXISTS)


def has_blocked(user: UUID, other: UUID) -> Check:
    """Return the check that `user` has blocked `other`."""
    return Check(block_key(user, other), EXISTS)


def block_row(row: InboxRow, peer: InboxRow, *, at: datetime | None) -> Update:
    """Return the update of a row when the group is blocked, by its own user at a time, or by the peer (None).

    Only the version of an own decision grows: the peer must not hear of it.
    """
    expression = "SET #blocked = :yes, #peer_read = :read, #peer_d = :delivered"
    values: Item = {":yes": True, ":read": peer.read_number, ":delivered": peer.delivered_number}
    if at:
        expression, values = f"{expression}, #block = :at, #v = #v + :one", values | {":at": to_ms(at), ":one": 1}
    return Update(inbox_key(row.user_uuid, row.group_uuid), expression, values, condition=ROW)


def add_own_block(row: InboxRow, at: datetime) -> Update:
    """Return the update of a row whose user blocks after the peer has."""
    values = {":at": to_ms(at), ":one": 1}
    return Update(inbox_key(row.user_uuid, row.group_uuid), "SET #block = :at, #v = #v + :one", values, condition=ROW)


def unblock_row(row: InboxRow, *, is_open: bool, is_own: bool) -> Update:
    """Return the update of a row when its user unblocks, or the peer; it opens the group if the other has no block."""
    gone = ["#blocked", "#peer_read", "#peer_d"] * is_open + ["#block"] * is_own
    expression, values = f"REMOVE {', '.join(gone)}", {}
    if is_own:
        expression, values = f"SET #v = #v + :one {expression}", {":one": 1}
    return Update(inbox_key(row.user_uuid, row.group_uuid), expression, values, condition=ROW)


def restore_row(row: InboxRow, own: Block | None, peer: InboxRow | None) -> Update:
    """Return the update that gives a row what follows from the blocks; `peer` is None if there is none."""
    wanted: Item = {"block": to_ms(own.blocked_at)} if own else {}
    if peer:
        is_kept = row.peer_read is not None
        read, delivered = (row.peer_read, row.peer_delivered) if is_kept else (peer.read_number, peer.delivered_number)
        wanted |= {"blocked": True, "peer_read": read, "peer_d": delivered}
    gone = {"blocked", "peer_read", "peer_d", "block"} - wanted.keys()
    expression, values = assign(wanted, gone, first=[NEXT_VERSION])
    return Update(inbox_key(row.user_uuid, row.group_uuid), expression, values | {":one": 1}, condition=ROW)
