"""Users in Postgres: a method for each access pattern, with its SQL."""

from collections.abc import Collection, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.errors import Unavailable
from app.gateways.postgres import Postgres, unavailable
from app.users.erasure_store import ErasureStore
from app.users.models import AccountChange, AccountChanges, DisabledUser, NewSubject, NewUser, Suspension, User
from app.users.search_store import SearchStore

MOST_CHANGES = 1_000
"""Changes of accounts that are read at once; with more of them, all that is known of accounts is read anew."""

_CHECK = """
    SELECT current_setting('transaction_read_only') = 'off' AS is_writable,
        has_table_privilege('users', 'INSERT') AND has_column_privilege('users', 'display_name', 'UPDATE')
            AND has_column_privilege('users', 'about', 'UPDATE')
            AND has_column_privilege('users', 'is_discoverable', 'UPDATE')
            AND has_table_privilege('users', 'DELETE')
            AND has_table_privilege('erasures', 'INSERT') AND has_table_privilege('erasures', 'UPDATE')
            AND has_table_privilege('reports', 'INSERT') AS may_write,
        (SELECT count(*) FROM pg_index WHERE indrelid = 'users'::regclass AND indisunique AND indisvalid) >= 3
            AND (SELECT count(*) FROM pg_trigger
                 WHERE tgrelid = 'users'::regclass AND tgenabled IN ('O', 'A') AND NOT tgisinternal) >= 4
            AS is_whole,
        (SELECT count(*) FROM (
            SELECT uuid, handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
                about, is_discoverable
            FROM users LIMIT 1
        ) AS first) AS users,
        (SELECT count(*) FROM (SELECT key, handle FROM search_keys LIMIT 1) AS first) AS keys,
        (SELECT count(*) FROM (SELECT id, xid, user_uuid, subjects FROM account_changes LIMIT 1) AS first)
            AS changes,
        (SELECT count(*) FROM (SELECT subject_digest, due_at FROM erasures LIMIT 1) AS first) AS erasures,
        (SELECT count(*) FROM (SELECT id, uuid, messages, closed_at FROM reports LIMIT 1) AS first) AS reports
    """
"""It fails for a column that the service cannot read. What else may be wrong is a column of its row."""
_WRONG = {
    "is_writable": asyncpg.ReadOnlySQLTransactionError,
    "may_write": asyncpg.InsufficientPrivilegeError,
    "is_whole": asyncpg.UndefinedTableError,
}
"""The errors that a false column of the check stands for."""


class UserStore:
    """Reads and writes the users table. Handles are stored in lower case, so they are unique regardless of case."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.erasures = ErasureStore(postgres)
        """The erased users."""
        self.search = SearchStore(postgres)
        """The searches of users."""

    async def by_cognito_user_id(self, sub: str) -> User | None:
        """Return the user of a Cognito subject, or None."""
        sql = """
            SELECT uuid, handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
                about, is_discoverable
            FROM users WHERE cognito_user_id = $1
            """
        return await self._one(sql, sub)

    async def by_handle(self, handle: str) -> User | None:
        """Return the user with this handle in lower case, or None."""
        sql = """
            SELECT uuid, handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
                about, is_discoverable
            FROM users WHERE handle = $1
            """
        return await self._one(sql, handle)

    async def by_uuids(self, uuids: Collection[UUID]) -> list[User]:
        """Return those of these users that exist, in any order."""
        sql = """
            SELECT uuid, handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
                about, is_discoverable
            FROM users WHERE uuid = ANY($1)
            """
        return [User.of_row(row) for row in await self._postgres.fetch(sql, list(uuids))]

    async def add(self, *, sub: str, handle: str, display_name: str) -> User | None:
        """Return the new user, or None if the handle or the subject is taken, or was an erased user's."""
        sql = """
            INSERT INTO users (cognito_user_id, handle, display_name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
            RETURNING uuid, handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
                about, is_discoverable
            """
        try:
            return await self._one(sql, sub, handle, display_name)
        except asyncpg.UniqueViolationError:
            return None

    async def update(
        self,
        uuid: UUID,
        *,
        display_name: str | None = None,
        about: str | None = None,
        is_discoverable: bool | None = None,
    ) -> User | None:
        """Return the user with these new values, those that are None left as they are; None if there is no such user.

        Once it returns, no search finds a user that is not discoverable, and each search finds others by a new name.
        """
        sql = """
            UPDATE users
            SET display_name = coalesce($2, display_name), about = coalesce($3, about),
                is_discoverable = coalesce($4, is_discoverable)
            WHERE uuid = $1
            RETURNING uuid, handle, display_name, cognito_user_id, created_at, disabled_at, disabled_until,
                about, is_discoverable
            """
        return await self._one(sql, uuid, display_name, about, is_discoverable)

    _ADD_ALL = """
        INSERT INTO users (
            uuid, handle, display_name, cognito_user_id, email, created_at,
            disabled_at, disabled_until, disabled_reason, about, is_discoverable
        )
        SELECT
            uuid, handle, display_name, subject, email, coalesce(created_at, now()),
            disabled_at, disabled_until, disabled_reason, about, is_discoverable
        FROM unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
            $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::boolean[]
        ) AS new (
            uuid, handle, display_name, subject, email, created_at,
            disabled_at, disabled_until, disabled_reason, about, is_discoverable
        )
        WHERE NOT EXISTS (SELECT FROM erasures WHERE user_uuid = new.uuid)
        AND NOT EXISTS (SELECT FROM erasures WHERE subject_digest = sha256(convert_to(new.subject, 'UTF8')))
        AND NOT EXISTS (
            SELECT FROM erasures
            WHERE handle_digest = sha256(convert_to(new.handle, 'UTF8')) AND handle_held_until > now()
        )
        ON CONFLICT DO NOTHING
        RETURNING uuid
        """

    async def add_all(self, users: Sequence[NewUser]) -> int:
        """Add imported users in a single statement, and return how many were added.

        Existing users are not changed, and users with the id, handle or subject of an erased user are left out. Raises
        Unavailable, and adds none, if such a user was erased meanwhile.
        """
        if not users:
            return 0
        columns = zip(*map(astuple, users), strict=True)
        try:
            rows = await self._postgres.fetch(self._ADD_ALL, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Unavailable("Users were erased meanwhile, and none was added: try again") from error
        return len(rows)

    async def whole_users(self, *, after: UUID | None, limit: int) -> list[NewUser]:
        """Return users with everything that is known of them, in the order of their ids, those after `after`."""
        sql = """
            SELECT uuid, handle, display_name, cognito_user_id, email, created_at,
                disabled_at, disabled_until, disabled_reason, about, is_discoverable
            FROM users WHERE $1::uuid IS NULL OR uuid > $1 ORDER BY uuid LIMIT $2
            """
        rows = await self._postgres.fetch(sql, after, limit)
        return [NewUser(UUID(int=uuid.int), *values) for uuid, *values in rows]

    async def relink(self, subjects: Sequence[NewSubject]) -> int:
        """Move users to other Cognito subjects, and return how many have their new subject.

        All moves are a single transaction, which may be repeated. Users may swap subjects. A user with an unexpected
        subject is not changed. Raises Unavailable, without any change, if another user has got a subject meanwhile, or
        if a subject is an erased user's.
        """
        columns = [list(column) for column in zip(*((s.uuid, s.before, s.after) for s in subjects), strict=True)]
        try:
            return await self._postgres.transact(lambda connection: _relink(connection, *columns))
        except asyncpg.UniqueViolationError as error:
            raise Unavailable("Users have changed meanwhile, and none was moved: try again") from error

    async def disable(
        self, uuids: Collection[UUID], *, until: datetime | None = None, reason: str | None = None
    ) -> int:
        """Disable these users until a time, or until they are enabled, and return for how many that is new.

        For a user that is disabled already it is new if end or reason differ; without a reason that of before stays.
        """
        sql = """
            UPDATE users
            SET disabled_at = now(), disabled_until = $2, disabled_reason = coalesce($3, disabled_reason)
            WHERE uuid = ANY($1) AND (
                disabled_at IS NULL
                OR (disabled_until, disabled_reason) IS DISTINCT FROM ($2, coalesce($3, disabled_reason))
            )
            RETURNING uuid
            """
        return len(await self._postgres.fetch(sql, list(uuids), until, reason))

    async def enable(self, uuids: Collection[UUID]) -> int:
        """Enable these users, and return how many were disabled before."""
        sql = """
            WITH before AS (
                SELECT uuid, disabled_until FROM users WHERE uuid = ANY($1) AND disabled_at IS NOT NULL FOR UPDATE
            )
            UPDATE users SET disabled_at = NULL, disabled_until = NULL, disabled_reason = NULL
            FROM before WHERE users.uuid = before.uuid
            RETURNING before.disabled_until IS NULL OR before.disabled_until > now()
            """
        rows = await self._postgres.fetch(sql, list(uuids))
        return sum(was_disabled for (was_disabled,) in rows)

    async def disabled(self, *, limit: int) -> list[DisabledUser]:
        """Return the users that are disabled now, those that were disabled last first."""
        sql = """
            SELECT uuid, handle, disabled_at, disabled_until, disabled_reason FROM users
            WHERE disabled_at IS NOT NULL AND (disabled_until IS NULL OR disabled_until > now())
            ORDER BY disabled_at DESC, uuid LIMIT $1
            """
        rows = await self._postgres.fetch(sql, limit)
        return [
            DisabledUser(UUID(int=uuid.int), handle, Suspension(at, until), reason)
            for uuid, handle, at, until, reason in rows
        ]

    async def account_changes(self, position: str | None) -> AccountChanges:
        """Return the changes of accounts that were not visible yet at a position, none if it is None, and the next one.

        A change may be returned at several positions, with the end of what its user is disabled for now. At most
        MOST_CHANGES + 1 come.
        """
        sql = """
            SELECT pg_snapshot_xmin(snapshot)::text AS position, change.id, change.user_uuid, change.subjects,
                users.disabled_at, users.disabled_until
            FROM pg_current_snapshot() AS snapshot
            LEFT JOIN account_changes AS change ON change.xid >= $1::text::xid8
            LEFT JOIN users ON users.uuid = change.user_uuid
            LIMIT $2
            """
        rows = await self._postgres.fetch(sql, position, MOST_CHANGES + 1)
        changes = [
            AccountChange(number, UUID(int=user.int), tuple(subjects), Suspension.of_columns(*disabled))
            for _, number, user, subjects, *disabled in rows
            if number
        ]
        return AccountChanges(rows[0]["position"], changes)

    async def check(self) -> None:
        """Raise Unavailable unless the service finds everything that it uses: columns, indexes, triggers and grants."""
        found = await self._postgres.fetch_row(_CHECK)
        for name, fault in _WRONG.items():
            if found is None or not found[name]:
                raise unavailable(fault())

    async def is_empty(self) -> bool:
        """Return whether there is no user."""
        return await self._postgres.fetch_row("SELECT 1 FROM users LIMIT 1") is None

    async def _one(self, sql: str, *arguments: str | UUID | bool | None) -> User | None:
        row = await self._postgres.fetch_row(sql, *arguments)
        return User.of_row(row) if row else None


async def _relink(connection: "asyncpg.Connection[asyncpg.Record]", *columns: list[Any]) -> int:
    """Move users in two steps, as the unique constraint is checked row by row: first release the wanted subjects.

    A deferrable constraint would need a single step, but INSERT … ON CONFLICT, which registers users, refuses those.
    """
    release = """
        UPDATE users SET cognito_user_id = 'moving ' || users.uuid
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (uuid, before, after)
        WHERE users.uuid = new.uuid AND users.cognito_user_id = new.before AND new.before = ANY($3)
        """
    move = """
        UPDATE users SET cognito_user_id = new.after
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (uuid, before, after)
        WHERE users.uuid = new.uuid
        AND users.cognito_user_id IN (new.before, new.after, 'moving ' || users.uuid)
        RETURNING users.uuid
        """
    await connection.execute(release, *columns)
    return len(await connection.fetch(move, *columns))
