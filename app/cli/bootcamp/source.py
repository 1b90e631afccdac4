"""The items of the boot camp's table, read as what they mean.

    item        pk               sk                     attributes
    group row   GRP#<user>       time of last message   message_group_uuid, message, and the other member's user_uuid,
                                                        user_handle, user_display_name
    message     MSG#<group>      time of creation       message_uuid, message, and the sender's user_uuid, user_handle,
                                                        user_display_name

A pair may have several groups, and a group one row, no row or a row twice. Times are ISO texts, with a zone or without.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Self
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from app.cli.failures import Code, Failure
from app.gateways.dynamodb import StoredItem
from app.messaging.records import record

NAMESPACE: Final = UUID("0b2f3c52-6a0d-5d3e-8f51-2f6b6f6f2c11")
"""The namespace of messages without a usable uuid. With another one they would be brought over twice."""
TOLERANCE: Final = timedelta(minutes=5)
"""A time that is further ahead of this machine's clock is wrong, most likely by a wrong --timezone."""


@record(frozen=True, slots=True)
class OldPerson:
    """A user as an item names it; the names may be missing."""

    uuid: UUID
    handle: str = ""
    name: str = ""


@record(frozen=True, slots=True)
class OldRow:
    """A group row: its owner is a member of the group, and so is `other`, if the row names it."""

    group: str
    owner: UUID
    other: OldPerson | None
    at: datetime

    @classmethod
    def of(cls, item: StoredItem, owner: str, at: datetime) -> Self:
        """Return the row that an item is, or raise Unusable."""
        member, group = _uuid(owner), _text(item, "message_group_uuid")
        if member is None:
            raise Unusable("its key has no user's uuid")
        if not group:
            raise Unusable("has no message_group_uuid")
        return cls(group, member, _person(item), at)


@record(frozen=True, slots=True)
class OldMessage:
    """A message of an old group."""

    group: str
    key: str
    uuid: UUID
    sender: OldPerson
    text: str
    at: datetime

    @classmethod
    def of(cls, item: StoredItem, group: str, key: str, at: datetime) -> Self:
        """Return the message that an item is, or raise Unusable."""
        text, sender = _text(item, "message").replace("\0", ""), _person(item)
        if not text or text.isspace():
            raise Unusable("has no text")
        if sender is None:
            raise Unusable("has no user_uuid")
        uuid = _uuid(_text(item, "message_uuid")) or made_uuid(group, key)
        return cls(group, key, uuid, sender, text, at)


class Unusable(Exception):
    """An item cannot be brought over; the text says why."""


@record(frozen=True, slots=True)
class Zone:
    """The zone of the times that name none; None refuses them."""

    zone: tzinfo | None

    @classmethod
    def of(cls, name: str | None) -> Self:
        """Return the zone of an IANA name or an offset, or raise a Failure."""
        if not name:
            return cls(None)
        try:
            if name[0] in "+-":
                return cls(datetime.strptime(name, "%z").tzinfo)
            return cls(UTC if name.upper() == "UTC" else ZoneInfo(name))
        except (ValueError, OSError, LookupError):
            expected = "give a name such as Europe/Berlin, or an offset such as +01:00."
            raise Failure(f"{name!r} is not a time zone: {expected}", Code.USAGE) from None

    def utc(self, at: datetime) -> datetime:
        """Return the time in UTC, or raise a Failure for a time without a zone that is refused."""
        if at.tzinfo is None and self.zone is None:
            raise Failure(
                f"The table has times without a zone, such as {at.isoformat()}: give --timezone, the zone of the server"
                " that wrote them, such as UTC or Europe/Berlin.",
                Code.USAGE,
            )
        return (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC)


def read_item(item: StoredItem, zone: Zone) -> OldRow | OldMessage:
    """Return the meaning of an item, or raise Unusable."""
    partition, key = item["pk"]["S"], item["sk"]["S"]
    kind, _, name = partition.partition("#")
    if kind == "GRP":
        return OldRow.of(item, name, _time(key, zone))
    if kind == "MSG" and name:
        return OldMessage.of(item, name, key, _time(key, zone))
    raise Unusable("is neither a message nor a group row")


def made_uuid(group: str, key: str) -> UUID:
    """Return the uuid of a message that has none of its own, the same in every run."""
    return uuid5(NAMESPACE, f"{group} {key}")


def _person(item: StoredItem) -> OldPerson | None:
    uuid = _uuid(_text(item, "user_uuid"))
    return OldPerson(uuid, _text(item, "user_handle"), _text(item, "user_display_name")) if uuid else None


def _text(item: StoredItem, name: str) -> str:
    """Return a text, empty if there is none or if the attribute is of another type."""
    text: str = item.get(name, {}).get("S", "")
    return text


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _time(text: str, zone: Zone) -> datetime:
    try:
        at = zone.utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Unusable("its sk is not a time") from None
    if at > datetime.now(UTC) + TOLERANCE:
        raise Unusable("its time is in the future: is --timezone right?")
    if at.timestamp() < 0:
        raise Unusable("its time is before 1970")
    return at
