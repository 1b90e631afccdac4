"""Spells members of groups of several, and the writes of their rows that no head decides.

member   GRP#<group>   USR#<user>   role · at ms · added_by user
"""

from collections.abc import Iterable
from uuid import UUID

from app.gateways.dynamodb import Check, Delete, Item, Key, Put, Query, StoredItem, Update, text_to_uuid, to_known_uuid
from app.messaging.groups.models import MANAGERS, Member, Role
from app.messaging.inbox_items import inbox_item
from app.messaging.items import ABSENT, NEXT_VERSION, assign, from_ms, inbox_key, to_ms
from app.messaging.models import Message
from app.messaging.row_models import InboxRow, MemberState


def member_key(group: object, user: object) -> Key:
    return {"pk": f"GRP#{group}", "sk": f"USR#{user}"}


def is_member(item: StoredItem) -> bool:
    """Return whether an item of the whole table is a member."""
    return str(item["pk"]["S"]).startswith("GRP#") and str(item["sk"]["S"]).startswith("USR#")


def mark_sent(message: Message) -> Update:
    """Return the update of a sender's row: the own message is read, and the group marked unread no longer."""
    return Update(
        inbox_key(message.user_uuid, message.group_uuid),
        "SET #read = :number, #v = #v + :one REMOVE #u, #gone",
        {":number": message.number, ":one": 1},
        condition="#read < :number AND attribute_not_exists(#state)",
    )


def add_mention(message: Message, user: object) -> Update:
    """Return the update of the row of a member that a message mentions; it fails once the mention is read or there."""
    return Update(
        {"pk": f"USR#{user}", "sk": f"GRP#{message.group_uuid}"},
        "SET #v = #v + :one ADD #mentioned :numbers",
        {":numbers": frozenset({message.number}), ":number": message.number, ":one": 1},
        condition="#read < :number AND NOT contains(#mentioned, :number) AND attribute_not_exists(#state)",
    )


def drop_mention(message: Message, user: object) -> Update:
    """Return the update of the row of a member that a message mentions no longer; it fails if it has no mention."""
    return Update(
        {"pk": f"USR#{user}", "sk": f"GRP#{message.group_uuid}"},
        "SET #v = #v + :one DELETE #mentioned :numbers",
        {":numbers": frozenset({message.number}), ":number": message.number, ":one": 1},
        condition="contains(#mentioned, :number)",
    )


def new_member(member: Member) -> Put:
    """Return the put of a member; it fails if the user is one."""
    item: Item = {
        **member_key(member.group_uuid, member.user_uuid),
        "role": str(member.role),
        "at": to_ms(member.joined_at),
        "added_by": member.added_by,
    }
    return Put(item, condition=ABSENT)


def to_member(item: StoredItem) -> Member:
    """Return the member that an item stores."""
    return Member(
        text_to_uuid(item["pk"]["S"][4:]),
        text_to_uuid(item["sk"]["S"][4:]),
        Role(item["role"]["S"]),
        from_ms(int(item["at"]["N"])),
        to_known_uuid(item["added_by"]["B"]),
    )


def members(group: object) -> Query:
    """Return the query for all members of a group, strongly consistent."""
    keys = {":pk": f"GRP#{group}", ":members": "USR#"}
    return Query("#pk = :pk AND begins_with(#sk, :members)", keys, consistent=True)


def new_row(row: InboxRow) -> Put:
    """Return the put of a member's row in a group that is being created; it fails if there is one."""
    return Put(inbox_item(row), condition=ABSENT)


_OF_MEMBERSHIP = frozenset(
    {
        "state",
        "u",
        "gone",
        "mentioned",
        "cut",
        "hidden",
        "hides",
        "muted",
        "pinned",
        "d",
        "k",
        "changed",
        "until",
        "folder",
        "cleared",
        "pin",
    }
)
"""The attributes of a row that end with a membership."""


def join_row(row: InboxRow) -> Update:
    """Return the update that makes a user's row, or the row of a former member, that of a new member."""
    wanted = {name: value for name, value in inbox_item(row).items() if name not in {"pk", "sk", "v"}}
    version = "#v = if_not_exists(#v, :none) + :one"
    expression, values = assign(wanted, _OF_MEMBERSHIP - wanted.keys(), first=[version])
    condition = f"{ABSENT} OR attribute_exists(#state)"
    return Update(inbox_key(row.user_uuid, row.group_uuid), expression, values | {":none": 0, ":one": 1}, condition)


def leave_row(user: UUID, group: UUID, head_version: int) -> Update:
    """Return the update of a row whose user is a member no longer: it is not in the index any more.

    It gets the version of the head, that after the change, so that its own is above all that its user has seen.
    """
    return Update(
        inbox_key(user, group),
        "SET #state = :state, #v = #v + :one, #hv = :hv REMOVE #inbox, #open, #pin, #pinned",
        {":state": str(MemberState.LEFT), ":one": 1, ":hv": head_version},
        condition="attribute_exists(#v) AND attribute_not_exists(#state)",
    )


def require_role(group: object, user: object, roles: Iterable[Role] = MANAGERS) -> Check:
    """Return the check that a member has one of these roles."""
    values = {f":role{at}": str(role) for at, role in enumerate(sorted(roles))}
    return Check(member_key(group, user), f"#role IN ({', '.join(values)})", values)


def change_role(group: object, user: object, role: Role, before: Role) -> list[Update]:
    """Return the updates that give a member another role; they fail unless the member has the one of before."""
    given: Item = {":role": str(role), ":before": str(before)}
    row = {"pk": f"USR#{user}", "sk": f"GRP#{group}"}
    is_active = "attribute_exists(#v) AND attribute_not_exists(#state)"
    return [
        Update(member_key(group, user), "SET #role = :role", given, condition="#role = :before"),
        Update(row, f"SET #role = :role, {NEXT_VERSION}", {":role": str(role), ":one": 1}, condition=is_active),
    ]


def end_member(group: object, user: object, roles: Iterable[Role]) -> Delete:
    """Return the deletion of a member that has one of these roles."""
    values = {f":role{at}": str(role) for at, role in enumerate(sorted(roles))}
    return Delete(member_key(group, user), f"#role IN ({', '.join(values)})", values)
