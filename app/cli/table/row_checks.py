"""The checks of a row of a direct group against the ends of its logs."""

from dataclasses import dataclass

from app.cli.table.findings import differences, mention_defect
from app.gateways.dynamodb import StoredItem
from app.messaging import inbox_items
from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow


@dataclass(frozen=True, slots=True)
class RowState:
    """An inbox row and the ends of its logs, read one after the other: a row that is ahead of them is wrong."""

    item: StoredItem | None
    row: InboxRow | None
    """The row that the item stores."""
    last: Message
    change: Change | None
    mentions: frozenset[int] = frozenset()
    """The numbers of the unread messages of the log that mention the user."""
    has_ended: bool = False
    """The last message has ended."""

    def defect(self) -> tuple[str, str]:
        """Return the kind of the row's defect and its detail, both empty if there is none."""
        if self.item is None or self.row is None:
            return "row-missing", f"no inbox row, and {self.last.number} messages"
        row, last, change = self.row, self.last, self.change
        change_end = change.number if change else 0
        for name, at, end in (("message", row.last_number, last.number), ("change", row.change_number, change_end)):
            if at != end:
                return "row-behind" if at < end else "row-ahead", f"the row is at {name} {at}, the log ends at {end}"
        has, wanted = inbox_items.row_projection(self.item), inbox_items.message_projection(last, row)
        if differs := differences(has, wanted, has_ended=self.has_ended):
            return "row-differs", f"the row has not message {last.number}'s {' and '.join(differs)}"
        if change and row.changed_at != change.created_at:
            return "row-differs", f"the row has not change {change.number}'s time"
        if (marker := max(row.delivered_number, row.cleared_number)) > row.last_number:
            return "read-beyond", f"read, received or cleared up to {marker}, and the log ends at {last.number}"
        return mention_defect(row, self.mentions, is_cut=inbox_items.has_lost_mentions(self.item))
