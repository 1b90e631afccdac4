"""The writes that hide a message from a member: to the message and to the member's row, in one transaction."""

from dataclasses import replace
from datetime import datetime

from app.gateways.dynamodb import Item, Update, Write
from app.messaging.inbox_items import gone_set
from app.messaging.items import assign, inbox_key, message_key
from app.messaging.models import Message
from app.messaging.row_models import MAX_GONE, InboxRow

MAX_HIDDEN = 20
"""Numbers of hidden messages that a row holds. A client that has missed more of them reads its messages again."""


def with_hidden(message: Message, row: InboxRow, at: datetime) -> InboxRow:
    """Return a row after its user has hidden a message that was visible: in the preview and unread no longer."""
    others = [number for number in row.hidden if number != message.number]
    while len(others) >= MAX_HIDDEN:
        # Never the last message of the group: a change of it finds by its number that the preview stays empty.
        others.remove(next(number for number in others if number != row.last_number))
    gone = {number: since for number, since in row.gone.items() if number > row.read_number}
    if message.number > row.read_number and (message.number in gone or len(gone) < MAX_GONE):
        gone[message.number] = min(at, gone.get(message.number, at))
    return replace(
        row,
        version=row.version + 1,
        preview="" if message.number == row.last_number else row.preview,
        gone=gone,
        hidden=(*others, message.number),
        hide_count=row.hide_count + 1,
    )


def hide_writes(message: Message, row: InboxRow, hidden: InboxRow) -> list[Write]:
    """Return the writes of a transaction that turns a row into `hidden`. It fails if the row has changed meanwhile."""
    place, user = message_key(message.group_uuid, message.number), frozenset({row.user_uuid})
    wanted: Item = {"v": hidden.version, "text": hidden.preview, "hides": hidden.hide_count}
    wanted |= {"hidden": list(hidden.hidden)} | ({"gone": gone_set(hidden.gone)} if hidden.gone else {})
    expression, values = assign(wanted, {"gone"} - wanted.keys())
    return [
        Update(place, "ADD #hidden :user", {":user": user}, "attribute_exists(#pk)"),
        Update(inbox_key(row.user_uuid, row.group_uuid), expression, values | {":seen": row.version}, "#v = :seen"),
    ]
