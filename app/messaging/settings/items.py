"""Spells the keys and attributes of users' settings.

    entity     pk            sk         index
    settings   USR#<user>    SETTINGS   none

An attribute that is absent has its default, as has every attribute of a user without the item.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Literal, TypeAlias
from uuid import UUID

from app.gateways.dynamodb import Key, Put, StoredItem, Update, text_to_uuid, unmarshal_item
from app.messaging.items import ABSENT
from app.messaging.records import record

Senders: TypeAlias = Literal["everyone", "contacts", "nobody"]
"""The users that may start a group with a user. Those that have one with the user already go on."""
Setting: TypeAlias = bool | Senders


@record(frozen=True, slots=True)
class UserSettings:
    """A user's settings for messaging. Each has a default, and an attribute of its name."""

    receipts: bool = True
    """False hides the user's read and delivered markers from others, and theirs from the user."""
    messages_from: Senders = "everyone"
    """Contacts are the users that the user has written to, or whose request the user has accepted."""
    typing: bool = True
    """False hides from others that the user types, and from the user that others do."""
    presence: bool = False
    """True shows to peers that show the same, and are not blocked, whether the user is online."""


def settings_key(user: UUID) -> Key:
    return {"pk": f"USR#{user}", "sk": "SETTINGS"}


def is_settings(item: StoredItem) -> bool:
    """Return whether an item of the whole table is a user's settings."""
    return item["sk"] == {"S": "SETTINGS"}


def settings_owner(item: StoredItem) -> UUID:
    """Return the user whose settings an item stores."""
    return text_to_uuid(item["pk"]["S"].removeprefix("USR#"))


def copied_settings(user: UUID, settings: UserSettings) -> Put:
    """Return the put of settings from another table; it fails if the user has some."""
    return Put({**settings_key(user), **asdict(settings)}, condition=ABSENT)


def change_settings(user: UUID, changes: Mapping[str, Setting]) -> Update:
    """Return the update that gives settings new values, by the names of their fields; at least one."""
    sets = ", ".join(f"#{name} = :{name}" for name in changes)
    return Update(settings_key(user), f"SET {sets}", {f":{name}": value for name, value in changes.items()})


def to_settings(item: StoredItem | None) -> UserSettings:
    """Return the settings of a user, None if the user has no item."""
    stored = unmarshal_item(item) if item else {}
    return UserSettings(**{each.name: stored[each.name] for each in fields(UserSettings) if each.name in stored})
