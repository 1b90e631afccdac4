"""Reports, and the log of operators' reads, in Postgres: a method for each access pattern, with its SQL."""

import json
from typing import Any
from uuid import UUID

from app.gateways.postgres import Postgres
from app.moderation.models import OperatorRead, Report, ReportReason, ReportTarget


class ReportStore:
    """Reads and writes reports."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def find(self, reporter: UUID, uuid: UUID | None, target: ReportTarget) -> Report | None:
        """Return the reporter's report with this uuid, else the open one of this target; None if there is neither."""
        sql = """
            SELECT * FROM reports WHERE reporter_uuid = $1 AND (
                uuid = $2
                OR (closed_at IS NULL AND group_uuid = $4 AND message_number = $5)
                OR (closed_at IS NULL AND group_uuid IS NULL AND $4::uuid IS NULL AND reported_uuid = $3)
            )
            ORDER BY uuid IS NOT DISTINCT FROM $2 DESC LIMIT 1
            """
        row = await self._postgres.fetch_row(sql, reporter, uuid, target.user_uuid, target.group_uuid, target.number)
        return _report(row) if row else None

    async def add(self, report: Report) -> Report | None:
        """Return the stored report, or None if the reporter has one with its uuid, or an open one of its target."""
        sql = """
            INSERT INTO reports (uuid, reporter_uuid, reported_uuid, group_uuid, message_number, reason, note, messages)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING *
            """
        target = (report.target.user_uuid, report.target.group_uuid, report.target.number)
        content = (report.reason, report.note, json.dumps(report.messages, default=str))
        row = await self._postgres.fetch_row(sql, report.uuid, report.reporter_uuid, *target, *content)
        return _report(row) if row else None

    async def by_id(self, number: int) -> Report | None:
        """Return the report that operators call by this number, or None."""
        row = await self._postgres.fetch_row("SELECT * FROM reports WHERE id = $1", number)
        return _report(row) if row else None

    async def open_reports(self, *, limit: int, closed: bool = False) -> list[tuple[Report, int]]:
        """Return open reports, or closed ones, oldest first, each with the number of those of the same user."""
        sql = """
            SELECT *, count(*) OVER (PARTITION BY reported_uuid) AS of_user FROM reports
            WHERE (closed_at IS NOT NULL) = $2 ORDER BY created_at, id LIMIT $1
            """
        rows = await self._postgres.fetch(sql, limit, closed)
        return [(_report(row), row["of_user"]) for row in rows]

    async def close(self, number: int, *, by: str, note: str | None) -> bool:
        """Close a report, and return whether it was open."""
        sql = """
            UPDATE reports SET closed_at = now(), closed_by = $2, closing_note = $3
            WHERE id = $1 AND closed_at IS NULL RETURNING id
            """
        row = await self._postgres.fetch_row(sql, number, by, note)
        return row is not None

    async def remove_closed(self, *, days: int) -> int:
        """Remove the reports that were closed more than so many days ago, and return how many."""
        rows = await self._postgres.fetch(
            "DELETE FROM reports WHERE closed_at < now() - make_interval(days => $1) RETURNING id", days
        )
        return len(rows)


class OperatorReadStore:
    """Writes and reads the log of operators' reads. No entry is ever changed."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(self, entry: OperatorRead) -> None:
        """Write an entry."""
        sql = """
            INSERT INTO operator_reads (os_user, operator, command, reason, group_uuid, people)
            VALUES ($1, $2, $3, $4, $5, $6)
            """
        await self._postgres.fetch(
            sql, entry.os_user, entry.operator, entry.command, entry.reason, entry.group_uuid, sorted(entry.people)
        )

    async def of_user(self, user: UUID, *, limit: int) -> list[OperatorRead]:
        """Return the entries that name a user, and those that name none as they may concern any; newest first."""
        sql = """
            SELECT os_user, operator, command, reason, group_uuid, people, read_at FROM operator_reads
            WHERE people @> ARRAY[$1::uuid] OR (people = '{}' AND group_uuid IS NULL)
            ORDER BY read_at DESC, id DESC LIMIT $2
            """
        rows = await self._postgres.fetch(sql, user, limit)
        return [
            OperatorRead(user, operator, command, reason, _uuid(group), frozenset(map(_known, people)), at)
            for user, operator, command, reason, group, people, at in rows
        ]


_AS_STORED = ("id", "note", "created_at", "closed_at", "closed_by", "closing_note")
"""The columns of a report that are fields as they are."""


def _report(row: Any) -> Report:
    return Report(
        uuid=_known(row["uuid"]),
        reporter_uuid=_known(row["reporter_uuid"]),
        target=ReportTarget(_known(row["reported_uuid"]), _uuid(row["group_uuid"]), row["message_number"]),
        reason=ReportReason(row["reason"]),
        messages=json.loads(row["messages"]),
        **{name: row[name] for name in _AS_STORED},
    )


def _known(value: Any) -> UUID:
    """Return a uuid of Python's own class, which asyncpg's is not."""
    return UUID(int=value.int)


def _uuid(value: Any) -> UUID | None:
    return None if value is None else _known(value)
