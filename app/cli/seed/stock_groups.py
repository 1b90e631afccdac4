"""The groups of several people of a fresh installation: what their system messages make of head, members and rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self
from uuid import UUID, uuid5

from app.cli.changed_messages import at_change, with_change
from app.cli.heads import first_row, told_head
from app.cli.seed.conversations import NAMESPACE, PEOPLE, Conversation, Line
from app.messaging.groups.models import MAX_SYSTEMS, Member, Role, SystemEvent, SystemEventType, new_group_uuid
from app.messaging.groups.stored import Head, copied_head
from app.messaging.inbox_items import mentions
from app.messaging.models import Change, Message, direct_group_uuid
from app.messaging.row_models import InboxRow, MemberState
from app.messaging.store import MessagingStore

UUIDS = {person.handle: person.uuid for person in PEOPLE}


def group_uuid(conversation: Conversation) -> UUID:
    """Return the id of a conversation's group, the same for every seed."""
    if conversation.title is None:
        return direct_group_uuid(*(UUIDS[handle] for handle in conversation.between))
    return new_group_uuid(UUIDS[conversation.lines[0].by], uuid5(NAMESPACE, f"group:{conversation.name}"))


def planned_event(line: Line, uuids: Mapping[str, UUID], title: str | None) -> SystemEvent | None:
    """Return what the message of a line tells, None if it has a text; `title` is the first one of the group."""
    if line.event is None:
        return None
    type_, value = SystemEventType(line.event[0]), line.event[1]
    if type_ is SystemEventType.RENAMED:
        return SystemEvent(type_, title=value)
    handles = value.split(", ") if value else []
    if type_ is SystemEventType.ROLE:
        return SystemEvent(type_, users=(uuids[handles[0]],), role=Role(handles[1]))
    users = tuple(uuids[handle] for handle in handles)
    return SystemEvent(type_, users=users, title=title if type_ is SystemEventType.CREATED else None)


@dataclass
class _Group:
    """A group, message by message."""

    uuid: UUID
    title: str
    members: dict[UUID, Member] = field(default_factory=dict)
    left: dict[UUID, Message] = field(default_factory=dict)
    systems: list[int] = field(default_factory=list)
    """The numbers of its system messages."""
    shows_history: bool = False

    @classmethod
    def of(cls, messages: Sequence[Message], title: str) -> Self:
        """Return the group after these messages; `title` is its first one."""
        group = cls(messages[0].group_uuid, title)
        for message in messages:
            if message.event:
                group.follow(message, message.event)
        return group

    def follow(self, message: Message, event: SystemEvent) -> None:
        """Take what a system message tells."""
        self.systems.append(message.number)
        self.title = event.title or self.title
        self.shows_history = self.shows_history or event.type is SystemEventType.HISTORY
        match event.type:
            case SystemEventType.CREATED | SystemEventType.ADDED:
                for user in (message.user_uuid, *event.users):
                    role = Role.MEMBER if self.members else Role.OWNER
                    member = Member(self.uuid, user, role, message.created_at, message.user_uuid)
                    self.members.setdefault(user, member)
                    self.left.pop(user, None)
            case SystemEventType.REMOVED | SystemEventType.LEFT:
                for user in event.users or (message.user_uuid,):
                    del self.members[user]
                    self.left[user] = message
            case SystemEventType.ROLE:
                for user in event.users:
                    self.members[user] = replace(self.members[user], role=event.role or Role.MEMBER)

    def head(self, last: Message, change: Change | None, version: int) -> Head:
        """Return the head after the last message and change, of which all rows are told."""
        systems = self.systems[-MAX_SYSTEMS:]
        head = told_head(last, title=self.title, members=len(self.members), systems=systems, version=version)
        head = at_change(replace(head, shows_history=self.shows_history), change)
        return replace(head, told_bucket=head.active_bucket)

    def rows(self, head: Head, conversation: Conversation, stored: Mapping[int, Message]) -> list[InboxRow]:
        """Return the rows of members, told what the head says, and of former ones, at the message that tells of it."""
        handles = {uuid: handle for handle, uuid in UUIDS.items()}
        rows = []
        for user, member in self.members.items():
            read = conversation.read_through[handles[user]]
            mentioned = frozenset(number for number, each in stored.items() if number > read and mentions(each, user))
            row = replace(first_row(head, stored[1], user), role=member.role, read_number=read, mentioned=mentioned)
            rows.append(head.told(replace(row, is_open=False)))
        former = (first_row(head, message, user) for user, message in self.left.items())
        return rows + [replace(row, state=MemberState.LEFT, is_open=False, role=Role.MEMBER) for row in former]


async def write_items(
    store: MessagingStore, conversation: Conversation, messages: Sequence[Message], changes: Sequence[Change]
) -> None:
    """Write the members and rows of a group, and at last its head, as far as they are not there."""
    group = _Group.of(messages, conversation.title or "")
    stored = {message.number: message for message in messages}
    for change in changes:
        stored[change.message_number] = with_change(stored[change.message_number], change)
    head = group.head(stored[len(messages)], changes[-1] if changes else None, len(messages) + len(changes))
    rows = group.rows(head, conversation, stored)
    await store.heads.prepare(list(group.members.values()), rows)
    await store.heads.transact([copied_head(head)])
