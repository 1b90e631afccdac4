"""The people of the boot camp's table and database, matched with the users of this service, and created there.

A person is the user with the same uuid. A handle alone proves nothing unless the operator says so: after the boot
camp's database was created anew, its users have other uuids than the table.
"""

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from app.cli.batches import batched
from app.cli.bootcamp.archive import Archive, Person
from app.cli.failures import Failure
from app.cli.services import STATEMENT_SECONDS
from app.gateways.postgres import open_postgres
from app.settings import DatabaseSettings
from app.users.models import NewUser, fold_handle
from app.users.schemas import UserCreate
from app.users.store import UserStore

AT_ONCE: Final = 1_000
COLUMNS: Final = ("uuid", "handle", "display_name", "email", "cognito_user_id")
COLUMNS_THERE: Final = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = ANY(current_schemas(false)) AND table_name = 'users'
"""
USERS_AFTER: Final = """
    SELECT uuid, coalesce(handle, '') AS handle, coalesce(display_name, '') AS name, email,
        coalesce(cognito_user_id, '') AS subject
    FROM users WHERE $1::uuid IS NULL OR uuid > $1 ORDER BY uuid LIMIT $2
"""
PLACEHOLDER: Final = "MOCK"
"""The subject that the boot camp's seed gives to every user."""


class Match(StrEnum):
    """The result of looking for a person among the users."""

    KNOWN = "known"
    SAME_HANDLE = "same handle"
    NEW = "new"
    OTHER_HANDLE = "new, other handle"


async def old_users(settings: DatabaseSettings) -> AsyncGenerator[Person, None]:
    """Yield the users of the boot camp's database, or raise a Failure if it has no such table."""
    async with open_postgres(settings, statement_seconds=STATEMENT_SECONDS) as postgres:
        there = await postgres.fetch(COLUMNS_THERE)
        if missing := set(COLUMNS) - {row["column_name"] for row in there}:
            raise Failure(f"The old database has no table users with the boot camp's {', '.join(sorted(missing))}.")
        after = None
        while rows := await postgres.fetch(USERS_AFTER, after, AT_ONCE):
            for row in rows:
                yield Person(UUID(int=row["uuid"].int), row["handle"], row["name"], row["email"], row["subject"])
            after = rows[-1]["uuid"]


class People:
    """Decides which user each person of the archive becomes."""

    def __init__(self, archive: Archive, store: UserStore, *, match_handles: bool) -> None:
        """With match_handles, a person without a user is the user with the same handle."""
        self._archive = archive
        self._store = store
        self._match_handles = match_handles

    async def decide(self) -> None:
        """Decide about all people."""
        for batch in batched(self._archive.people(), AT_ONCE):
            known = {user.uuid: user for user in await self._store.by_uuids([person.uuid for person in batch])}
            for person in batch:
                if user := known.get(person.uuid):
                    self._archive.decide(user.uuid, user.uuid, Match.KNOWN, user.handle, user.display_name)
                else:
                    await self._decide_unknown(person)

    async def _decide_unknown(self, person: Person) -> None:
        names = _valid(fold_handle(person.handle.strip().removeprefix("@")), person.name)
        holder = await self._holder(names.handle) if names else None
        if names and holder and self._match_handles:
            self._archive.decide(person.uuid, holder, Match.SAME_HANDLE, names.handle, names.display_name)
        elif names and not holder:
            self._archive.decide(person.uuid, person.uuid, Match.NEW, names.handle, names.display_name)
        else:
            handle = f"user_{person.uuid.hex[:20]}"
            made = _valid(handle, person.name or person.handle) or UserCreate(handle=handle, display_name=handle)
            self._archive.decide(person.uuid, person.uuid, Match.OTHER_HANDLE, made.handle, made.display_name)

    async def _holder(self, handle: str) -> UUID | None:
        user = await self._store.by_handle(handle)
        return user.uuid if user else self._archive.planned(handle)

    async def create(self) -> int:
        """Create the new users, and return how many. A subject that is taken or shared is left to be linked later."""
        created = 0
        for batch in batched(self._archive.decisions(), AT_ONCE):
            new = [
                await self._new_user(person) for person, _, match in batch if match in (Match.NEW, Match.OTHER_HANDLE)
            ]
            created += await self._store.add_all(new)
            there = await self._store.by_uuids([user.uuid for user in new])
            if len(there) < len(new):
                raise Failure(f"{len(new) - len(there)} users have changed meanwhile: run it again.")
        return created

    async def _new_user(self, person: Person) -> NewUser:
        subject = person.subject
        is_taken = subject in ("", PLACEHOLDER) or await self._store.by_cognito_user_id(subject) is not None
        if is_taken or self._archive.shares_subject(person):
            subject = f"{PLACEHOLDER}-{person.uuid}"
        return NewUser(person.uuid, person.handle, person.name, subject, person.email)


def _valid(handle: str, name: str) -> UserCreate | None:
    """Return names by the rules of registration, the handle for an invalid name; None for an invalid handle."""
    for each in (name, handle):
        try:
            return UserCreate(handle=handle, display_name=each)
        except ValidationError:
            continue
    return None
