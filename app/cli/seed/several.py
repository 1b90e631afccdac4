"""Synthetic groups of several members, in any number: deterministic, and generated lazily, like those of two."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final
from uuid import UUID, uuid5

from app.cli.heads import first_row, told_head
from app.cli.seed.synthetic import NAMESPACE, TEXTS, time_of, user_uuid
from app.messaging.groups.models import Member, Role, SystemEvent, SystemEventType, new_group_uuid
from app.messaging.groups.stored import Head
from app.messaging.models import Message, MessageKind
from app.messaging.row_models import InboxRow

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
        kind = MessageKind.SYSTEM if event else MessageKind.TEXT
        text = "" if event else TEXTS[(self.index * 31 + number) % len(TEXTS)]
        sender, at = self.users[(number - 1) % len(self.users)], time_of(self.index, number)
        return Message(self.uuid, number, uuid5(self.uuid, str(number)), sender, text, at, kind, event=event)

    def members(self) -> list[Member]:
        """Return the members: an owner, and others without rights."""
        at, creator = self.message(1).created_at, self.users[0]
        roles = {creator: Role.OWNER}
        return [Member(self.uuid, user, roles.get(user, Role.MEMBER), at, creator) for user in self.users]

    def head(self) -> Head:
        """Return the head after the last message, of which all rows are told."""
        last = self.message(self.size)
        head = told_head(last, title=self.title, members=len(self.users), systems=[1], version=self.size)
        return replace(head, structure_version=1)

    def rows(self) -> list[InboxRow]:
        """Return the rows of the members. Each has read up to the member's own last message."""
        head, created = self.head(), self.message(1)
        rows = []
        for place, user in enumerate(self.users):
            read = max(range(place + 1, self.size + 1, len(self.users)), default=1)
            rows.append(head.told(replace(first_row(head, created, user), read_number=read, is_open=False)))
        return rows


def several_groups(users: int, groups: int, size: int, messages: int) -> Iterator[SeveralGroup]:
    """Yield so many groups of `size` users each, with as many messages each."""
    for index in range(groups):
        members = tuple(user_uuid((index * STEP + place) % users) for place in range(size))
        yield SeveralGroup(index, members, messages)
