"""Synthetic groups of several members, in any number: deterministic, and generated lazily, like those of two."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from uuid import UUID, uuid5

from app.cli.seed.synthetic import BETWEEN_GROUPS, BETWEEN_MESSAGES, EPOCH, NAMESPACE, TEXTS, user_uuid
from app.messaging.groups.models import Member, Role, SystemEvent, SystemEventType, new_group_uuid
from app.messaging.groups.stored import Head
from app.messaging.inbox_items import bucket
from app.messaging.models import Message, MessageKind
from app.messaging.row_models import InboxRow
from app.messaging.visibility import preview_for

STEP: Final = 7
"""The distance between the first members of two groups, so that each user is in groups with different others."""


@dataclass(frozen=True)
class SeveralGroup:
    """A group of several users with `size` messages. The first user has created it."""

    index: int
    users: tuple[UUID, ...]
    size: int

    @cached_property
    def uuid(self) -> UUID:
        return new_group_uuid(self.users[0], uuid5(NAMESPACE, f"several:{self.index}"))

    @property
    def title(self) -> str:
        return f"Group {self.index}"

    def message(self, number: int) -> Message:
        """Return the message with this number: first the one of the creation, then texts of the members in turn."""
        event = SystemEvent(SystemEventType.CREATED, self.users[1:], self.title) if number == 1 else None
        return Message(
            group_uuid=self.uuid,
            number=number,
            uuid=uuid5(self.uuid, str(number)),
            user_uuid=self.users[(number - 1) % len(self.users)],
            text="" if event else TEXTS[(self.index * 31 + number) % len(TEXTS)],
            created_at=EPOCH + self.index * BETWEEN_GROUPS + number * BETWEEN_MESSAGES,
            kind=MessageKind.SYSTEM if event else MessageKind.TEXT,
            event=event,
        )

    def members(self) -> list[Member]:
        """Return the members: an owner, and others without rights."""
        at, creator = self.message(1).created_at, self.users[0]
        roles = {creator: Role.OWNER}
        return [Member(self.uuid, user, roles.get(user, Role.MEMBER), at, creator) for user in self.users]

    def head(self) -> Head:
        """Return the head after the last message, of which all rows are told."""
        last = self.message(self.size)
        return Head(
            group_uuid=self.uuid,
            title=self.title,
            member_count=len(self.users),
            last_number=last.number,
            last_at=last.created_at,
            last_by=last.user_uuid,
            preview=preview_for(last, self.uuid),
            systems=frozenset({1}),
            head_version=self.size,
            structure_version=1,
            told_bucket=bucket(last.created_at),
            digest=self.uuid.bytes,
        )

    def rows(self) -> list[InboxRow]:
        """Return the rows of the members. Each has read up to the member's own last message."""
        head = self.head()
        rows = (
            InboxRow(
                user_uuid=member.user_uuid,
                group_uuid=self.uuid,
                peer_uuid=None,
                last_number=1,
                last_at=head.last_at,
                last_by=head.last_by,
                preview="",
                read_number=max(range(at + 1, self.size + 1, len(self.users)), default=1),
                version=1,
                role=member.role,
            )
            for at, member in enumerate(self.members())
        )
        return [head.told(row) for row in rows]


def several_groups(users: int, groups: int, size: int, messages: int) -> Iterator[SeveralGroup]:
    """Yield so many groups of `size` users each, with as many messages each."""
    for index in range(groups):
        members = tuple(user_uuid((index * STEP + place) % users) for place in range(size))
        yield SeveralGroup(index, members, messages)
