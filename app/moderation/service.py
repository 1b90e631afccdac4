"""The rules of reports: what a user may report, and what a report keeps."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.concurrency import READ_SECONDS, deadline
from app.errors import Unavailable
from app.limits import charged_for
from app.limits.rates import LOOK_UP
from app.messaging.errors import MessageNotFound, OneTarget, UuidTaken
from app.messaging.models import Message
from app.messaging.service import Messaging
from app.messaging.uuid7 import uuid7
from app.messaging.visibility import seen_by
from app.messaging.windows import Window
from app.moderation.errors import ReportOfSelf
from app.moderation.models import Report, ReportDraft, ReportTarget
from app.moderation.store import ReportStore
from app.users.errors import UserNotFound
from app.users.service import Users

AROUND = 5
"""Messages before the reported one, and after it, that a report keeps."""
NOTE_LENGTH = 1_000
"""Characters of a reporter's note."""
UNKNOWN_SENDER = UUID(int=0)
"""Stands for the sender of a message that was not read yet."""


class Reports:
    """Takes reports for the operators. Nothing in the API shows them, to the reported user or to others."""

    def __init__(self, store: ReportStore, messaging: Messaging, users: Users) -> None:
        self._store = store
        self._messaging = messaging
        self._users = users

    async def add(self, draft: ReportDraft) -> Report:
        """Store a report of a user, or of a message of a group of the reporter, and return it.

        Of one target a reporter has a single open report, which is returned again; so is the report with the draft's
        uuid. Raises OneTarget, UserNotFound, GroupNotFound, MessageNotFound, ReportOfSelf, UuidTaken and Unavailable.
        1 RCU and 0.5 RCU for each 4 KB of the messages that are kept.
        """
        target = await self._target(draft)
        async with deadline(READ_SECONDS):
            report = await self._store.find(draft.reporter_uuid, draft.uuid, target)
        report = report or await self._add(draft, target)
        if target.user_uuid == UNKNOWN_SENDER:
            target = replace(target, user_uuid=report.target.user_uuid)
        said = (target, draft.reason, draft.note)
        if report.uuid == draft.uuid and (report.target, report.reason, report.note) != said:
            raise UuidTaken
        return report

    async def _target(self, draft: ReportDraft) -> ReportTarget:
        """Return what is reported; the sender of a message is not known yet."""
        is_message = draft.group_uuid is not None and draft.number is not None
        is_user = draft.group_uuid is None and draft.number is None
        if draft.handle is not None and is_user:
            with charged_for(UserNotFound, LOOK_UP):
                return ReportTarget(await self._users.uuid_of_handle(draft.handle))
        if draft.handle is None and is_message:
            return ReportTarget(UNKNOWN_SENDER, draft.group_uuid, draft.number)
        raise OneTarget("Either handle, or message_group_uuid and number must be given")

    async def _add(self, draft: ReportDraft, target: ReportTarget) -> Report:
        user, messages = draft.reporter_uuid, list[Message]()
        if target.group_uuid and target.number:
            window = Window.around(target.number, 2 * AROUND + 1)
            history = await self._messaging.history(user, target.group_uuid, window)
            messages = [seen_by(message, user) for message in history.messages]
            sender = next((message.user_uuid for message in messages if message.number == target.number), None)
            if sender is None:
                raise MessageNotFound
            target = replace(target, user_uuid=sender)
        if target.user_uuid == user:
            raise ReportOfSelf
        kept = list(map(_kept, messages))
        report = Report(draft.uuid or uuid7(), user, target, draft.reason, draft.note, kept, datetime.now(UTC))
        async with deadline(READ_SECONDS):
            stored = await self._store.add(report) or await self._store.find(user, report.uuid, target)
        if stored is None:
            raise Unavailable("The report was closed meanwhile: try again")
        return stored


def _kept(message: Message) -> dict[str, Any]:
    """Return what a report keeps of a message."""
    times = {"created_at": message.created_at, "edited_at": message.edited_at, "deleted_at": message.deleted_at}
    return {
        "number": message.number,
        "uuid": message.uuid,
        "user_uuid": message.user_uuid,
        "message": message.text,
        "reply_to": message.reply_to,
        **{name: at and at.isoformat() for name, at in times.items()},
    }
