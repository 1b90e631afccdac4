"""The defects that verify finds."""

from dataclasses import dataclass
from uuid import UUID

from app.gateways.dynamodb import StoredItem
from app.messaging import inbox_items
from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect. `user` is the owner of the inbox row, for a defect of a row."""

    kind: str
    detail: str
    group: UUID | None = None
    user: UUID | None = None
    repaired: bool = False

    def __str__(self) -> str:
        place = (f" group {self.group}" if self.group else "") + (f" user {self.user}" if self.user else "")
        return f"{self.kind}:{place}: {self.detail}{' (repaired)' if self.repaired else ''}"


def row_defect(
    item: StoredItem | None, last: Message, change: Change | None, mentioned: frozenset[int], *, has_ended: bool
) -> tuple[str, str]:
    """Return the kind of the row's defect and its detail, both empty if there is none.

    The preview of a last message that has ended may be left or not: no read shows it, and a purge removes it.
    """
    if item is None:
        return "row-missing", f"no inbox row, and {last.number} messages"
    row = inbox_items.to_inbox_row(item)
    ends = ("message", row.last_number, last.number), ("change", row.change_number, change.number if change else 0)
    for name, at, end in ends:
        if at != end:
            kind = "row-behind" if at < end else "row-ahead"
            return kind, f"the row is at {name} {at}, the log ends at {end}"
    wanted = inbox_items.message_projection(last, row)
    has = inbox_items.row_projection(item) | ({"preview": wanted["preview"]} if has_ended else {})
    if differs := [name for name, value in has.items() if value != wanted[name]]:
        return "row-differs", f"the row has not message {last.number}'s {' and '.join(differs)}"
    if change and row.changed_at != change.created_at:
        return "row-differs", f"the row has not change {change.number}'s time"
    if (marker := max(row.delivered_number, row.cleared_number)) > row.last_number:
        return "read-beyond", f"read, received or cleared up to {marker}, and the log ends at {last.number}"
    return mention_defect(row, mentioned, is_cut=inbox_items.has_lost_mentions(item))


def mention_defect(row: InboxRow, mentioned: frozenset[int], *, is_cut: bool) -> tuple[str, str]:
    """Return the defect of the unread mentions that a row counts; older ones may be missing in one that is cut."""
    counted = frozenset(row.unread_mentions)
    if not counted <= mentioned or (counted < mentioned and not is_cut):
        return "row-differs", f"the row counts {len(counted)} unread mentions, the log has {len(mentioned)}"
    return "", ""
