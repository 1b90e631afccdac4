"""Synthetic users and conversations in any number, for load tests and pictures: deterministic, and generated lazily.

No run leaves a state of its own. A second run with the same numbers finds out from the table how far the first one
came: a group's messages are written in their order, and its inbox rows after them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid5

from app.cli.changed_messages import with_change
from app.cli.seed.conversations import CONVERSATIONS
from app.messaging.models import Change, ChangeType, Message, direct_group_uuid
from app.users.models import NewUser

NAMESPACE: Final = UUID("a1c8f0f2-7b0e-5a4b-9e55-63a1c6e0d7b4")
EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""The start of all conversations, constant so that a message that is written again is the same."""
BETWEEN_MESSAGES: Final = timedelta(seconds=97)
BETWEEN_GROUPS: Final = timedelta(seconds=11)
UNTIL_CHANGE: Final = timedelta(seconds=10)
CHANGED_EVERY: Final = 50
"""One of so many messages is edited, deleted or reacted to, and the next one is a reply to it."""
FIRST_CHANGED: Final = 6
"""The first number that may be changed. A group begins its series somewhere in the 50 messages from there."""
CHANGES: Final = ChangeType.EDIT, ChangeType.REACT, ChangeType.DELETE, ChangeType.REACT
TEXTS: Final = tuple(line.text for conversation in CONVERSATIONS for line in conversation.lines)


def time_of(group: int, number: int) -> datetime:
    """Return the time of a message of the group with this index."""
    return EPOCH + group * BETWEEN_GROUPS + number * BETWEEN_MESSAGES


@dataclass(frozen=True)
class Group:
    """The conversation of two users, with `size` messages."""

    index: int
    one: UUID
    other: UUID
    size: int

    @cached_property
    def uuid(self) -> UUID:
        return direct_group_uuid(self.one, self.other)

    @property
    def members(self) -> tuple[tuple[UUID, UUID], tuple[UUID, UUID]]:
        """Return each user with the peer."""
        return (self.one, self.other), (self.other, self.one)

    def message(self, number: int) -> Message:
        """Return the message with this number, with its change."""
        sent, change = self.sent(number), self.change(number)
        return with_change(sent, change) if change else sent

    def sent(self, number: int) -> Message:
        """Return the message with this number as it was sent. The users take turns, with two messages each."""
        return Message(
            group_uuid=self.uuid,
            number=number,
            uuid=uuid5(self.uuid, str(number)),
            user_uuid=self._sender(number),
            text=self._text(number),
            created_at=time_of(self.index, number),
            reply_to=number - 1 if self.change(number - 1) else None,
        )

    def change(self, number: int) -> Change | None:
        """Return the change of the message with this number, None if it has none."""
        before, rest = divmod(number - FIRST_CHANGED - self.index * 7 % CHANGED_EVERY, CHANGED_EVERY)
        if rest or before < 0:
            return None
        kind = CHANGES[(self.index + before) % len(CHANGES)]
        user = self._sender(number + 2 if kind is ChangeType.REACT else number)
        more: dict[str, Any] = {"emoji": "👍"} if kind is ChangeType.REACT else {}
        if kind is ChangeType.EDIT:
            more = {"text": self._text(number + 1), "earlier_text": self._text(number), "version": 2}
        uuid, at = uuid5(self.uuid, f"change:{before + 1}"), time_of(self.index, number) + UNTIL_CHANGE
        return Change(self.uuid, before + 1, uuid, user, at, kind, number, **more)

    def last_change(self) -> Change | None:
        """Return the last change of the group, None if it has none."""
        numbers = range(self.size, max(0, self.size - CHANGED_EVERY), -1)
        return next((change for number in numbers if (change := self.change(number))), None)

    def _sender(self, number: int) -> UUID:
        return (self.one, self.other)[number // 2 % 2]

    def _text(self, number: int) -> str:
        return TEXTS[(self.index * 31 + number) % len(TEXTS)]


@dataclass(frozen=True, slots=True)
class SyntheticData:
    """The numbers of users, of groups that they share, and of messages in all groups.

    The groups are spread over the users, or are those of the first user with each of the others.
    """

    users: int
    groups: int
    messages: int
    is_one_inbox: bool = False

    @property
    def most_groups(self) -> int:
        """Return the number of pairs, each of which has at most one group."""
        return self.users * (self.users - 1) // 2

    def new_users(self) -> Iterator[NewUser]:
        """Yield the users."""
        for number in range(self.users):
            handle = f"seed_{number:06d}"
            yield NewUser(user_uuid(number), handle, f"Seed {number}", str(uuid5(NAMESPACE, f"sub:{number}")))

    def conversations(self) -> Iterator[Group]:
        """Yield the groups, with the messages spread evenly over them."""
        for index in range(self.groups):
            distance, one = (index, 0) if self.is_one_inbox else divmod(index, self.users)
            other = (one + distance + 1) % self.users
            size = self.messages // self.groups + (index < self.messages % self.groups)
            yield Group(index, user_uuid(one), user_uuid(other), size)


def user_uuid(number: int) -> UUID:
    return uuid5(NAMESPACE, f"user:{number}")
