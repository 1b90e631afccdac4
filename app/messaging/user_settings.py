"""Settings of users. Receipts that they withhold are left out of lists, of what is published, and of streams."""

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

from pydantic import TypeAdapter

from app.cache import Caches, CacheSpec, Codec
from app.concurrency import READ_SECONDS, deadline
from app.errors import Unavailable
from app.messaging.events import MarkerMoved
from app.messaging.settings_items import Setting, UserSettings
from app.messaging.settings_store import SettingsStore
from app.publish import Publish

TTL = 30.0
"""The longest time in seconds that a change of settings takes to reach a process that receives no invalidations."""
_adapter = TypeAdapter(UserSettings)


class UserSettingsService:
    """Settings of users, cached. Any method but those of `withheld_from` may raise Unavailable.

    With Valkey processes share the cached values, so a change counts in all of them when it is answered; processes
    that share none follow within TTL.
    """

    def __init__(self, store: SettingsStore, caches: Caches) -> None:
        self._store = store
        codec = Codec(_adapter.dump_json, _adapter.validate_json)
        self._settings = caches.add(CacheSpec("settings", self._load, UUID, ttl=TTL, codec=codec))

    async def of(self, user: UUID) -> UserSettings:
        """Return a user's settings. 1 RCU unless they are cached."""
        return (await self._settings.get_many([user]))[user]

    async def change(self, user: UUID, changes: Mapping[str, Setting]) -> UserSettings:
        """Give some settings new values, and return all. 1 WCU; without changes what `of` costs."""
        if not changes:
            return await self.of(user)
        try:
            async with deadline(READ_SECONDS):
                return await self._store.change(user, changes)
        finally:
            await self._settings.invalidate(user)  # after a failure, too, the change may be stored

    async def sharing_receipts(self, user: UUID, others: Collection[UUID]) -> set[UUID]:
        """Return those of the others whose markers the user gets, which get the user's. 1 RCU for each not cached."""
        found = await self._settings.get_many({user, *others})
        return {other for other in others if found[other].receipts} if found[user].receipts else set()

    async def shows(self, event: MarkerMoved) -> bool:
        """Return whether the receiver of a marker may have it: its own one always."""
        return event.to == event.user_uuid or bool(await self.sharing_receipts(event.to, [event.user_uuid]))

    def withheld_from(self, publish: Publish) -> Publish:
        """Return a Publish that hands on all events but the markers that their receivers may not have.

        A marker is withheld, too, while settings cannot be read: it has moved, and a list of markers will have it.
        """

        async def publish_shown(*events: object) -> None:
            await publish(*[event for event in events if await self._may_publish(event)])

        return publish_shown

    async def _may_publish(self, event: object) -> bool:
        try:
            return not isinstance(event, MarkerMoved) or await self.shows(event)
        except Unavailable:
            return False

    async def _load(self, users: Collection[UUID]) -> dict[UUID, UserSettings]:
        async with deadline(READ_SECONDS):
            found = await asyncio.gather(*map(self._store.settings, users))
        return dict(zip(users, found, strict=True))
