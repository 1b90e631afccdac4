"""The rules of changing messages: which members may edit, delete and react to what, and the effect of each call."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from app.concurrency import READ_SECONDS, SEND_SECONDS, TaskSet, deadline
from app.limits import NO_LIMITS, Limits
from app.limits.rates import GROUP_SEND
from app.messaging.change_log import ChangeLog, Rule
from app.messaging.clock import now
from app.messaging.errors import (
    CannotMessage,
    DeleteWindowClosed,
    EditLimit,
    EditsHidden,
    EditWindowClosed,
    MessageDeleted,
    MessageExpires,
    MessageNotFound,
    NotSender,
    ReactionLimit,
    VersionDiffers,
)
from app.messaging.hidden import without_hidden_texts
from app.messaging.models import Change, ChangeDraft, ChangeType, Message, MessageKind
from app.messaging.row_models import InboxRow
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.messaging.visibility import is_visible, seen_by

MAX_EDITS = 50
"""Edits of one message. All of their texts are read at once."""
USER_REACTIONS, MESSAGE_REACTIONS = 5, 20
"""Reactions of a member to one message, and different emoji that one message has."""
SAYS_SOMETHING = frozenset({ChangeType.EDIT, ChangeType.REACT})
"""Changes that are refused to a member whose messages are."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that a message had, from `written_at` until the next version."""

    version: int
    text: str
    written_at: datetime


class Changes:
    """Edits, deletions and reactions of messages. A process has one instance.

    Every call raises GroupNotFound and MessageNotFound, and may raise Unavailable. A change may raise TooManyRequests,
    and costs 4 WCU and 2 RCU: its entry, the message and both rows. Units are those of messages and rows of ordinary
    size.
    """

    def __init__(
        self,
        messaging: Messaging,
        store: MessagingStore,
        *,
        tasks: TaskSet,
        edit_window: timedelta,
        delete_window: timedelta,
        shows_edits: bool,
        limits: Limits = NO_LIMITS,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Edits and deletions are refused after their windows.

        Unless it `shows_edits`, earlier texts are not kept.
        """
        self._messaging = messaging
        self._store = store
        self._tasks = tasks
        self._limits = limits
        self._log = ChangeLog(store, clock, keeps_texts=shows_edits)
        self._edit_window = edit_window
        self._delete_window = delete_window
        self._shows_edits = shows_edits
        self._clock = clock

    async def message(self, user: UUID, group: UUID, number: int) -> Message:
        """Return a message as it stands and the user sees it. 2 RCU."""
        row = await self._messaging.group(user, group)
        async with deadline(READ_SECONDS):
            message = await self._store.message(group, number)
        if message is None or number <= row.cleared_number:
            raise MessageNotFound
        return seen_by(message, user, self._clock())

    async def hide(self, user: UUID, group: UUID, number: int) -> Message:
        """Hide a message from a member, and return what the member sees of it.

        4 WCU and 2 RCU; a repeated call costs 2 RCU.
        """
        read_row = partial(self._messaging.group, user, group)
        hidden = await self._tasks.complete(self._messaging.hidden.hide(read_row, number), SEND_SECONDS)
        return seen_by(hidden, user)

    async def edit(self, draft: ChangeDraft) -> Message:
        """Replace the text of the caller's own message, and return the message.

        An edit that is sent again with its uuid and version returns the message as it stands. Raises NotSender,
        MessageDeleted, MessageExpires, VersionDiffers, EditWindowClosed, EditLimit, CannotMessage, UuidTaken,
        MessageBlank, MessageTooLong, MessageMalformed and MentionNotMember.
        """
        self._messaging.require_sendable(draft.text or "")

        def rule(message: Message) -> bool:
            _require_sender(message, draft.user_uuid)
            self._require_visible(message, draft.user_uuid)
            if message.expires_in is not None:
                raise MessageExpires
            if message.version != draft.version:
                raise VersionDiffers
            if self._clock() - message.created_at > self._edit_window:
                raise EditWindowClosed
            if message.text == draft.text and draft.mentions in {message.mentions, None}:
                return False
            if message.version > MAX_EDITS:
                raise EditLimit
            return True

        return await self._change(draft, rule)

    async def delete(self, draft: ChangeDraft) -> Message:
        """Remove the text, its earlier versions and the reactions of the caller's own message; return what is left.

        Raises NotSender and DeleteWindowClosed. 1 WCU more, and 1 for each edit, if there were some.
        """

        def rule(message: Message) -> bool:
            _require_sender(message, draft.user_uuid)
            if message.deleted_at:
                return False
            if self._clock() - message.created_at > self._delete_window:
                raise DeleteWindowClosed
            return True

        return await self._change(draft, rule)

    async def react(self, draft: ChangeDraft) -> Message:
        """Add a reaction of the caller, unless it is there, and return the message.

        Raises MessageDeleted, ReactionLimit and CannotMessage.
        """

        def rule(message: Message) -> bool:
            self._require_visible(message, draft.user_uuid)
            if _has_reacted(draft, message):
                return False
            own = sum(draft.user_uuid in users for users in message.reactions.values())
            if own >= USER_REACTIONS or len({*message.reactions, draft.emoji}) > MESSAGE_REACTIONS:
                raise ReactionLimit
            return True

        return await self._change(draft, rule)

    async def unreact(self, draft: ChangeDraft) -> Message:
        """Remove a reaction of the caller, if it is there, and return the message."""
        return await self._change(draft, partial(_has_reacted, draft))

    def _require_visible(self, message: Message, user: UUID) -> None:
        """Raise MessageDeleted unless the user sees a text of the message."""
        if message.deleted_at or not is_visible(message, user, self._clock()):
            raise MessageDeleted

    async def _change(self, draft: ChangeDraft, rule: Rule) -> Message:
        return await self._tasks.complete(self._append(draft, rule), SEND_SECONDS)

    async def _append(self, draft: ChangeDraft, rule: Rule) -> Message:
        async with deadline(2 * SEND_SECONDS):
            row = await self._messaging.group(draft.user_uuid, draft.group_uuid)
            if draft.message_number <= row.cleared_number:
                raise MessageNotFound
            if draft.type in SAYS_SOMETHING:
                self._messaging.require_reachable(row)
            if draft.type is ChangeType.REACT and row.awaits_acceptance:
                raise CannotMessage
            await self._messaging.require_members(draft.mentions, row)
            self._limits.of(str(draft.group_uuid)).take(GROUP_SEND)
            return await self._record(draft, row, rule)

    async def erase(self, draft: ChangeDraft, row: InboxRow) -> Message:
        """Delete a message, or remove a reaction, of a user that is erased, and return what is left; once.

        No window closes it, and the user need not be a member any more. `row` is one of the group, read strongly
        consistent.
        """

        def rule(message: Message) -> bool:
            return message.deleted_at is None if draft.type is ChangeType.DELETE else _has_reacted(draft, message)

        async with deadline(2 * SEND_SECONDS):
            return await self._record(draft, row, rule)

    async def _record(self, draft: ChangeDraft, row: InboxRow, rule: Rule) -> Message:
        changed = await self._log.append(draft, row, rule)
        if changed.change:
            await self._messaging.rows.advance(changed.change, changed.message, row, changed.before)
        elif changed.message.change_number > row.change_number:
            self._messaging.rows.repair(changed.message, row)
        return changed.message

    async def edits(self, user: UUID, group: UUID, number: int) -> list[Edit]:
        """Return the earlier texts of a message, the newest first. 0.5 RCU for each and 2. Raises EditsHidden."""
        if not self._shows_edits:
            raise EditsHidden
        message = await self.message(user, group, number)
        if not message.edits or message.deleted_at:
            return []
        async with deadline(READ_SECONDS):
            changes = await self._store.changes.changes(group, message.edits)
        return list(_earlier_texts(message, changes))

    async def after(self, user: UUID, group: UUID, number: int, *, limit: int) -> tuple[Sequence[Change], int]:
        """Return changes of a group after this number, in order, and the highest number. 1 RCU, 0.5 RCU for each 25.

        0.5 RCU more for each message with another text, if the user has hidden a message of the group.
        """
        row = await self._messaging.group(user, group)
        end = row.change_number
        async with deadline(READ_SECONDS):
            found = await self._store.changes.changes_up_to(group, after=number, until=min(end, number + limit))
            return await without_hidden_texts(self._store, row, found), end


def _require_sender(message: Message, user: UUID) -> None:
    """Raise NotSender for a message of another user, and for one that the service has sent."""
    if message.user_uuid != user or message.kind is MessageKind.SYSTEM:
        raise NotSender


def _has_reacted(draft: ChangeDraft, message: Message) -> bool:
    """Return whether the draft's user has reacted to a message with its emoji."""
    return draft.user_uuid in message.reactions.get(draft.emoji or "", ())


def _earlier_texts(message: Message, edits: Sequence[Change]) -> Iterator[Edit]:
    """Yield the texts that these edits replaced or brought, but the present one, the newest first."""
    for edit in reversed(edits):
        if edit.version and edit.version < message.version and edit.text is not None:
            yield Edit(edit.version, edit.text, edit.created_at)
        if edit.earlier_text is not None:
            yield Edit(1, edit.earlier_text, message.created_at)
