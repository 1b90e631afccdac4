"""Erasures in Postgres: the mark that erases a user, and the work that it leaves to any process."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.gateways.postgres import Postgres
from app.users.models import Erasure, StoredErasure

LEASE_SECONDS = 120
"""Time after which the work of a process that has not renewed it is another process's."""
LAST_LOOK = timedelta(days=1)
"""Time from the end of the work to its last look: the longest life of an access token."""


class ErasureStore:
    """Reads and writes the erasures table. Any method may raise Unavailable."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def erase(self, user: UUID, *, handle_hold: timedelta, removes_messages: bool) -> Erasure | None:
        """Delete a user's row, keep the digests, and lease the work to the caller; return None if there is no user.

        A user that is erased already is returned as it was erased.
        """
        sql = """
            WITH gone AS (DELETE FROM users WHERE uuid = $1 RETURNING uuid, handle, cognito_user_id)
            INSERT INTO erasures (user_uuid, subject_digest, handle_digest, handle_held_until, removes_messages, due_at)
            SELECT uuid, sha256(convert_to(cognito_user_id, 'UTF8')), sha256(convert_to(handle, 'UTF8')),
                now() + $2::interval, $3, now() + $4::interval
            FROM gone
            RETURNING user_uuid, erased_at, handle_held_until, removes_messages, finished_at, counts
            """
        rows = await self._postgres.fetch(sql, user, handle_hold, removes_messages, timedelta(seconds=LEASE_SECONDS))
        return _erasure(*rows[0]) if rows else await self.of_user(user)

    async def of_user(self, user: UUID) -> Erasure | None:
        """Return the erasure of a user, or None."""
        sql = """
            SELECT user_uuid, erased_at, handle_held_until, removes_messages, finished_at, counts
            FROM erasures WHERE user_uuid = $1
            """
        row = await self._postgres.fetch_row(sql, user)
        return _erasure(*row) if row else None

    async def of_handle(self, handle: str) -> Erasure | None:
        """Return the erasure of the user that had this handle last, while the handle is held, or None."""
        sql = """
            SELECT user_uuid, erased_at, handle_held_until, removes_messages, finished_at, counts
            FROM erasures WHERE handle_digest = sha256(convert_to($1, 'UTF8')) ORDER BY erased_at DESC LIMIT 1
            """
        row = await self._postgres.fetch_row(sql, handle)
        return _erasure(*row) if row else None

    async def erased_subjects(self, subjects: Collection[str]) -> set[str]:
        """Return those of these subjects whose users are erased."""
        sql = """
            SELECT subject FROM unnest($1::text[]) AS subject
            JOIN erasures ON subject_digest = sha256(convert_to(subject, 'UTF8'))
            """
        rows = await self._postgres.fetch(sql, list(subjects))
        return {row["subject"] for row in rows}

    async def erased_users(self, uuids: Collection[UUID]) -> set[UUID]:
        """Return those of these users that are erased."""
        rows = await self._postgres.fetch("SELECT user_uuid FROM erasures WHERE user_uuid = ANY($1)", list(uuids))
        return {UUID(int=row["user_uuid"].int) for row in rows}

    async def lease(self) -> Erasure | None:
        """Lease the erasure whose work is due for the longest time, None if none is due."""
        sql = """
            UPDATE erasures SET due_at = now() + $1::interval WHERE user_uuid = (
                SELECT user_uuid FROM erasures WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING user_uuid, erased_at, handle_held_until, removes_messages, finished_at, counts
            """
        row = await self._postgres.fetch_row(sql, timedelta(seconds=LEASE_SECONDS))
        return _erasure(*row) if row else None

    async def renew(self, user: UUID) -> None:
        """Lease a user's work for longer."""
        sql = "UPDATE erasures SET due_at = now() + $2::interval WHERE user_uuid = $1"
        await self._postgres.fetch(sql, user, timedelta(seconds=LEASE_SECONDS))

    async def finish(self, user: UUID, counts: Mapping[str, int]) -> None:
        """Record that nothing is left of a user, with what was removed until now, and when to look again.

        That is a day after it was first so, and when the handle is free; then its digest goes, and the work ends.
        """
        sql = """
            UPDATE erasures SET finished_at = coalesce(finished_at, now()), counts = $2::jsonb,
                handle_digest = CASE WHEN handle_held_until > now() THEN handle_digest END,
                due_at = CASE
                    WHEN coalesce(finished_at, now()) + $3 > now() THEN coalesce(finished_at, now()) + $3
                    WHEN handle_held_until > now() THEN handle_held_until
                END
            WHERE user_uuid = $1
            """
        await self._postgres.fetch(sql, user, json.dumps(counts), LAST_LOOK)

    async def reopen_all(self) -> int:
        """Make the work of all erasures due, as after a restore, and return how many there are."""
        return len(await self._postgres.fetch("UPDATE erasures SET due_at = now() RETURNING user_uuid"))

    async def count_unfinished(self) -> int:
        """Return how many erasures have work left that no process has finished."""
        rows = await self._postgres.fetch(
            "SELECT count(*) AS unfinished FROM erasures WHERE due_at IS NOT NULL AND finished_at IS NULL"
        )
        return int(rows[0]["unfinished"])

    async def stored(self, *, after: UUID | None, limit: int) -> list[StoredErasure]:
        """Return erasures with their digests, for an export, in the order of their users' ids, those after `after`."""
        sql = """
            SELECT user_uuid, subject_digest, handle_digest, erased_at, handle_held_until, removes_messages
            FROM erasures WHERE $1::uuid IS NULL OR user_uuid > $1 ORDER BY user_uuid LIMIT $2
            """
        rows = await self._postgres.fetch(sql, after, limit)
        return [StoredErasure(UUID(int=uuid.int), *values) for uuid, *values in rows]

    async def add_all(self, erasures: Sequence[StoredErasure]) -> int:
        """Add imported erasures, whose work is due then, and return how many were added.

        Existing erasures are not changed, and neither are users that are in Postgres.
        """
        if not erasures:
            return 0
        sql = """
            INSERT INTO erasures (
                user_uuid, subject_digest, handle_digest, erased_at, handle_held_until, removes_messages, due_at
            )
            SELECT new.*, now()
            FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::timestamptz[], $6::boolean[])
                AS new (uuid, subject, handle, erased_at, held_until, removes)
            WHERE NOT EXISTS (SELECT FROM users WHERE users.uuid = new.uuid)
            ON CONFLICT DO NOTHING
            RETURNING user_uuid
            """
        columns = zip(*map(astuple, erasures), strict=True)
        return len(await self._postgres.fetch(sql, *map(list, columns)))


def _erasure(user_uuid: UUID, *values: Any) -> Erasure:
    erased_at, held_until, removes_messages, finished_at, counts = values
    return Erasure(UUID(int=user_uuid.int), erased_at, held_until, removes_messages, finished_at, json.loads(counts))
