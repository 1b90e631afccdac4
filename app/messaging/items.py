"""Spells the keys of the single table's items, and the attributes of messages.

Those of inbox rows are in `inbox_items`, those of changes in `change_items`.

    entity     pk            sk              index inbox-by-activity (inbox, activity_bucket)
    message    MSG#<group>   N#<number>      none
    inbox row  USR#<user>    GRP#<group>     IN#<user>, last_at in units of 10 minutes;
                                             REQUEST#<user> in the requests, ARCHIVE#<user> in the archive
    head       GRP#<group>   META            BUMP, those 10 minutes, while members' rows are to be told of them
    member     GRP#<group>   USR#<user>      none
    block      USR#<user>    BLOCK#<other>   none

Attribute names are short and uuids are 16 bytes, because every read and write is paid by size: a message of 100
characters takes 208 bytes, an inbox row about 300.

    message    id uuid · by sender · at ms · text (absent if it expires) · kind (absent: text) · re number replied to ·
               mentions users · expires_in seconds · hidden users · event of a system message · ended ms
    changed    k number of the last change · edited, deleted ms · version (absent: 1) · edits numbers of changes ·
               r_<code points of an emoji> users

`GRP#` and `MSG#` differ on purpose: a hot log and a hot inbox do not share one partition's write units.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.gateways.dynamodb import (
    Check,
    Delete,
    Item,
    Key,
    Put,
    Query,
    StoredItem,
    Update,
    Write,
    text_to_uuid,
    to_bytes,
    to_known_uuid,
)
from app.messaging.groups.models import HEAD, Role, SystemEvent, SystemEventType
from app.messaging.models import LAST_NUMBER, Message, MessageKind
from app.messaging.row_models import Folder

ABSENT = "attribute_not_exists(#pk)"
NEXT_VERSION = "#v = #v + :one"
REACTION = "r_"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FOLDERS = {Folder.INBOX: "IN", Folder.REQUESTS: "REQUEST", Folder.ARCHIVE: "ARCHIVE"}


def message_key(group: UUID, number: int) -> Key:
    return {"pk": f"MSG#{group}", "sk": f"N#{number:012d}"}


def inbox_key(user: UUID, group: UUID) -> Key:
    """Return the key of a member's row, or of the head."""
    return {"pk": f"USR#{user}", "sk": f"GRP#{group}"} if user != HEAD else {"pk": f"GRP#{group}", "sk": "META"}


def index_key(user: UUID, folder: Folder) -> str:
    """Return the key in the index of a user's rows in a folder."""
    return f"{_FOLDERS[folder]}#{user}"


def block_key(user: UUID, other: UUID) -> Key:
    return {"pk": f"USR#{user}", "sk": f"BLOCK#{other}"}


def probe() -> Key:
    """Return the key of an item that there is not."""
    return {"pk": "PROBE", "sk": f"PROBE#{uuid4()}"}


def probe_writes() -> list[Write]:
    """Return each kind of write, with a condition that fails."""
    exists = "attribute_exists(#pk)"
    update = Update(probe(), "SET #v = :v", {":v": 0}, exists)
    return [Put({**probe()}, exists), update, Delete(probe(), exists), Check(probe(), exists)]


def new_message(message: Message) -> Put:
    """Return the put that commits a send: it fails if the number is taken."""
    return Put(message_item(message), condition=ABSENT)


def message_item(message: Message) -> Item:
    """Return a message, with its changes, as the table stores it."""
    item: Item = {
        **message_key(message.group_uuid, message.number),
        "id": message.uuid,
        "by": message.user_uuid,
        "at": to_ms(message.created_at),
    }
    if message.expires_in is not None:
        item["expires_in"] = message.expires_in
    elif message.text or not (message.deleted_at or message.ended_at):
        item["text"] = message.text
    if message.hidden_by:
        item["hidden"] = message.hidden_by
    if message.kind != MessageKind.TEXT:
        item["kind"] = str(message.kind)
    if message.reply_to is not None:
        item["re"] = message.reply_to
    if message.mentions:
        item["mentions"] = message.mentions
    if message.event:
        item["event"] = event_value(message.event)
    item |= times(ended=message.ended_at)
    return item | changed_attributes(message) if message.change_number else item


def is_fence(item: StoredItem) -> bool:
    """Return whether an item takes the next number of a log, so that no message is appended."""
    return "fence" in item


def to_messages(found: Iterable[StoredItem]) -> list[Message]:
    """Return the messages that these items of a log store."""
    return [to_message(item) for item in found if not is_fence(item)]


def to_message(item: StoredItem) -> Message:
    """Return the message that an item stores: of one that expires all but the text. Most have what is sent only."""
    sent = (
        text_to_uuid(item["pk"]["S"][4:]),
        int(item["sk"]["S"][2:]),
        UUID(bytes=to_bytes(item["id"]["B"])),
        to_known_uuid(item["by"]["B"]),
        item["text"]["S"] if "text" in item else "",
        from_ms(int(item["at"]["N"])),
    )
    if len(item) == len(sent) and "text" in item:
        return Message(*sent)
    return Message(
        *sent,
        kind=MessageKind(item["kind"]["S"]) if "kind" in item else MessageKind.TEXT,
        reply_to=int(item["re"]["N"]) if "re" in item else None,
        mentions=to_mentions(item),
        expires_in=int(item["expires_in"]["N"]) if "expires_in" in item else None,
        hidden_by=_users(item["hidden"]) if "hidden" in item else frozenset(),
        event=to_event(item["event"]["M"]) if "event" in item else None,
        ended_at=time_or_none(item, "ended"),
        **(changed_fields(item) if "k" in item else {}),
    )


def event_value(event: SystemEvent) -> dict[str, Any]:
    """Return what a system message tells, as the table stores it."""
    value: dict[str, Any] = {"type": str(event.type), "users": list(event.users)}
    return value | {name: str(each) for name, each in (("title", event.title), ("role", event.role)) if each}


def to_event(value: Mapping[str, Any]) -> SystemEvent:
    """Return what a system message tells."""
    return SystemEvent(
        SystemEventType(value["type"]["S"]),
        tuple(to_known_uuid(user["B"]) for user in value["users"]["L"]),
        value["title"]["S"] if "title" in value else None,
        Role(value["role"]["S"]) if "role" in value else None,
    )


def to_mentions(item: StoredItem) -> frozenset[UUID]:
    """Return the users that a message or an edit mentions."""
    return frozenset(map(to_known_uuid, item["mentions"]["BS"])) if "mentions" in item else frozenset()


def changed_attributes(message: Message) -> Item:
    """Return the attributes that changes have set in a message's item."""
    item: Item = {"k": message.change_number} | times(edited=message.edited_at, deleted=message.deleted_at)
    if message.version > 1:
        item["version"] = message.version
    if message.edits:
        item["edits"] = list(message.edits)
    return item | {reaction_name(emoji): users for emoji, users in message.reactions.items()}


def changed_fields(item: StoredItem) -> dict[str, Any]:
    """Return what changes have set in a message, by the names of its fields."""
    return {
        "edited_at": time_or_none(item, "edited"),
        "deleted_at": time_or_none(item, "deleted"),
        "version": int(item["version"]["N"]) if "version" in item else 1,
        "change_number": int(item["k"]["N"]),
        "edits": tuple(int(number["N"]) for number in item["edits"]["L"]) if "edits" in item else (),
        "reactions": {to_emoji(name): _users(value) for name, value in item.items() if name.startswith(REACTION)},
    }


def _users(value: Mapping[str, Any]) -> frozenset[UUID]:
    return frozenset(to_known_uuid(user) for user in value["BS"])


def reaction_name(emoji: str) -> str:
    """Return the name of the attribute with the set of users that have reacted with an emoji: r_1f44d for 👍."""
    return REACTION + "_".join(f"{ord(character):x}" for character in emoji)


def to_emoji(name: str) -> str:
    """Return the emoji of a name that `reaction_name` has made."""
    return "".join(chr(int(point, 16)) for point in name.removeprefix(REACTION).split("_"))


def messages_between(group: UUID, first: int, last: int, *, consistent: bool, uuid: UUID | None = None) -> Query:
    """Return the query for the messages `first`..`last`, both included; with a uuid, for the one that has it."""
    keys: dict[str, Any] = {":pk": f"MSG#{group}", ":first": f"N#{first:012d}", ":last": f"N#{last:012d}"}
    condition = "#pk = :pk AND #sk BETWEEN :first AND :last"
    if uuid is None:
        return Query(condition, keys, consistent=consistent)
    return Query(condition, keys | {":id": uuid}, consistent=consistent, filter="#id = :id")


def newest_messages(group: UUID, *, limit: int, after: int = 0, consistent: bool) -> Query:
    """Return the query for the last messages of a group after a number, newest first."""
    keys = {":pk": f"MSG#{group}", ":first": f"N#{after + 1:012d}", ":last": f"N#{LAST_NUMBER}"}
    condition = "#pk = :pk AND #sk BETWEEN :first AND :last"
    return Query(condition, keys, limit=limit, descending=True, consistent=consistent)


def not_blocked_by(user: UUID, other: UUID) -> Check:
    """Return the check, for a transaction, that `user` has not blocked `other`."""
    return Check(block_key(user, other), ABSENT)


def to_ms(at: datetime) -> int:
    """Return the milliseconds since 1970, exact."""
    return (at - _EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """Return the UTC time of these milliseconds since 1970."""
    return _EPOCH + ms * _MILLISECOND


def time_or_none(item: StoredItem, name: str) -> datetime | None:
    """Return the time that an attribute holds."""
    return from_ms(int(item[name]["N"])) if name in item else None


def assign(wanted: Item, gone: Iterable[str] = (), *, first: Iterable[str] = ()) -> tuple[str, Item]:
    """Return the expression that gives an item the wanted attributes and removes those that are gone, and its values.

    `first` is what it sets by expressions, as NEXT_VERSION, whose values are the caller's.
    """
    sets = ", ".join([*first, *(f"#{name} = :{name}" for name in wanted)])
    removes = ", ".join(f"#{name}" for name in sorted(gone))
    expression = " ".join(f"{verb} {names}" for verb, names in (("SET", sets), ("REMOVE", removes)) if names)
    return expression, {f":{name}": value for name, value in wanted.items()}


def times(**given: datetime | None) -> Item:
    """Return the attributes of those times that are given."""
    return {name: to_ms(at) for name, at in given.items() if at is not None}
