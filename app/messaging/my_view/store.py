"""Members' own views of groups in DynamoDB. Any method may raise Unavailable."""

from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Table
from app.messaging import inbox_items
from app.messaging.models import InboxRow
from app.messaging.my_view import items
from app.messaging.my_view.items import ViewChange


class ViewStore:
    """Writes what members set in their own rows."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def change(self, user: UUID, group: UUID, change: ViewChange) -> InboxRow | None:
        """Change a member's own view of a group, unless it is so already; return the row, None without one. 1 WCU."""
        try:
            return inbox_items.to_inbox_row(await self._table.update(items.change_view(user, group, change)))
        except ConditionFailed as error:
            return inbox_items.to_inbox_row(error.item) if error.item else None
