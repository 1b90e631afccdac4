"""PeerPresence: the presence of a user's peers, as the user may see it."""

from contextlib import suppress
from uuid import UUID

from app.gateways.valkey import ValkeyUnavailable
from app.http.types import PAGE
from app.messaging.catchup import Catchup
from app.messaging.settings.service import UserSettingsService
from app.realtime.presence.fan_out import visible_peers
from app.realtime.presence.register import Register, Seen


class PeerPresence:
    """Reads the presence of peers."""

    def __init__(self, register: Register, catchup: Catchup, settings: UserSettingsService) -> None:
        self._register = register
        self._catchup = catchup
        self._settings = settings

    async def of(self, user: UUID) -> dict[UUID, Seen]:
        """Return the presence of the peers that share it with a user, of 100 at most, newest activity first.

        Of a large inbox those of the newest 20 groups. None while Valkey is not available. May raise Unavailable. 1 RCU
        for each 13 rows, 10.5 for a large inbox, and 1 for the setting of each peer with a record that is not cached.
        """
        if not (await self._settings.of(user)).presence:
            return {}
        rows = (await self._catchup.newest(user, consistent=True)).rows
        peers = visible_peers(rows)
        seen: dict[UUID, Seen] = {}
        with suppress(ValkeyUnavailable):
            seen = await self._register.seen(peers[:PAGE])
        shared = await self._settings.sharing_presence(user, seen)
        return {peer: state for peer, state in seen.items() if peer in shared}
