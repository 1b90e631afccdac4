"""Groups and messages as the API shows them: with the names of users and the messages that are replied to."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from app.errors import Unavailable
from app.messaging.catchup import Catchup
from app.messaging.clock import now
from app.messaging.group_schemas import MessageGroupView
from app.messaging.models import Message
from app.messaging.row_models import InboxRow
from app.messaging.schemas import MessageView, QuoteView
from app.messaging.visibility import is_visible, seen_by
from app.users.service import Users


async def group_views(rows: Sequence[InboxRow], users: Users) -> list[MessageGroupView]:
    """Return groups as the members whose rows these are see them."""
    names = await users.names({row.peer_uuid for row in rows if row.peer_uuid})
    return [MessageGroupView.of(row, names[row.peer_uuid] if row.peer_uuid else None) for row in rows]


async def group_view(row: InboxRow, users: Users) -> MessageGroupView:
    """Return a group as the member whose row this is sees it."""
    return (await group_views([row], users))[0]


async def message_views(
    messages: Sequence[Message], *, viewer: UUID, users: Users, catchup: Catchup, rows: Iterable[InboxRow] = ()
) -> list[MessageView]:
    """Return messages of groups of the viewer, without quotes of messages that the rows say the viewer has cleared.

    0.5 RCU for each message outside of them that is replied to.
    """
    cleared = {row.group_uuid: row.cleared_number for row in rows}
    at = now()
    messages = [seen_by(message, viewer, at) for message in messages]
    named = {user for message in messages for user in (message.user_uuid, *message.mentions)}
    named.update(user for message in messages if message.event for user in message.event.users)
    names = await users.names(named)
    quotes = (
        await _quotes(messages, viewer, users, catchup, at) if any(message.reply_to for message in messages) else {}
    )
    return [
        MessageView.of(
            message,
            names,
            viewer,
            quotes.get((message.group_uuid, message.reply_to))
            if message.reply_to and message.reply_to > cleared.get(message.group_uuid, 0)
            else None,
        )
        for message in messages
    ]


async def _quotes(
    messages: Sequence[Message], viewer: UUID, users: Users, catchup: Catchup, at: datetime
) -> dict[tuple[UUID, int | None], QuoteView]:
    """Return the quotes of these messages by group and number, none if their names cannot be read."""
    quoted = await catchup.quoted([message for message in messages if is_visible(message, viewer, at)])
    with suppress(Unavailable):
        names = await users.names({message.user_uuid for message in quoted.values()})
        return {
            place: QuoteView.of(seen_by(message, viewer, at), names[message.user_uuid], viewer)
            for place, message in quoted.items()
        }
    return {}
