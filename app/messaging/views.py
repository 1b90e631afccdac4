"""Messages as the API shows them: with the names of their senders and the messages that they reply to."""

from collections.abc import Sequence
from uuid import UUID

from app.messaging.catchup import Catchup
from app.messaging.models import Message
from app.messaging.schemas import MessageView, QuoteView
from app.users.service import Users


async def message_views(
    messages: Sequence[Message], *, viewer: UUID, users: Users, catchup: Catchup
) -> list[MessageView]:
    """Return messages of groups of the viewer. 0.5 RCU for each message outside of them that is replied to."""
    quoted = await catchup.quoted(messages) if any(message.reply_to for message in messages) else {}
    names = await users.names({message.user_uuid for message in (*messages, *quoted.values())})
    quotes = {place: QuoteView.of(message, names[message.user_uuid]) for place, message in quoted.items()}
    return [
        MessageView.of(
            message,
            names[message.user_uuid],
            viewer,
            quotes.get((message.group_uuid, message.reply_to)) if message.reply_to else None,
        )
        for message in messages
    ]
