"""The rules of messaging: which members may read and write what, and the effect of each call."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from uuid import UUID

from app.concurrency import READ_SECONDS, SEND_SECONDS, TaskSet, deadline
from app.concurrency.publish import Publish, discard_events
from app.concurrency.throttle import Throttle
from app.errors import Unavailable
from app.limits import NO_LIMITS, Limits, charged_for, take_own
from app.limits.rates import FIRST_CONTACT, GROUP_SEND, LOOK_UP, RECEIVED_CONTACT
from app.messaging.changed_rows import ChangedRows
from app.messaging.clock import now
from app.messaging.errors import (
    CannotMessage,
    GroupNotFound,
    MentionNotMember,
    MessageBlank,
    MessageMalformed,
    MessageTooLong,
    MessageToSelf,
    OneTarget,
    ReplyBeyondEnd,
)
from app.messaging.events import MessageAppended, TypingChanged
from app.messaging.group_locks import Tail
from app.messaging.groups.items import is_quiet
from app.messaging.groups.members import Members
from app.messaging.hidden import HiddenMessages
from app.messaging.inbox import Inbox, InboxPage
from app.messaging.log import Log
from app.messaging.markers import Markers
from app.messaging.models import Draft, Message, direct_group_uuid, quote_of
from app.messaging.preview import is_blank
from app.messaging.projection import Projection
from app.messaging.requests.store import MAX_MESSAGES
from app.messaging.row_models import BucketPosition, Folder, InboxPosition, InboxRow, MemberState
from app.messaging.store import GroupStarted, MessagingStore
from app.messaging.visibility import is_uncounted
from app.messaging.windows import Window
from app.users.errors import UserNotFound
from app.users.service import Users
from app.users.suspensions import NO_SUSPENSIONS, Suspensions

TYPING_INTERVAL = 3.0
"""Seconds between two typing events of a member in a group, and the longest that a proof of membership counts."""


@dataclass(frozen=True, slots=True)
class History:
    """A range of a log, oldest first. `end` is the highest number of the group."""

    messages: Sequence[Message]
    end: int
    window: Window
    """The range that was asked for, as far as it is there for the reader."""
    row: InboxRow
    """The reader's row."""


class Messaging:
    """Message groups and the messages of direct groups. A process has one instance.

    Any method may raise Unavailable. Units are those of messages and rows of ordinary size.
    """

    def __init__(
        self,
        store: MessagingStore,
        users: Users,
        *,
        message_max_length: int,
        tasks: TaskSet,
        publish: Publish = discard_events,
        limits: Limits = NO_LIMITS,
        suspensions: Suspensions = NO_SUSPENSIONS,
        members: Members | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Publish the events of app.messaging.events. Sends and rows may go on in `tasks` after the answer."""
        self.members = members or Members(store.heads)
        self._store = store
        self._users = users
        self._tasks = tasks
        self._publish = publish
        self._limits = limits
        self._suspensions = suspensions
        self.log = Log(store, clock)
        self.projection = Projection(store, tasks, publish)
        self.rows = ChangedRows(store, self.projection, publish)
        self.hidden = HiddenMessages(store, self.projection, publish, clock)
        self._typing = Throttle(tasks, self._notify_typing, interval=TYPING_INTERVAL)
        self._message_max_length = message_max_length
        self._clock = clock
        self._inbox = Inbox(store.inbox)
        self.markers = Markers(store, self._row, self.projection, self.members, publish)

    async def send(self, draft: Draft, *, group: UUID | None, handle: str | None) -> Message:
        """Append a message to a group of the sender, or to the direct group with the user of this handle; return it.

        A draft that is sent again with its uuid returns the message of the first send. What is committed after the
        deadline reaches the inboxes all the same. Raises OneTarget, MessageBlank,
        MessageTooLong, MessageMalformed, MessageToSelf, UserNotFound, GroupNotFound, CannotMessage, UuidTaken,
        AfterTooOld, ReplyBeyondEnd, MentionNotMember and TooManyRequests. 3 WCU and 1 RCU, for a reply 1.5 RCU; 10 WCU
        and 2 RCU for the first message of a direct group, 7 WCU in a new index bucket. A message that expires
        costs 1 WCU more, the first one 2.
        """
        if (group is None) == (handle is None):
            raise OneTarget
        self.require_sendable(draft.text)
        if group is not None:
            return await self._tasks.complete(self._send_to_group(draft, group), SEND_SECONDS)
        with charged_for(UserNotFound, LOOK_UP):
            peer = await self._users.uuid_of_handle(handle or "")
        return await self._tasks.complete(self._send_to_person(draft, peer), SEND_SECONDS)

    async def _send_to_group(self, draft: Draft, group: UUID) -> Message:
        async with deadline(2 * SEND_SECONDS):
            row = await self._row(draft.user_uuid, group)
            message = await self._append(draft, row)
        return await self._project(message, row)

    async def _send_to_person(self, draft: Draft, peer: UUID) -> Message:
        """Append to the one direct group of two users, which its first message starts."""
        if peer == draft.user_uuid:
            raise MessageToSelf
        group = direct_group_uuid(draft.user_uuid, peer)
        async with deadline(2 * SEND_SECONDS):
            row = await self._store.inbox_row(draft.user_uuid, group)
            if row is None and (first := await self._start(draft, group=group, peer=peer)):
                return first
            row = row or await self._store.inbox_row(draft.user_uuid, group)
            if row is None:
                raise Unavailable("The inbox row of this group is missing: an operator must repair it")
            message = await self._append(draft, row)
        return await self._project(message, row)

    async def _start(self, draft: Draft, *, group: UUID, peer: UUID) -> Message | None:
        """Start the direct group with this message; return None if the peer has started it meanwhile."""
        if draft.reply_to is not None:
            raise ReplyBeyondEnd
        _require_all(draft.mentions, (draft.user_uuid, peer))
        take_own(FIRST_CONTACT)
        self._limits.of(str(peer)).take(RECEIVED_CONTACT)
        self._require_enabled(peer)
        if (await self._store.settings.settings(peer)).messages_from != "everyone":
            raise CannotMessage  # a contact has a group with the peer already
        message = self.log.entry(draft, group=group)
        try:
            rows = await self._store.start_direct_group(message, peer=peer)
        except GroupStarted:
            return None
        await self._publish(*(MessageAppended(message, row) for row in rows))
        return message

    async def _append(self, draft: Draft, row: InboxRow) -> Message:
        await self.require_members(draft.mentions, row)
        self._limits.of(str(row.group_uuid)).take(GROUP_SEND)
        message = await self.log.append(
            draft,
            group=row.group_uuid,
            known=Tail(row.last_number, row.last_at),
            guard=partial(self._admit, row, draft),
        )
        return await self._with_quote(message) if message.reply_to else message

    async def _admit(self, row: InboxRow, draft: Draft, number: int) -> None:
        """Refuse a message to an unreachable member, beyond those of a request, or in reply to a cleared one."""
        if row.awaits_acceptance and number > MAX_MESSAGES and not await self._store.requests.is_answered(row):
            raise CannotMessage
        self.require_reachable(row)
        if draft.reply_to is not None and draft.reply_to <= row.cleared_number:
            raise ReplyBeyondEnd

    def require_reachable(self, row: InboxRow) -> None:
        """Raise CannotMessage in a direct group that either member has blocked, or whose peer is disabled."""
        if row.is_blocked:
            raise CannotMessage
        if row.peer_uuid:
            self._require_enabled(row.peer_uuid)

    async def require_members(self, mentioned: Collection[UUID] | None, row: InboxRow) -> None:
        """Raise MentionNotMember unless all users that a message mentions are members of its group.

        Costs what Members.of costs, if the message mentions a user.
        """
        if mentioned:
            _require_all(mentioned, await self.members.of(row))

    def _require_enabled(self, peer: UUID) -> None:
        if self._suspensions.covers(peer):
            raise CannotMessage

    async def _with_quote(self, message: Message) -> Message:
        """Read what a message replies to, at the cost of its sender: else each stream that gets it would."""
        with suppress(Unavailable):
            for quoted in await self._store.messages_at([(message.group_uuid, message.reply_to or 0)]):
                return replace(message, quoted=quote_of(quoted))
        return message

    async def _project(self, message: Message, row: InboxRow) -> Message:
        self._typing.withdraw((row.user_uuid, row.group_uuid))  # a message ends it
        await self.projection.project(message, row)
        return message

    def require_sendable(self, text: str) -> None:
        """Raise MessageBlank, MessageTooLong or MessageMalformed unless a message may have this text."""
        if is_blank(text):
            raise MessageBlank
        if len(text) > self._message_max_length:
            raise MessageTooLong(f"At most {self._message_max_length} characters")
        if "\0" in text:
            raise MessageMalformed

    async def group(self, user: UUID, group: UUID) -> InboxRow:
        """Return a member's row of a group, or raise GroupNotFound. 1 RCU."""
        async with deadline(READ_SECONDS):
            return await self._row(user, group)

    async def direct_group(self, user: UUID, handle: str) -> InboxRow:
        """Return a user's row of the direct group with another. Raises UserNotFound and GroupNotFound. 1 RCU."""
        return await self.group(user, direct_group_uuid(user, await self._users.uuid_of_handle(handle)))

    async def _row(self, user: UUID, group: UUID) -> InboxRow:
        """Return the row that proves membership. A group of other users and a missing group raise the same error."""
        row = await self._store.inbox_row(user, group)
        if row is None or row.state is not MemberState.ACTIVE:
            raise GroupNotFound
        return row

    async def history(self, user: UUID, group: UUID, window: Window) -> History:
        """Return a range of the log with all its messages that were answered before this call, or raise GroupNotFound.

        1 RCU and 0.5 RCU for each 4 KB, about 20 messages; 1 RCU more for each 4 KB if that read is found behind.
        """
        async with deadline(READ_SECONDS):
            row = await self._row(user, group)
            window = window.for_unread(row.first_unread).above(row.cleared_number)
            # Eventually consistent, at half the cost, and once more strongly consistent if a number is missing.
            messages = await self._store.messages_in(group, window)
            if not window.is_complete([message.number for message in messages], end=row.last_number):
                messages = await self._store.messages_in(group, window, consistent=True)
        end = max(row.last_number, messages[-1].number if messages else 0)
        if end > row.last_number:
            self.projection.repair(messages[-1], row)
        changed = max(messages, key=attrgetter("change_number"), default=None)
        if changed and changed.change_number > row.change_number:
            self.rows.repair(changed, row)
        if uncounted := [message for message in messages if message.may_vanish and is_uncounted(message, row)]:
            self.projection.count_gone(uncounted, row)
        return History(messages, end, window, row)

    async def typing(self, user: UUID, group: UUID, *, is_typing: bool) -> None:
        """Publish that a member types or has stopped typing, at most once in 3 s; nothing is stored. 1.5 RCU each time.

        Until a request is accepted, the other member is told nothing: 1 RCU. Raises GroupNotFound, and CannotMessage as
        require_reachable does.
        """
        await self._typing.submit((user, group), is_typing)

    async def _notify_typing(self, member: tuple[UUID, UUID], is_typing: bool) -> None:
        user, group = member
        async with deadline(READ_SECONDS):
            row = await self._row(user, group)
            self.require_reachable(row)
            if row.peer_uuid is None:
                others: Collection[UUID] = {*await self.members.of(row)} - {user}
            else:
                is_told = not row.is_pending and await self.markers.is_member(row.peer_uuid, group)
                others = [row.peer_uuid] if is_told else []
        await self._publish(*[TypingChanged(other, group, user, is_typing) for other in others])

    async def inbox(
        self,
        user: UUID,
        *,
        limit: int,
        before: InboxPosition | BucketPosition | None = None,
        folder: Folder = Folder.INBOX,
    ) -> InboxPage:
        """Return a page of a user's groups in a folder, newest activity first. Costs what Inbox.page costs.

        1 RCU and 1 WCU more, in the background, for each group of several members that is quiet since the last page.
        """
        async with deadline(READ_SECONDS):
            page = await self._inbox.page(user, before=before, folder=folder, limit=limit)
        at = self._clock()
        for row in page.rows:
            if row.is_open and is_quiet(row, at):
                close = partial(self._store.heads.close, user, row.group_uuid, at)
                self.projection.write_later(row.group_uuid, [close])
        return page

    async def groups_after(self, user: UUID, group: UUID | None, *, limit: int) -> list[InboxRow]:
        """Return a user's rows of all folders, and of groups that were left, by group id: the first ones or after one.

        0.5 RCU for each 4 KB, about 13 rows.
        """
        async with deadline(READ_SECONDS):
            return await self._store.inbox_rows(user, limit=limit, after=group)


def _require_all(mentioned: Collection[UUID], members: Collection[UUID]) -> None:
    if not frozenset(mentioned).issubset(members):
        raise MentionNotMember
