"""Heads and rows of groups of several members as plain values, as they are without changes."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from app.messaging.groups import creation
from app.messaging.groups.stored import Head
from app.messaging.inbox_items import bucket
from app.messaging.models import Message
from app.messaging.row_models import InboxRow
from app.messaging.visibility import preview_for


def last_message(message: Message) -> dict[str, Any]:
    """Return what a head says of the last message of its log."""
    return {
        "group_uuid": message.group_uuid,
        "last_number": message.number,
        "last_at": message.created_at,
        "last_by": message.user_uuid,
        "preview": preview_for(message, message.group_uuid),
    }


def told_head(last: Message, *, title: str, members: int, systems: Iterable[int], version: int) -> Head:
    """Return the head after the last message, of which all rows are told."""
    return Head(
        title=title,
        member_count=members,
        **last_message(last),
        systems=frozenset(systems),
        head_version=version,
        structure_version=version,
        told_bucket=bucket(last.created_at),
        digest=last.group_uuid.bytes,
    )


def first_row(head: Head, message: Message, user: UUID) -> InboxRow:
    """Return the row of a member after the system message that tells of it."""
    return creation.first_row(
        message, user, title=head.title, members=head.member_count, shows_history=head.shows_history
    )
