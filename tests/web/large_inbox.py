"""Conversations with thousands of users, written straight into the engines."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from app.gateways.dynamodb.operator import open_operated_table
from app.gateways.postgres import open_postgres
from app.messaging import inbox_items, items
from app.messaging.models import Message, direct_group_uuid
from app.settings import Settings
from app.users.models import NewUser
from app.users.store import UserStore
from tests.fixtures.app import Person

FIRST_NAMES = ("Amélie", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Gwen", "Hana", "Iker", "Jun")
LAST_NAMES = ("Okafor", "Lindqvist", "Moreau", "Tanaka", "Haddad", "Novak", "Castillo", "Byrne")


def new_users(count: int) -> list[NewUser]:
    """Return users with handles that no other test has."""
    mark = secrets.token_hex(3)
    names = [
        f"{FIRST_NAMES[n % len(FIRST_NAMES)]} {LAST_NAMES[n // len(FIRST_NAMES) % len(LAST_NAMES)]}"
        for n in range(count)
    ]
    return [NewUser(uuid4(), f"p{mark}_{n:04}", name, f"sub {uuid4()}") for n, name in enumerate(names)]


async def write_inbox(settings: Settings, owner: Person, count: int) -> list[NewUser]:
    """Write groups with one message each, seven minutes apart, and return their other members, the newest first."""
    peers, now = new_users(count), datetime.now(UTC)
    async with open_postgres(settings, statement_seconds=60) as postgres:  # more than the service ever writes at once
        await UserStore(postgres).add_all(peers)
    messages = [
        Message(
            direct_group_uuid(owner.uuid, peer.uuid), 1, uuid4(), peer.uuid, f"Text {n}", now - timedelta(minutes=7 * n)
        )
        for n, peer in enumerate(peers)
    ]
    async with open_operated_table(settings) as table:
        await table.put_all([items.message_item(each) for each in messages])
        await table.put_all(
            [
                inbox_items.inbox_item(inbox_items.first_inbox_row(each, user=user, peer=peer))
                for each, other in zip(messages, peers, strict=True)
                for user, peer in ((owner.uuid, other.uuid), (other.uuid, owner.uuid))
            ]
        )
    return peers
