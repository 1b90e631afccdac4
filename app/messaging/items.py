"""Spells the keys and attributes of the single table's items; those of changes are in `change_items`.

    entity     pk            sk              index inbox-by-activity (inbox, activity_bucket)
    message    MSG#<group>   N#<number>      none
    inbox row  USR#<user>    GRP#<group>     IN#<user>, last_at in units of 10 minutes
    block      USR#<user>    BLOCK#<other>   none

Attribute names are short and uuids are 16 bytes, because every read and write is paid by size: a message of 100
characters takes 208 bytes, an inbox row about 300.

    message    id uuid · by sender · at ms · text (absent if it expires) · kind (absent: text) · re number replied to ·
               mentions users · expires_in seconds · hidden users
    changed    k number of the last change · edited, deleted ms · version (absent: 1) · edits numbers of changes ·
               r_<code points of an emoji> users
    inbox row  peer · last number · at ms · by sender · text preview · read number · v version · state (absent:
               active) · blocked · muted, pinned, block ms · peer_read, peer_d numbers · k number, changed ms of the
               last change · mentioned numbers · cut: older mentions are left out · prev last number before · until ms
               (the last message expires) · gone numbers with ms · hidden, hides the last numbers that the user has
               hidden, and their count · d number reported as delivered (absent or lower: read) · u marked unread

`GRP#` and `MSG#` differ on purpose: a hot log and a hot inbox do not share one partition's write units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.gateways.dynamodb import (
    Check,
    Delete,
    Item,
    Key,
    Put,
    Query,
    StoredItem,
    Update,
    Write,
    text_to_uuid,
    to_bytes,
    to_known_uuid,
)
from app.messaging.models import (
    LAST_NUMBER,
    MAX_GONE,
    BucketPosition,
    InboxPosition,
    InboxRow,
    MemberState,
    Message,
    MessageKind,
    UnreadRows,
    unread,
)
from app.messaging.visibility import preview_for

INBOX_INDEX = "inbox-by-activity"
ABSENT = "attribute_not_exists(#pk)"
BUCKET_MS = 600_000
ENTRY, UNREAD = "#sk, #activity_bucket", "#last, #read, #state, #gone, #u"
"""The attributes that make the position of an index entry, and those that say whether a row has unread messages."""
ROW = "#sk, #peer, #last, #at, #by, #text, #read, #v, #state, #blocked, #muted, #pinned, #k, #changed"
ROW += ", #mentioned, #until, #gone, #hidden, #hides, #d, #u, #block, #peer_read, #peer_d"
"""The attributes of an inbox row without the user and the keys of the index, which are a third of its JSON."""
REACTION = "r_"
_GONE_MS = 10**13
"""The factor of a number in `gone`, to which the milliseconds are added: a set of numbers takes the least space."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def message_key(group: UUID, number: int) -> Key:
    return {"pk": f"MSG#{group}", "sk": f"N#{number:012d}"}


def inbox_key(user: UUID, group: UUID) -> Key:
    return {"pk": f"USR#{user}", "sk": f"GRP#{group}"}


def block_key(user: UUID, other: UUID) -> Key:
    return {"pk": f"USR#{user}", "sk": f"BLOCK#{other}"}


def probe() -> Key:
    """Return the key of an item that there is not."""
    return {"pk": "PROBE", "sk": f"PROBE#{uuid4()}"}


def probe_index() -> Query:
    """Return a query of the index by both of its keys that finds nothing."""
    return Query("#inbox = :inbox AND #activity_bucket > :n", {":inbox": "PROBE", ":n": 0}, index=INBOX_INDEX, limit=1)


def probe_writes() -> list[Write]:
    """Return each kind of write, with a condition that fails."""
    exists = "attribute_exists(#pk)"
    update = Update(probe(), "SET #v = :v", {":v": 0}, exists)
    return [Put({**probe()}, exists), update, Delete(probe(), exists), Check(probe(), exists)]


def new_message(message: Message) -> Put:
    """Return the put that commits a send: it fails if the number is taken."""
    return Put(message_item(message), condition=ABSENT)


def message_item(message: Message) -> Item:
    """Return a message, with its changes, as the table stores it."""
    item: Item = {
        **message_key(message.group_uuid, message.number),
        "id": message.uuid,
        "by": message.user_uuid,
        "at": to_ms(message.created_at),
    }
    if message.expires_in is not None:
        item["expires_in"] = message.expires_in
    elif message.text or not message.deleted_at:
        item["text"] = message.text
    if message.hidden_by:
        item["hidden"] = message.hidden_by
    if message.kind != MessageKind.TEXT:
        item["kind"] = str(message.kind)
    if message.reply_to is not None:
        item["re"] = message.reply_to
    if message.mentions:
        item["mentions"] = message.mentions
    return item | changed_attributes(message) if message.change_number else item


def is_fence(item: StoredItem) -> bool:
    """Return whether an item takes the next number of a log, so that no message is appended."""
    return "fence" in item


def to_messages(found: Iterable[StoredItem]) -> list[Message]:
    """Return the messages that these items of a log store."""
    return [to_message(item) for item in found if not is_fence(item)]


def to_message(item: StoredItem) -> Message:
    """Return the message that an item stores: of one that expires all but the text."""
    return Message(
        group_uuid=text_to_uuid(item["pk"]["S"][4:]),
        number=int(item["sk"]["S"][2:]),
        uuid=UUID(bytes=to_bytes(item["id"]["B"])),
        user_uuid=to_known_uuid(item["by"]["B"]),
        text=item["text"]["S"] if "text" in item else "",
        created_at=from_ms(int(item["at"]["N"])),
        kind=MessageKind(item["kind"]["S"]) if "kind" in item else MessageKind.TEXT,
        reply_to=int(item["re"]["N"]) if "re" in item else None,
        mentions=to_mentions(item),
        expires_in=int(item["expires_in"]["N"]) if "expires_in" in item else None,
        hidden_by=_users(item["hidden"]) if "hidden" in item else frozenset(),
        **(changed_fields(item) if "k" in item else {}),
    )


def to_mentions(item: StoredItem) -> frozenset[UUID]:
    """Return the users that a message or an edit mentions."""
    return frozenset(map(to_known_uuid, item["mentions"]["BS"])) if "mentions" in item else frozenset()


def changed_attributes(message: Message) -> Item:
    """Return the attributes that changes have set in a message's item."""
    item: Item = {"k": message.change_number} | times(edited=message.edited_at, deleted=message.deleted_at)
    if message.version > 1:
        item["version"] = message.version
    if message.edits:
        item["edits"] = list(message.edits)
    return item | {reaction_name(emoji): users for emoji, users in message.reactions.items()}


def changed_fields(item: StoredItem) -> dict[str, Any]:
    """Return what changes have set in a message, by the names of its fields."""
    return {
        "edited_at": time_or_none(item, "edited"),
        "deleted_at": time_or_none(item, "deleted"),
        "version": int(item["version"]["N"]) if "version" in item else 1,
        "change_number": int(item["k"]["N"]),
        "edits": tuple(int(number["N"]) for number in item["edits"]["L"]) if "edits" in item else (),
        "reactions": {to_emoji(name): _users(value) for name, value in item.items() if name.startswith(REACTION)},
    }


def _users(value: Mapping[str, Any]) -> frozenset[UUID]:
    return frozenset(to_known_uuid(user) for user in value["BS"])


def reaction_name(emoji: str) -> str:
    """Return the name of the attribute with the set of users that have reacted with an emoji: r_1f44d for 👍."""
    return REACTION + "_".join(f"{ord(character):x}" for character in emoji)


def to_emoji(name: str) -> str:
    """Return the emoji of a name that `reaction_name` has made."""
    return "".join(chr(int(point, 16)) for point in name.removeprefix(REACTION).split("_"))


def messages_between(group: UUID, first: int, last: int, *, consistent: bool, uuid: UUID | None = None) -> Query:
    """Return the query for the messages `first`..`last`, both included; with a uuid, for the one that has it."""
    keys: dict[str, Any] = {":pk": f"MSG#{group}", ":first": f"N#{first:012d}", ":last": f"N#{last:012d}"}
    condition = "#pk = :pk AND #sk BETWEEN :first AND :last"
    if uuid is None:
        return Query(condition, keys, consistent=consistent)
    return Query(condition, keys | {":id": uuid}, consistent=consistent, filter="#id = :id")


def newest_messages(group: UUID, *, limit: int, consistent: bool) -> Query:
    """Return the query for the last messages of a group, newest first."""
    keys = {":pk": f"MSG#{group}", ":first": "N#", ":last": f"N#{LAST_NUMBER}"}
    condition = "#pk = :pk AND #sk BETWEEN :first AND :last"
    return Query(condition, keys, limit=limit, descending=True, consistent=consistent)


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
        expires_at=message.expires_at,
        gone={message.number: message.expires_at} if message.expires_at and user != message.user_uuid else {},
    )


def mentions(message: Message, user: UUID) -> bool:
    """Return whether a message counts as a mention for a user: one's own messages are never unread."""
    return user in message.mentions and user != message.user_uuid


def advance_inbox_row(message: Message, *, user: UUID, with_gone: bool = True) -> Update:
    """Return the update that moves a row forward to this message and makes its user an active member again.

    It fails for a row that is at this message or beyond, so it may be late or repeated. With a message of another
    member that expires it fails, too, for a row that has MAX_GONE numbers in `gone`, unless it is to leave that alone.
    """
    changes = "#last = :last, #at = :at, #by = :by, #text = :text, #inbox = :inbox, #activity_bucket = :activity_bucket"
    values, is_own = _projection_values(message, user), user == message.user_uuid
    more, removes, adds = (", #read = :last", "#state, #gone, #u", "") if is_own else ("", "#state", "")
    condition = "#last < :last"
    if message.expires_at:
        more += ", #until = :until"
    else:
        removes += ", #until"
    if message.expires_at and with_gone and not is_own:
        adds = " ADD #gone :gone"
        values |= {":gone": gone_set({message.number: message.expires_at}), ":most": MAX_GONE}
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
        condition="#read < :number AND #last >= :number AND (attribute_not_exists(#gone) OR size(#gone) < :most)",
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


def _projection_values(message: Message, user: UUID) -> dict[str, Any]:
    return ({":until": to_ms(message.expires_at)} if message.expires_at else {}) | {
        ":last": message.number,
        ":at": to_ms(message.created_at),
        ":by": message.user_uuid,
        ":text": preview_for(message, user),
        ":inbox": f"IN#{user}",
        ":activity_bucket": bucket(message.created_at),
        ":one": 1,
    }


def message_projection(message: Message, user: UUID | None = None) -> dict[str, Any]:
    """Return what an inbox row must hold of its group's newest message, by names for operators.

    Without a user it is what a member holds that has not hidden the message.
    """
    return {
        "time": to_ms(message.created_at),
        "sender": message.user_uuid.bytes,
        "preview": preview_for(message, user or message.group_uuid),
        "index key": bucket(message.created_at),
        "deadline": message.expires_at,
    }


def row_projection(row: StoredItem) -> dict[str, Any]:
    """Return what an inbox row holds of a message, to compare with `message_projection`.

    The row of a former member counts as indexed: it needs no index entry.
    """
    at = int(row["at"]["N"])
    is_indexed = row.get("inbox") == {"S": f"IN#{row['pk']['S'][4:]}"} and "activity_bucket" in row
    in_index = int(row["activity_bucket"]["N"]) if is_indexed else None
    return {
        "time": at,
        "sender": to_bytes(row["by"]["B"]),
        "preview": row["text"]["S"],
        "index key": at // BUCKET_MS if "state" in row else in_index,
        "deadline": time_or_none(row, "until"),
    }


def has_lost_mentions(item: StoredItem) -> bool:
    """Return whether unread mentions were taken away from a row that had too many."""
    return "cut" in item


def copied_inbox_row(row: InboxRow) -> Put:
    """Return the put of a row from another table, in place of no row or of one at an earlier message or change."""
    condition, values = f"{ABSENT} OR #last < :last", {":last": row.last_number}
    if row.change_number:
        condition += " OR (#last = :last AND (attribute_not_exists(#k) OR #k < :k))"
        values[":k"] = row.change_number
    return Put(inbox_item(row), condition, values)


def inbox_item(row: InboxRow) -> Item:
    """Return an inbox row as the table stores it."""
    item: Item = {
        **inbox_key(row.user_uuid, row.group_uuid),
        "peer": row.peer_uuid,
        "last": row.last_number,
        "at": to_ms(row.last_at),
        "by": row.last_by,
        "text": row.preview,
        "read": row.read_number,
        "v": row.version,
        "inbox": f"IN#{row.user_uuid}",
        "activity_bucket": bucket(row.last_at),
    }
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
    }
    item |= {name: value for name, value in optional.items() if value}
    if row.peer_read is not None:
        item |= {"peer_read": row.peer_read, "peer_d": row.peer_delivered}
    at = times(muted=row.muted_until, pinned=row.pinned_at, changed=row.changed_at)
    return item | at | times(until=row.expires_at, block=row.blocked_at)


def reset_inbox_row(message: Message, row: InboxRow) -> Update:
    """Return the update that sets a row back to the end of its log, unless the row has changed since it was read.

    Its number and time of a change, and its mentions, become those of `row`.
    """
    changes = "#last = :last, #at = :at, #by = :by, #text = :text, #inbox = :inbox, #activity_bucket = :activity_bucket"
    values: Item = {":read": min(row.read_number, message.number), ":seen": row.version}
    wanted = {name: value for name, value in inbox_item(row).items() if name in {"k", "changed", "mentioned"}}
    gone = sorted({"k", "changed", "mentioned", "cut"} - wanted.keys())
    if row.received_number:
        wanted["d"] = min(row.received_number, message.number)
    kept, removed = "".join(f", #{name} = :{name}" for name in wanted), ", ".join(f"#{name}" for name in gone)
    values |= {f":{name}": value for name, value in wanted.items()}
    if message.expires_at:
        kept += ", #until = :until"
    else:
        removed += ", #until"
    return Update(
        inbox_key(row.user_uuid, row.group_uuid),
        f"SET {changes}, #read = :read, #v = #v + :one{kept} REMOVE {removed}",
        _projection_values(message, row.user_uuid) | values,
        condition="#v = :seen",
    )


def move_read_marker(user: UUID, group: UUID, number: int) -> Update:
    """Return the update that moves a read marker: forward only, not past the end, and only of an active member.

    It takes the mark of an unread group away, also where the marker is at the number.
    """
    return Update(
        inbox_key(user, group),
        "SET #read = :number, #v = #v + :one REMOVE #u",
        {":number": number, ":one": 1},
        condition="(#read < :number OR (#read = :number AND attribute_exists(#u))) AND #last >= :number"
        " AND attribute_not_exists(#state)",
    )


def move_delivered_marker(user: UUID, group: UUID, number: int) -> Update:
    """Return the update that moves a delivered marker, by the rules of a read marker, unless the read one is there.

    The version stays: nothing that the member's own devices show of the group has changed.
    """
    return Update(
        inbox_key(user, group),
        "SET #d = :number",
        {":number": number},
        condition="#read < :number AND (attribute_not_exists(#d) OR #d < :number) AND #last >= :number"
        " AND attribute_not_exists(#state)",
    )


def not_blocked_by(user: UUID, other: UUID) -> Check:
    """Return the check, for a transaction, that `user` has not blocked `other`."""
    return Check(block_key(user, other), ABSENT)


def to_inbox_row(item: StoredItem) -> InboxRow:
    """Return the inbox row that an item stores."""
    return InboxRow(
        user_uuid=text_to_uuid(item["pk"]["S"][4:]),
        group_uuid=text_to_uuid(item["sk"]["S"][4:]),
        peer_uuid=to_known_uuid(item["peer"]["B"]),
        last_number=int(item["last"]["N"]),
        last_at=from_ms(int(item["at"]["N"])),
        last_by=to_known_uuid(item["by"]["B"]),
        preview=item["text"]["S"],
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
    )


def inbox_rows(user: UUID, *, limit: int | None, consistent: bool = False) -> Query:
    """Return the query for a user's rows, in the order of their groups' ids."""
    keys = {":pk": f"USR#{user}", ":rows": "GRP#"}
    return Query("#pk = :pk AND begins_with(#sk, :rows)", keys, limit=limit, consistent=consistent)


def whole_inbox(user: UUID, *, limit: int, consistent: bool) -> Query:
    """Return the query for what `row_of` makes rows of, in the order of their groups' ids."""
    return replace(inbox_rows(user, limit=limit, consistent=consistent), projection=ROW)


def row_of(user: UUID, item: StoredItem) -> InboxRow:
    """Return the inbox row of an item that was read without its user."""
    return to_inbox_row({**item, "pk": {"S": f"USR#{user}"}})


def is_active(row: StoredItem) -> bool:
    """Return whether a row's user is an active member."""
    return "state" not in row or row["state"]["S"] == MemberState.ACTIVE


def activity(row: StoredItem) -> tuple[int, str]:
    """Return a row's position as what the table stores; it sorts as InboxPosition does."""
    return int(row["at"]["N"]), row["sk"]["S"]


def activity_at(position: InboxPosition) -> tuple[int, str]:
    """Return a position as `activity` does."""
    return to_ms(position.last_at), f"GRP#{position.group_uuid}"


def count_unread(rows: Iterable[StoredItem], at: datetime) -> UnreadRows:
    """Count the rows of active members that are marked unread, or have unread messages at a time."""
    count, ends = 0, list[datetime]()
    for row in filter(is_active, rows):
        read, last, gone = int(row["read"]["N"]), int(row["last"]["N"]), to_gone(row)
        if "u" in row:
            count += 1
        elif unread(last, read, gone, at) > 0:
            count += 1
            ends += [since for since in gone.values() if since > at]
    return UnreadRows(count, min(ends, default=None))


def unread_rows(user: UUID, *, limit: int) -> Query:
    """Return the query for a user's active rows that are marked unread or have messages after the marker.

    They are among this many rows, and strongly consistent. Some of those messages may be hidden or expired:
    `count_unread` leaves those out.
    """
    rows = inbox_rows(user, limit=limit, consistent=True)
    is_unread = "(#read < #last OR attribute_exists(#u)) AND attribute_not_exists(#state)"
    return replace(rows, filter=is_unread, projection=UNREAD)


def inbox_entries(user: UUID, start: InboxPosition | BucketPosition | None, *, limit: int) -> Query:
    """Return the query for index entries, newest bucket first: from a position's bucket on, or after an entry."""
    newest = Query(
        "#inbox = :inbox",
        {":inbox": f"IN#{user}"},
        index=INBOX_INDEX,
        limit=limit,
        descending=True,
        projection=ENTRY,
    )
    if start is None:
        return newest
    if isinstance(start, InboxPosition):
        values = dict(newest.values) | {":bucket": bucket(start.last_at)}
        return replace(newest, condition="#inbox = :inbox AND #activity_bucket <= :bucket", values=values)
    after = {**inbox_key(user, start.group_uuid), "inbox": f"IN#{user}", "activity_bucket": start.bucket}
    return replace(newest, after=after)


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


def bucket(at: datetime) -> int:
    """Return the ten minutes that a time falls into, counted from 1970. The index is written only when it changes."""
    return to_ms(at) // BUCKET_MS


def to_ms(at: datetime) -> int:
    """Return the milliseconds since 1970, exact."""
    return (at - _EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """Return the UTC time of these milliseconds since 1970."""
    return _EPOCH + ms * _MILLISECOND


def time_or_none(item: StoredItem, name: str) -> datetime | None:
    """Return the time that an attribute holds."""
    return from_ms(int(item[name]["N"])) if name in item else None


def times(**given: datetime | None) -> Item:
    """Return the attributes of those times that are given."""
    return {name: to_ms(at) for name, at in given.items() if at is not None}
