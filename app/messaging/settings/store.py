"""Users' settings in DynamoDB. Any method may raise Unavailable."""

from collections.abc import Mapping
from uuid import UUID

from app.gateways.dynamodb import Table
from app.messaging.settings import items
from app.messaging.settings.items import Setting, UserSettings


class SettingsStore:
    """Reads and writes the settings of a user, which are one item."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def settings(self, user: UUID) -> UserSettings:
        """Return a user's settings, strongly consistent. 1 RCU."""
        return items.to_settings(await self._table.get(items.settings_key(user), consistent=True))

    async def change(self, user: UUID, changes: Mapping[str, Setting]) -> UserSettings:
        """Give some settings, at least one, new values, and return all. 1 WCU."""
        return items.to_settings(await self._table.update(items.change_settings(user, changes)))
