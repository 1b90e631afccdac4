"""The rules about users: who a token belongs to, registration, search, and names for a page."""

import re
from collections.abc import Iterable
from uuid import UUID

from app.auth.tokens import Claims
from app.deadlines import READ, within
from app.errors import Unavailable
from app.lru import Lru
from app.users.errors import AlreadyRegistered, HandleTaken, UnknownUser, UserNotFound
from app.users.models import NOBODY, Name, User
from app.users.store import UserStore

HANDLE = re.compile(r"[a-z0-9_]{3,30}")
HANDLE_PREFIX = re.compile(r"[a-z0-9_]{0,30}")
REMEMBERED = 100_000
QUICK = 0.5
"""Seconds to wait for names that are remembered anyway."""


class Users:
    """Whose account is whose never changes, so it is remembered; names may, so they are read each time."""

    def __init__(self, store: UserStore) -> None:
        self._store = store
        self._uuids: Lru[str, UUID] = Lru(REMEMBERED)
        self._last_names: Lru[UUID, Name] = Lru(REMEMBERED)

    async def uuid_of(self, claims: Claims) -> UUID:
        """The user that the token's subject is, or UnknownUser."""
        if (known := self._uuids.get(claims.sub)) is not None:
            return known
        return (await self.me(claims)).uuid

    async def me(self, claims: Claims) -> User:
        """The signed-in person's own user, or UnknownUser."""
        async with within(READ):
            user = await self._store.by_cognito_user_id(claims.sub)
        if user is None:
            raise UnknownUser
        self._uuids.put(claims.sub, user.uuid)
        self._last_names.put(user.uuid, Name(user.display_name, user.handle))
        return user

    async def register(self, claims: Claims, *, handle: str, display_name: str) -> User:
        """Give the person a user; the same call again finds the same user."""
        async with within(READ):
            added = await self._store.add(sub=claims.sub, handle=handle, display_name=display_name)
            user = added or await self._store.by_cognito_user_id(claims.sub)
        if user is None:
            raise HandleTaken
        if (user.handle, user.display_name) != (handle, display_name):
            raise AlreadyRegistered
        return user

    async def find_by_handle(self, handle: str) -> User | None:
        """The user with this handle in whatever case, with or without a leading @."""
        folded = _folded(handle)
        if not HANDLE.fullmatch(folded):
            return None
        async with within(READ):
            return await self._store.by_handle(folded)

    async def get_by_handle(self, handle: str) -> User:
        """As find_by_handle, or UserNotFound."""
        user = await self.find_by_handle(handle)
        if user is None:
            raise UserNotFound
        return user

    async def search(self, prefix: str, *, limit: int, after: str = "") -> list[User]:
        """Users whose handles begin so, in the order of their handles."""
        folded = _folded(prefix)
        if not HANDLE_PREFIX.fullmatch(folded):
            return []
        async with within(READ):
            return await self._store.by_handle_prefix(folded, after=after, limit=limit)

    async def names(self, uuids: Iterable[UUID]) -> dict[UUID, Name]:
        """Everybody's current name in one statement; the last known ones while Postgres is away."""
        wanted = set(uuids)
        if not wanted:
            return {}
        try:
            async with within(QUICK if all(self._last_names.get(uuid) for uuid in wanted) else READ):
                found = await self._store.by_uuids(wanted)
        except Unavailable:
            return self._remembered_names(wanted)
        names = {user.uuid: Name(user.display_name, user.handle) for user in found}
        for uuid, name in names.items():
            self._last_names.put(uuid, name)
        return {uuid: names.get(uuid, NOBODY) for uuid in wanted}

    def _remembered_names(self, wanted: set[UUID]) -> dict[UUID, Name]:
        names = {uuid: name for uuid in wanted if (name := self._last_names.get(uuid))}
        if len(names) < len(wanted):
            raise Unavailable("Names cannot be read at the moment")
        return names


def _folded(handle: str) -> str:
    """In lower case and without the @. Of other alphabets' letters some would become ASCII, so they are left alone."""
    name = handle.removeprefix("@")
    return name.lower() if name.isascii() else name
