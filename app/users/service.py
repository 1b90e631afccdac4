"""Users: the rules of registration and search, the user of a token, and names for a page."""

import re
from collections.abc import Collection, Iterable
from datetime import timedelta
from uuid import UUID

from app.auth.tokens import Claims
from app.cache import Caches, CacheSpec
from app.concurrency import READ_SECONDS, deadline
from app.concurrency.publish import Publish, discard_events
from app.errors import AccountDisabled, AccountErased, UnknownUser
from app.users.errors import AlreadyRegistered, HandleTaken, UserNotFound
from app.users.events import AccountChanged, AnyAccountChanged, UserRenamed
from app.users.models import DELETED_USER, Account, Erasure, Name, Suspension, User, fold_handle
from app.users.name_rules import NameRules
from app.users.store import UserStore

HANDLE = re.compile(r"[a-z0-9_]{3,30}")
HANDLE_PREFIX = re.compile(r"[a-z0-9_]{0,30}")


class Users:
    """Accounts and names. Both are cached: they are read often and change seldom."""

    def __init__(
        self, store: UserStore, caches: Caches, publish: Publish = discard_events, rules: NameRules | None = None
    ) -> None:
        """Publish UserRenamed for each new display name."""
        self._store = store
        self._rules = rules or NameRules()
        self._publish = publish
        # An operator may move users to other accounts; the user of a handle never changes.
        self._accounts = caches.add(CacheSpec("subject", self._load_accounts, str, ttl=300, stale_if_error=True))
        self._names = caches.add(CacheSpec("profile", self._load_names, UUID, ttl=60, stale_if_error=True))
        self._handles = caches.add(CacheSpec("handle", self._load_handle, str, ttl=60, stale_if_error=True))

    async def uuid_of(self, claims: Claims) -> UUID:
        """Return the uuid of the user of the token's subject. Raises UnknownUser, AccountDisabled and AccountErased."""
        account = await self._accounts.get(claims.sub)
        if account is None:
            raise UnknownUser
        if account.user_uuid is None:
            raise AccountErased
        _require_enabled(account.suspension)
        return account.user_uuid

    async def _load_accounts(self, subs: Collection[str]) -> dict[str, Account]:
        async with deadline(READ_SECONDS):
            users = [await self._store.by_cognito_user_id(sub) for sub in subs]
            found = {user.cognito_user_id: Account(user.uuid, user.suspension) for user in users if user}
            missing = [sub for sub in subs if sub not in found]
            erased = await self._store.erasures.erased_subjects(missing) if missing else ()
        return found | dict.fromkeys(erased, Account(None))

    async def discard_accounts(self, *events: AccountChanged | AnyAccountChanged) -> None:
        """Read accounts that have changed anew before they may do anything, also while Postgres is down.

        Their names and handles, too, as their users may be erased.
        """
        for event in events:
            if isinstance(event, AnyAccountChanged):
                self._accounts.discard_all_local()
                self._names.discard_all_local()
            else:
                self._accounts.discard_local(event.subjects)
                self._names.discard_local([event.user_uuid])
            self._handles.discard_all_local()

    async def erase(self, user: User, *, handle_hold: timedelta, removes_messages: bool) -> Erasure:
        """Delete a user's row and hold the handle for this time; what else is left of the user is erased later.

        Raises AccountErased if the user is not there any more. The next reads of names, in any process, find none.
        """
        try:
            async with deadline(READ_SECONDS):
                erasure = await self._store.erasures.erase(
                    user.uuid, handle_hold=handle_hold, removes_messages=removes_messages
                )
        finally:
            await self._accounts.invalidate(user.cognito_user_id)
            await self._names.invalidate(user.uuid)
            await self._handles.invalidate(user.handle)
        if erasure is None:
            raise AccountErased
        await self.discard_accounts(AccountChanged(user.uuid, (user.cognito_user_id,)))
        return erasure

    async def me(self, claims: Claims) -> User:
        """Return the caller's user. Raises UnknownUser, AccountDisabled and AccountErased."""
        async with deadline(READ_SECONDS):
            user = await self._of_subject(claims.sub)
        if user is None:
            raise UnknownUser
        return user

    async def _of_subject(self, sub: str) -> User | None:
        """Return the user of a subject, None if it has never had one. Raises AccountDisabled and AccountErased."""
        user = await self._store.by_cognito_user_id(sub)
        if user is None and await self._store.erasures.erased_subjects([sub]):
            raise AccountErased
        if user:
            _require_enabled(user.suspension)
        return user

    async def register(self, claims: Claims, *, handle: str, display_name: str) -> User:
        """Return the caller's user after creating it if necessary.

        Raises HandleTaken, AlreadyRegistered, AccountDisabled, AccountErased, and what NameRules.refusal returns.
        """
        refusal = self._rules.refusal(handle=handle, display_name=display_name)
        try:
            async with deadline(READ_SECONDS):
                user = None
                if refusal is None:
                    user = await self._store.add(sub=claims.sub, handle=handle, display_name=display_name)
                user = user or await self._of_subject(claims.sub)
        finally:
            await self._accounts.invalidate(claims.sub)  # after a failure, too, the user may exist now
        if user is None:
            raise refusal or HandleTaken
        if (user.handle, user.display_name) != (handle, display_name):
            raise AlreadyRegistered
        return user

    async def update(
        self,
        claims: Claims,
        *,
        display_name: str | None = None,
        about: str | None = None,
        is_discoverable: bool | None = None,
    ) -> User:
        """Return the caller's user with these new values; what is None stays as it is.

        Raises UnknownUser, AccountDisabled, NameReserved and NameMisleading.
        """
        uuid = await self.uuid_of(claims)
        refusal = self._rules.refusal(display_name=display_name) if display_name is not None else None
        if refusal:
            raise refusal
        try:
            async with deadline(READ_SECONDS):
                user = await self._store.update(
                    uuid, display_name=display_name, about=about, is_discoverable=is_discoverable
                )
        finally:
            if display_name is not None:
                await self._names.invalidate(uuid)
        if user is None:
            raise UnknownUser
        if display_name is not None:
            await self._publish(UserRenamed(user))
        return user

    async def find_by_handle(self, handle: str) -> User | None:
        """Return the user with this handle, or None. Case and a leading @ do not matter."""
        folded = fold_handle(handle.removeprefix("@"))
        if not HANDLE.fullmatch(folded):
            return None
        async with deadline(READ_SECONDS):
            return await self._store.by_handle(folded)

    async def get_by_handle(self, handle: str) -> User:
        """Return the user with this handle. Raises UserNotFound."""
        user = await self.find_by_handle(handle)
        if user is None:
            raise UserNotFound
        return user

    async def uuid_of_handle(self, handle: str) -> UUID:
        """Return the uuid of the user with this handle, which never changes. Raises UserNotFound."""
        folded = fold_handle(handle.removeprefix("@"))
        uuid = await self._handles.get(folded) if HANDLE.fullmatch(folded) else None
        if uuid is None:
            raise UserNotFound
        return uuid

    async def _load_handle(self, handles: Collection[str]) -> dict[str, UUID]:
        """Raise UserNotFound for a handle without a user: that must not be cached, as it may be registered now."""
        return {handle: (await self.get_by_handle(handle)).uuid for handle in handles}

    async def search(self, text: str, *, limit: int, after: str = "", with_hidden: bool = False) -> list[User]:
        """Return the users whose handle or name begins with the text, or a word of the name, from `after` on.

        With @ only handles count. Sorted by what begins with the text, with @ and without a text by handle. Users that
        are not discoverable are found with @ by their whole handle; `with_hidden` by its beginning, too.
        """
        if "\0" in text:
            return []  # Postgres has no texts with it
        async with deadline(READ_SECONDS):
            if text and not text.startswith("@"):
                return await self._store.search.by_key(text, after=after, limit=limit)
            folded = fold_handle(text.removeprefix("@"))
            if not HANDLE_PREFIX.fullmatch(folded):
                return []
            return await self._store.search.by_handle_prefix(folded, after=after, limit=limit, with_hidden=with_hidden)

    async def names(self, uuids: Iterable[UUID]) -> dict[UUID, Name]:
        """Return the names of all these users; while Postgres is down, the last known names."""
        wanted = list(uuids)
        found = await self._names.get_many(wanted)
        if len(found) < len(wanted):  # they may also name a user twice
            found = dict.fromkeys(wanted, DELETED_USER) | found
        return found

    async def _load_names(self, uuids: Collection[UUID]) -> dict[UUID, Name]:
        async with deadline(READ_SECONDS):
            users = await self._store.by_uuids(uuids)
        return {user.uuid: Name(user.display_name, user.handle) for user in users}


def _require_enabled(suspension: Suspension | None) -> None:
    if suspension is None or suspension.is_over:
        return
    if suspension.until is None:
        raise AccountDisabled
    raise AccountDisabled(f"This account is suspended until {suspension.until:%Y-%m-%d %H:%M} UTC")
