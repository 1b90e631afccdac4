"""Export: all that a user may read of the own data, page by page, in the user's own view."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from app.errors import AppError
from app.messaging.change_schemas import EditView
from app.messaging.changes import Changes
from app.messaging.errors import EditsHidden, GroupNotFound, MessageNotFound
from app.messaging.group_schemas import ReadMarkerView
from app.messaging.groups.schemas import MemberView
from app.messaging.groups.service import Groups
from app.messaging.models import Message
from app.messaging.receipts import Receipts
from app.messaging.row_models import InboxRow, MemberState
from app.messaging.service import Messaging
from app.messaging.settings.schemas import SettingsView
from app.messaging.settings.service import UserSettingsService
from app.messaging.views import Views
from app.messaging.windows import Window
from app.personal_data.errors import ExportRunning
from app.personal_data.export_schemas import (
    EditsLine,
    EndLine,
    ExportLine,
    GroupLine,
    MessageLine,
    ProblemLine,
    ProfileLine,
)
from app.users.models import User
from app.users.schemas import UserView
from app.users.service import Users

PAGE = 100
"""Groups and messages that are read at once: the most of a page of their lists."""

Turn: TypeAlias = Callable[[], Awaitable[None]]
"""Is awaited before each page: waits for what the caller may spend, or raises why the export must end."""


class Export:
    """Exports of the users of a process, one at a time for each user.

    Messages come in pages of the API's list: what that does not show is not exported, and each costs what it costs.
    """

    def __init__(
        self,
        users: Users,
        messaging: Messaging,
        changes: Changes,
        settings: UserSettingsService,
        views: Views,
        groups: Groups,
    ) -> None:
        self._users = users
        self._settings = settings
        self._receipts = Receipts(messaging, changes, settings)
        self._messaging = messaging
        self._changes = changes
        self._views = views
        self._members = groups.members
        self._running: set[UUID] = set()

    @contextmanager
    def running(self, user: UUID) -> Iterator[None]:
        """Count an export of a user for the block. Raises ExportRunning if this process has another one."""
        if user in self._running:
            raise ExportRunning
        self._running.add(user)
        try:
            yield
        finally:
            self._running.discard(user)

    async def lines(self, user: User, turn: Turn) -> AsyncIterator[ExportLine]:
        """Yield all lines, and last that it is whole, or the problem that has ended it. Eventually consistent."""
        counts: Counter[str] = Counter()
        try:
            async for line in self._own_data(user, turn):
                counts[line.type] += 1
                yield line
        except AppError as error:
            yield ProblemLine(type="problem", status=error.status, code=error.code(), detail=str(error))
            return
        yield EndLine(type="end", groups=counts["group"], messages=counts["message"], edits=counts["edits"])

    async def _own_data(self, user: User, turn: Turn) -> AsyncIterator[ExportLine]:
        """Yield the profile, then each group with its messages. No page is read before its turn."""
        settings = SettingsView.of(await self._settings.of(user.uuid), user)
        yield ProfileLine(type="profile", user=UserView.of(user), settings=settings, exported_at=datetime.now(UTC))
        async for row in self._rows(user.uuid, turn):
            await turn()
            with suppress(GroupNotFound):  # the user has left it meanwhile
                yield await self._group(row)
                async for line in self._messages(row, turn):
                    yield line

    async def _rows(self, user: UUID, turn: Turn) -> AsyncIterator[InboxRow]:
        """Yield the rows of the groups that the user is in, whatever their folder, by group id."""
        last: UUID | None = None
        while True:
            await turn()
            rows = await self._messaging.groups_after(user, last, limit=PAGE)
            for row in rows:
                if row.state is MemberState.ACTIVE:
                    yield row
            if len(rows) < PAGE:
                return
            last = rows[-1].group_uuid

    async def _group(self, row: InboxRow) -> GroupLine:
        markers = await self._receipts.markers(row.user_uuid, row.group_uuid)
        members = await self._members(row.user_uuid, row.group_uuid) if row.title else ()
        names = await self._users.names({member.user_uuid for member in members})
        return GroupLine(
            type="group",
            group=await self._views.group(row),
            read_markers=[ReadMarkerView.of(marker) for marker in markers],
            members=[MemberView.of(member, names) for member in members],
        )

    async def _messages(self, row: InboxRow, turn: Turn) -> AsyncIterator[ExportLine]:
        user, group = row.user_uuid, row.group_uuid
        last, end, is_full = row.cleared_number, row.cleared_number + 1, False
        while last < end or is_full:  # the row, and with it the end, may be behind the log
            await turn()
            window = Window.after(last, PAGE)
            history = await self._messaging.history(user, group, window)
            last, end, is_full = window.last, history.end, len(history.messages) == PAGE
            views = await self._views.messages(history.messages, viewer=user, rows=[history.row])
            for message, view in zip(history.messages, views, strict=True):
                yield MessageLine(type="message", message=view)
                if message.edited_at and (edits := await self._edits(user, message, turn)):
                    yield EditsLine(type="edits", message_group_uuid=group, number=message.number, edits=edits)

    async def _edits(self, user: UUID, message: Message, turn: Turn) -> list[EditView]:
        await turn()
        with suppress(EditsHidden, MessageNotFound):
            edits = await self._changes.edits(user, message.group_uuid, message.number)
            return [EditView(edit.version, edit.text, edit.written_at) for edit in edits]
        return []
