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
from app.messaging.retention import KEEP_ALL, Retention
from app.messaging.row_models import InboxRow
from app.messaging.schemas import MessageView, QuoteView
from app.messaging.visibility import is_visible, seen_by
from app.users.service import Users


class Views:
    """Makes views of groups and messages. A process has one instance."""

    def __init__(self, users: Users, catchup: Catchup, retention: Retention = KEEP_ALL) -> None:
        self._users = users
        self._catchup = catchup
        self._retention = retention

    async def groups(self, rows: Sequence[InboxRow]) -> list[MessageGroupView]:
        """Return groups as the members whose rows these are see them."""
        names = await self._users.names({row.peer_uuid for row in rows if row.peer_uuid})
        at = now()
        rows = [self._retention.applied_to_row(row, at) for row in rows]
        return [MessageGroupView.of(row, names[row.peer_uuid] if row.peer_uuid else None) for row in rows]

    async def group(self, row: InboxRow) -> MessageGroupView:
        """Return a group as the member whose row this is sees it."""
        return (await self.groups([row]))[0]

    async def messages(
        self, messages: Sequence[Message], *, viewer: UUID, rows: Iterable[InboxRow] = ()
    ) -> list[MessageView]:
        """Return messages of groups of the viewer, without quotes of what the rows say the viewer has cleared.

        0.5 RCU for each message outside of them that is replied to.
        """
        cleared = {row.group_uuid: row.cleared_number for row in rows}
        at = now()
        messages = self._retention.applied_to_all(messages, at)  # an event may have been made before its end
        messages = [seen_by(message, viewer, at) if message.may_vanish else message for message in messages]
        named = {user for message in messages for user in (message.user_uuid, *message.mentions)}
        named.update(user for message in messages if message.event for user in message.event.users)
        names = await self._users.names(named)
        has_replies = any(message.reply_to for message in messages)
        quotes = await self._quotes(messages, viewer, at) if has_replies else {}
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

    async def message(self, message: Message, *, viewer: UUID) -> MessageView:
        """Return a message as a member sees it. It costs what `messages` costs."""
        return (await self.messages([message], viewer=viewer))[0]

    async def _quotes(
        self, messages: Sequence[Message], viewer: UUID, at: datetime
    ) -> dict[tuple[UUID, int | None], QuoteView]:
        """Return the quotes of these messages by group and number, none if their names cannot be read."""
        quoted = await self._catchup.quoted([message for message in messages if is_visible(message, viewer, at)])
        shown = [seen_by(message, viewer, at) for message in self._retention.applied_to_all([*quoted.values()], at)]
        with suppress(Unavailable):
            names = await self._users.names({message.user_uuid for message in shown})
            quotes = [QuoteView.of(self._retention.with_end(each), names[each.user_uuid], viewer) for each in shown]
            return dict(zip(quoted, quotes, strict=True))
        return {}
