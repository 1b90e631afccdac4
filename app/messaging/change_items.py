"""Items of the change log: their keys and attributes, and what a change writes to the message and to inbox rows."""

from dataclasses import replace
from uuid import UUID

from app.gateways.dynamodb import Item, Key, Put, Query, StoredItem, Update, text_to_uuid, to_bytes, to_known_uuid
from app.messaging.groups.items import is_head
from app.messaging.groups.member_items import is_member, to_member
from app.messaging.groups.models import Member
from app.messaging.groups.stored import Head, to_head
from app.messaging.inbox_items import mentions, to_inbox_row
from app.messaging.items import (
    ABSENT,
    assign,
    changed_attributes,
    from_ms,
    inbox_key,
    is_fence,
    message_key,
    reaction_name,
    to_mentions,
    to_message,
    to_ms,
)
from app.messaging.models import LAST_NUMBER, Change, ChangeType, Message
from app.messaging.row_models import InboxRow
from app.messaging.visibility import preview_for

TEXT_CHANGES = frozenset({ChangeType.EDIT, ChangeType.DELETE})
"""Changes that a preview of the message follows."""


def change_key(group: UUID, number: int) -> Key:
    return {"pk": f"MSG#{group}", "sk": f"CHG#{number:012d}"}


def new_change(change: Change) -> Put:
    """Return the put that commits a change: it fails if the number is taken."""
    return Put(change_item(change), condition=ABSENT)


def change_item(change: Change) -> Item:
    """Return a change as the table stores it."""
    optional = {
        "text": change.text,
        "earlier": change.earlier_text,
        "version": change.version,
        "emoji": change.emoji,
        "mentions": change.mentions or None,
    }
    return {
        **change_key(change.group_uuid, change.number),
        "id": change.uuid,
        "by": change.user_uuid,
        "at": to_ms(change.created_at),
        "type": str(change.type),
        "n": change.message_number,
        **{name: value for name, value in optional.items() if value is not None},
    }


def to_change(item: StoredItem) -> Change:
    """Return the change that an item stores."""
    return Change(
        group_uuid=text_to_uuid(item["pk"]["S"][4:]),
        number=int(item["sk"]["S"][4:]),
        uuid=UUID(bytes=to_bytes(item["id"]["B"])),
        user_uuid=to_known_uuid(item["by"]["B"]),
        created_at=from_ms(int(item["at"]["N"])),
        type=ChangeType(item["type"]["S"]),
        message_number=int(item["n"]["N"]),
        text=item["text"]["S"] if "text" in item else None,
        earlier_text=item["earlier"]["S"] if "earlier" in item else None,
        version=int(item["version"]["N"]) if "version" in item else None,
        emoji=item["emoji"]["S"] if "emoji" in item else None,
        mentions=to_mentions(item),
    )


def to_entity(item: StoredItem) -> Message | Change | InboxRow | Head | Member | None:
    """Return an item of the whole table as a message, a change, an inbox row, a head or a member, None if it is none.

    Blocks and what they put at the ends of logs are none of them.
    """
    partition, sort = item["pk"]["S"], item["sk"]["S"]
    if partition.startswith("GRP#"):
        return to_head(item) if is_head(item) else to_member(item) if is_member(item) else None
    if partition.startswith("MSG#"):
        if sort.startswith("N#"):
            return None if is_fence(item) else to_message(item)
        return to_change(item) if sort.startswith("CHG#") else None
    return to_inbox_row(item) if partition.startswith("USR#") and sort.startswith("GRP#") else None


def newest_change(group: UUID) -> Query:
    """Return the query for the last change of a group, strongly consistent."""
    return replace(changes_between(group, 1, LAST_NUMBER, consistent=True), limit=1, descending=True)


def changes_between(group: UUID, first: int, last: int, *, consistent: bool) -> Query:
    """Return the query for the changes `first`..`last`, both included."""
    keys = {":pk": f"MSG#{group}", ":first": f"CHG#{first:012d}", ":last": f"CHG#{last:012d}"}
    return Query("#pk = :pk AND #sk BETWEEN :first AND :last", keys, consistent=consistent)


def apply_change(change: Change, message: Message) -> Update:
    """Return the update that applies a change to its message, which is given with all earlier changes.

    It fails if the change, or a later one, is applied already.
    """
    expression, values = _effect(change, message)
    condition = "attribute_exists(#pk) AND (attribute_not_exists(#k) OR #k < :k)"
    return Update(message_key(change.group_uuid, change.message_number), expression, values, condition)


def _effect(change: Change, message: Message) -> tuple[str, Item]:
    """Return the expression of the update that a change makes to its message, and its values."""
    match change.type:
        case ChangeType.EDIT:
            return _edit(change)
        case ChangeType.DELETE:
            gone = ["text", "mentions", *map(reaction_name, message.reactions)]
            return assign({"k": change.number, "deleted": to_ms(change.created_at)}, gone)
        case ChangeType.REACT | ChangeType.UNREACT:
            verb = "ADD" if change.type is ChangeType.REACT else "DELETE"
            values: Item = {":k": change.number, ":user": frozenset({change.user_uuid})}
            return f"SET #k = :k {verb} #{reaction_name(change.emoji or '')} :user", values


def _edit(change: Change) -> tuple[str, Item]:
    """Leave the text alone if the change has lost its own: it is applied so late that the message has ended."""
    wanted: Item = {"k": change.number, "edited": to_ms(change.created_at), "version": change.version}
    if change.text is not None:
        wanted["text"] = change.text
    if change.mentions:
        wanted["mentions"] = change.mentions
    edits = "#edits = list_append(if_not_exists(#edits, :none), :edit)"
    expression, values = assign(wanted, {"mentions"} - wanted.keys(), first=[edits])
    return expression, values | {":none": [], ":edit": [change.number]}


def reset_changes(message: Message, stored: Message) -> Update:
    """Return the update that makes the changes of a stored message those of `message`, and its text.

    It fails if a change was applied since the message was read.
    """
    wanted = changed_attributes(message) if message.change_number else {}
    wanted |= {"mentions": message.mentions} if message.mentions else {}
    if message.text and message.expires_in is None:
        wanted["text"] = message.text
    gone = {"k", "text", "mentions", *changed_attributes(stored)} - wanted.keys()
    expression, values = assign(wanted, gone)
    condition = "attribute_exists(#pk) AND attribute_not_exists(#k)"
    if stored.change_number:
        condition, values[":seen"] = "#k = :seen", stored.change_number
    return Update(message_key(message.group_uuid, message.number), expression, values, condition)


def remove_texts(group: UUID, number: int) -> Update:
    """Return the update that removes the texts of an edit, and the members that it mentions."""
    return Update(change_key(group, number), "REMOVE #text, #earlier, #mentions", {}, condition="attribute_exists(#pk)")


def forget_texts(message: Message) -> Update:
    """Return the update that drops what leads to a deleted message's other texts, after those were removed."""
    key = message_key(message.group_uuid, message.number)
    return Update(key, "REMOVE #edits, #expires_in", {}, condition="attribute_exists(#deleted)")


def advance_change_number(change: Change, message: Message, *, user: UUID, is_last: bool) -> Update:
    """Return the update that moves a row from the change before this one to this one.

    It fails for a row that is at another change, or whose user has hidden a message that is given as visible. If the
    change alters the text, the row's last message must be this `message`, whose preview follows, or a later one, as
    `is_last` says; the row's mentions follow the message.
    """
    values: Item = {":k": change.number, ":before": change.number - 1, ":at": to_ms(change.created_at), ":one": 1}
    expression, removed = "SET #k = :k, #changed = :at, #v = #v + :one", ""
    condition = "#k = :before" if change.number > 1 else "attribute_exists(#v) AND attribute_not_exists(#k)"
    if change.type in TEXT_CHANGES:
        values[":n"] = change.message_number
        condition += " AND #last = :n" if is_last else " AND #last > :n"
        if is_last:
            expression += ", #text = :text"
            values[":text"] = preview_for(message, user)
            removed = " REMOVE #until" if message.deleted_at else ""
            if user not in message.hidden_by:  # it may have been hidden or cleared since the message was read
                condition += " AND NOT contains(#hidden, :n) AND (attribute_not_exists(#cleared) OR #cleared < :n)"
        values[":number"] = frozenset({change.message_number})
        removed += f" {'ADD' if mentions(message, user) else 'DELETE'} #mentioned :number"
    if change.number == 1:
        del values[":before"]
    return Update(inbox_key(user, change.group_uuid), expression + removed, values, condition=condition)
