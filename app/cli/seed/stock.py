"""Writes the stock conversations of app/cli/seed/conversations.py into an empty installation."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.cli.seed.conversations import CONVERSATIONS, PEOPLE, Conversation, Person, timeline
from app.gateways.dynamodb import open_table
from app.gateways.postgres import open_postgres
from app.messaging.models import Message, direct_group_uuid
from app.messaging.store import GroupStarted, MarkerNotMoved, MessagingStore, NumberTaken
from app.settings import Settings
from app.users.models import NewUser
from app.users.store import UserStore

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class SeedReport:
    """The numbers of what is there after a seed."""

    people: int
    groups: int
    messages: int

    def __str__(self) -> str:
        return f"{self.people} people, {self.groups} conversations, {self.messages} messages"


async def seed_if_empty(settings: Settings) -> SeedReport | None:
    """Write the stock conversations, or return None if there are users already, and their groups.

    They are written again when the table has lost those of the stock users, as a stand-in for DynamoDB does in a crash.
    """
    async with open_postgres(settings) as postgres, open_table(settings) as table:
        users, store = UserStore(postgres), MessagingStore(table)
        is_there = not await users.is_empty() and not await _has_lost_groups(users, store)
        return None if is_there else await seed(users, store)


async def _has_lost_groups(users: UserStore, store: MessagingStore) -> bool:
    """Return whether there are stock users, and none of them has a group."""
    found = await users.by_uuids([person.uuid for person in PEOPLE])
    return bool(found) and not any([await store.inbox_rows(user.uuid, limit=1) for user in found])


async def seed(users: UserStore, store: MessagingStore) -> SeedReport:
    """Write the people and their conversations, and keep existing items.

    Users come last: an interrupted seed leaves none, and the next start finishes it, as every write before may be
    repeated.
    """
    end = datetime.now(UTC)
    counts = await asyncio.gather(*(_seed_conversation(store, each, end) for each in CONVERSATIONS))
    await users.add_all([NewUser(p.uuid, p.handle, p.display_name, p.cognito_user_id, p.email) for p in PEOPLE])
    return SeedReport(len(PEOPLE), len(counts), sum(counts))


async def _seed_conversation(store: MessagingStore, conversation: Conversation, end: datetime) -> int:
    first, *others = messages = await _at_first_times(store, planned_messages(conversation, end))
    people = _between(conversation)
    (peer,) = (person.uuid for person in people if person.uuid != first.user_uuid)
    with suppress(GroupStarted):
        await store.start_direct_group(first, peer=peer)
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_append(store, message, gate) for message in others))
    for person in people:
        await store.advance_inbox_row(messages[-1], user=person.uuid)
        with suppress(MarkerNotMoved):
            read = conversation.read_through[person.handle]
            await store.move_read_marker(person.uuid, first.group_uuid, read)
    return len(messages)


async def _at_first_times(store: MessagingStore, messages: list[Message]) -> list[Message]:
    """Return the messages at the times of those that an interrupted seed has left, so that none goes back in time."""
    newest = await store.newest_messages(messages[0].group_uuid, limit=1, consistent=True)
    for message in messages:
        if newest and message.uuid == newest[0].uuid:
            shift = newest[0].created_at - message.created_at
            return [replace(each, created_at=each.created_at + shift) for each in messages]
    return messages


async def _append(store: MessagingStore, message: Message, gate: asyncio.Semaphore) -> None:
    async with gate:
        with suppress(NumberTaken):
            await store.append_message(message)


def _between(conversation: Conversation) -> list[Person]:
    return [person for person in PEOPLE if person.handle in conversation.between]


def planned_messages(conversation: Conversation, end: datetime) -> list[Message]:
    """Return the messages of a conversation in a timeline that ends at `end`."""
    uuids = {person.handle: person.uuid for person in _between(conversation)}
    group = direct_group_uuid(*uuids.values())
    return [
        Message(group, number, conversation.message_uuid(number), uuids[line.by], line.text, at)
        for number, (line, at) in enumerate(timeline(conversation, end=end), 1)
    ]


def main() -> None:
    """Seed an empty installation from a container: `python -m app.cli.seed.stock`."""
    report = asyncio.run(seed_if_empty(Settings()))
    print(f"Seeded {report}" if report else "There are users already: nothing to seed")


if __name__ == "__main__":
    main()
