"""People and conversations in any number, for load and for pictures: the same every time, made while they are written.

Nothing is remembered between two runs and little is held in memory. A second run of the same seed finds out from the
table how far the first one came: a group's inbox rows are written after its messages, and its messages in their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID, uuid5

from app.cli.seed.conversations import CONVERSATIONS
from app.messaging.models import Message, direct_group_uuid
from app.users.models import NewUser

NAMESPACE: Final = UUID("a1c8f0f2-7b0e-5a4b-9e55-63a1c6e0d7b4")
BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""Of all conversations; the same for ever, so that a message that is written again is the same."""
BETWEEN_MESSAGES: Final = timedelta(seconds=97)
BETWEEN_GROUPS: Final = timedelta(seconds=11)
TEXTS: Final = tuple(line.text for conversation in CONVERSATIONS for line in conversation.lines)


@dataclass(frozen=True)
class Group:
    """One pair's conversation of `size` messages."""

    index: int
    one: UUID
    other: UUID
    size: int

    @cached_property
    def uuid(self) -> UUID:
        return direct_group_uuid(self.one, self.other)

    @property
    def members(self) -> tuple[tuple[UUID, UUID], tuple[UUID, UUID]]:
        """Each user with the peer."""
        return (self.one, self.other), (self.other, self.one)

    def message(self, number: int) -> Message:
        """They take turns, two messages each."""
        return Message(
            group_uuid=self.uuid,
            number=number,
            uuid=uuid5(self.uuid, str(number)),
            user_uuid=(self.one, self.other)[number // 2 % 2],
            text=TEXTS[(self.index * 31 + number) % len(TEXTS)],
            created_at=BEGINNING + self.index * BETWEEN_GROUPS + number * BETWEEN_MESSAGES,
        )


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many people, who share so many groups, with so many messages in all."""

    people: int
    groups: int
    messages: int

    @property
    def most_groups(self) -> int:
        """Each pair has one."""
        return self.people * (self.people - 1) // 2

    def users(self) -> Iterator[NewUser]:
        for number in range(self.people):
            handle = f"seed_{number:06d}"
            yield NewUser(user_uuid(number), handle, f"Seed {number}", str(uuid5(NAMESPACE, f"sub:{number}")))

    def conversations(self) -> Iterator[Group]:
        """Everybody has about as many groups as the next one, and each group as many messages."""
        for index in range(self.groups):
            distance, one = divmod(index, self.people)
            other = (one + distance + 1) % self.people
            size = self.messages // self.groups + (index < self.messages % self.groups)
            yield Group(index, user_uuid(one), user_uuid(other), size)


def user_uuid(number: int) -> UUID:
    return uuid5(NAMESPACE, f"user:{number}")
