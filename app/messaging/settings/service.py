"""Settings of users. What they withhold is left out of lists, of what is published, and of streams."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias, TypeGuard
from uuid import UUID

from pydantic import TypeAdapter

from app.cache import Caches, CacheSpec, Codec
from app.concurrency import READ_SECONDS, deadline
from app.concurrency.publish import Publish, discard_events
from app.errors import Unavailable
from app.messaging.events import MarkerMoved, TypingChanged
from app.messaging.settings.events import PresenceShared
from app.messaging.settings.items import Setting, UserSettings
from app.messaging.settings.store import SettingsStore

TTL = 30.0
"""The longest time in seconds that a change of settings takes to reach a process that receives no invalidations."""
_adapter = TypeAdapter(UserSettings)
Withheld: TypeAlias = MarkerMoved | TypingChanged
"""The events that a setting of either user may withhold."""


class UserSettingsService:
    """Settings of users, cached. Any method but those of `withheld_from` may raise Unavailable.

    With Valkey processes share the cached values, so a change counts in all of them when it is answered; processes
    that share none follow within TTL.
    """

    def __init__(self, store: SettingsStore, caches: Caches, publish: Publish = discard_events) -> None:
        """Publish PresenceShared for each new value."""
        self._store = store
        self._publish = publish
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
                settings = await self._store.change(user, changes)
        finally:
            await self._settings.invalidate(user)  # after a failure, too, the change may be stored
        if "presence" in changes:
            await self._publish(PresenceShared(user, settings.presence))
        return settings

    async def sharing_receipts(self, user: UUID, others: Collection[UUID]) -> set[UUID]:
        """Return those of the others whose markers the user gets, which get the user's. 1 RCU for each not cached."""
        return await self._sharing(user, others, lambda settings: settings.receipts)

    async def sharing_presence(self, user: UUID, others: Collection[UUID]) -> set[UUID]:
        """Return those of the others that share presence, if the user does. 1 RCU for each not cached."""
        return await self._sharing(user, others, lambda settings: settings.presence)

    async def _sharing(self, user: UUID, others: Collection[UUID], shares: Callable[[UserSettings], bool]) -> set[UUID]:
        """Return those of the others that share something, if the user does."""
        found = await self._settings.get_many({user, *others})
        return {other for other in others if shares(found[other])} if shares(found[user]) else set()

    async def shows(self, event: Withheld) -> bool:
        """Return whether the receiver of an event may have it: one about the receiver always."""
        return bool(await self._shown([event]))

    def withheld_from(self, publish: Publish) -> Publish:
        """Return a Publish that hands on all events but those that their receivers may not have.

        They are withheld, too, while settings cannot be read: a list of markers will have the one that has moved.
        """

        async def publish_shown(*events: object) -> None:
            try:
                shown = await self._shown(events)
            except Unavailable:
                shown = [event for event in events if not _is_withheld(event)]
            await publish(*shown)

        return publish_shown

    async def _shown(self, events: Sequence[object]) -> list[object]:
        """Return those of these events that their receivers may have, after one read of all settings that decide."""
        decided = [event for event in events if _is_withheld(event)]
        found = await self._settings.get_many({user for event in decided for user in (event.to, event.user_uuid)})
        return [
            event
            for event in events
            if not _is_withheld(event) or (_shares(found[event.to], event) and _shares(found[event.user_uuid], event))
        ]

    async def _load(self, users: Collection[UUID]) -> dict[UUID, UserSettings]:
        async with deadline(READ_SECONDS):
            found = await asyncio.gather(*map(self._store.settings, users))
        return dict(zip(users, found, strict=True))


def _is_withheld(event: object) -> TypeGuard[Withheld]:
    """Return whether settings decide on an event: on none about its receiver."""
    return isinstance(event, MarkerMoved | TypingChanged) and event.to != event.user_uuid


def _shares(settings: UserSettings, event: Withheld) -> bool:
    return settings.receipts if isinstance(event, MarkerMoved) else settings.typing
