"""Attributes of an inbox row that its user changes, and which nothing in the group's logs decides."""

from dataclasses import dataclass
from uuid import UUID

from app.gateways.dynamodb import Item, Update
from app.messaging.items import inbox_key


@dataclass(frozen=True, slots=True)
class ViewChange:
    """New values in a member's own view of a group; what is None stays as it is."""

    is_marked_unread: bool | None = None

    def attributes(self) -> Item:
        """Return the attributes that the row is to have, None for those that it is not to have."""
        return {"u": self.is_marked_unread or None} if self.is_marked_unread is not None else {}


def change_view(user: UUID, group: UUID, change: ViewChange) -> Update:
    """Return the update that makes a change with an attribute, for an active member.

    It fails for a row that has these attributes already, so that repetitions leave its version.
    """
    wanted = change.attributes()
    values = {f":{name}": value for name, value in wanted.items() if value is not None}
    sets = ["#v = #v + :one", *(f"#{name[1:]} = {name}" for name in values)]
    removes = [f"#{name}" for name, value in wanted.items() if value is None]
    differs = [f"attribute_not_exists(#{name[1:]}) OR #{name[1:]} <> {name}" for name in values]
    differs += [f"attribute_exists({name})" for name in removes]
    return Update(
        inbox_key(user, group),
        f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else ""),
        values | {":one": 1},
        condition=f"attribute_exists(#v) AND attribute_not_exists(#state) AND ({' OR '.join(differs)})",
    )
