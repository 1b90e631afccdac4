"""The command reports: what users have reported, with its context, and closing it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from app.cli.console import Console, attributes, local_time, readable
from app.cli.failures import Failure
from app.cli.moderation.reads import As, Operator, Why, os_user
from app.cli.options import Json, examples
from app.cli.services import open_database, users_over
from app.moderation.models import Report
from app.moderation.store import OperatorReadStore, ReportStore
from app.settings import DatabaseSettings, read_settings
from app.users.models import Name
from app.users.service import Users
from app.users.store import UserStore

DELETED: Final = "[deleted]"
EXIT_CODES: Final = "\n\nExit codes: 0 done, 1 no such report, 3 Postgres is unavailable."

Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="The number of the report.")]

app = typer.Typer(rich_markup_mode=None, add_completion=False)
reports_app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(reports_app, name="reports")


@reports_app.callback(
    epilog=examples("reports list", "reports show 17", "reports close 17 --note 'Warned; suspended until Monday'")
)
def reports_group() -> None:
    """Show and close what users have reported."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The stores of these commands."""

    reports: ReportStore
    reads: OperatorReadStore
    users: Users


@asynccontextmanager
async def _opened(settings: DatabaseSettings) -> AsyncIterator[Opened]:
    """Open Postgres, and remove the reports that were closed longer ago than they are kept."""
    async with open_database(settings) as postgres:
        reports = ReportStore(postgres)
        await reports.remove_closed(days=settings.report_retention_days)
        yield Opened(reports, OperatorReadStore(postgres), users_over(UserStore(postgres)))


@reports_app.command("list", epilog=examples("reports list", "reports list --closed --json") + EXIT_CODES)
async def list_reports(
    closed: Annotated[bool, typer.Option("--closed", help="List closed reports in place of open ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The most to show.")] = 50,
    json: Json = False,
) -> None:
    """List the open reports, oldest first, without messages.

    Each line has the number of reports of the same user.
    """
    console = Console(json)
    async with _opened(read_settings(DatabaseSettings)) as opened:
        found = await opened.reports.open_reports(limit=limit, closed=closed)
        people = {uuid for each, _ in found for uuid in (each.reporter_uuid, each.target.user_uuid)}
        names = await opened.users.names(people)
    rows = []
    for report, of_user in found:
        console.record({**_record(report, names), "of_user": of_user})
        about = f"message {report.target.number}" if report.target.number else "user"
        reported, reporter = names[report.target.user_uuid], names[report.reporter_uuid]
        rows.append((report.id, report.created_at, _handle(reported), of_user, about, report.reason, _handle(reporter)))
    console.table(("id", "made", "reported", "of user", "about", "reason", "by"), rows, right=["id", "of user"])
    console.say(f"{len(found):,} reports" + (", more with --limit" if len(found) == limit else ""))


@reports_app.command(
    "show", epilog=examples("reports show 17", "reports show 17 --reason 'Weekly review' --json") + EXIT_CODES
)
async def show(number: Number, reason: Why = None, name: As = None, json: Json = False) -> None:
    """Show a report and the messages that it keeps.

    They are as they stood for the reporter; the reported one has a >. That it was shown is written into the log of
    reads first: see cruddur audit. Times are local.
    """
    settings, console = read_settings(DatabaseSettings), Console(json)
    operator = Operator.of(settings, name=name, reason=reason)
    async with _opened(settings) as opened:
        report = await _find(opened.reports, number)
        people = {report.reporter_uuid, report.target.user_uuid, *(UUID(each["user_uuid"]) for each in report.messages)}
        names = await opened.users.names(people)
        await operator.record(opened.reads, people, group=report.target.group_uuid)
    messages = [{**each, "handle": names[UUID(each["user_uuid"])].handle} for each in report.messages]
    console.record({**_record(report, names), "note": report.note or None, "messages": messages})
    _show(console, report, names)


def _show(console: Console, report: Report, names: Mapping[UUID, Name]) -> None:
    reported, reporter = names[report.target.user_uuid], names[report.reporter_uuid]
    console.say(f"Report {report.id} of {_handle(reported)} by {_handle(reporter)}, {local_time(report.created_at)}")
    console.say(f"Reason: {report.reason}" + (f". {readable(report.note)}" if report.note else ""))
    if report.closed_at:
        closed = f"Closed by {readable(report.closed_by or '')}, {local_time(report.closed_at)}"
        console.say(closed + (f": {readable(report.closing_note)}" if report.closing_note else ""))
    if report.messages:
        console.say(f"Group {report.target.group_uuid}")
        rows = [_cells(each, report, names) for each in report.messages]
        console.table(("", "number", "sent", "by", "message"), rows, right=["number"])


def _cells(message: Mapping[str, Any], report: Report, names: Mapping[UUID, Name]) -> tuple[object, ...]:
    text = DELETED if message["deleted_at"] else readable(message["message"])
    edited = " [edited]" if message["edited_at"] and not message["deleted_at"] else ""
    mark = ">" if message["number"] == report.target.number else ""
    sent = datetime.fromisoformat(message["created_at"])
    return mark, message["number"], sent, _handle(names[UUID(message["user_uuid"])]), text + edited


@reports_app.command("close", epilog=examples("reports close 17 --note 'No offence found'") + EXIT_CODES)
async def close(
    number: Number,
    note: Annotated[str | None, typer.Option(help="What was decided, for other operators.")] = None,
    name: As = None,
    json: Json = False,
) -> None:
    """Close a report.

    It is kept for REPORT_RETENTION_DAYS, then the next of these commands removes it.
    """
    settings, console = read_settings(DatabaseSettings), Console(json)
    async with _opened(settings) as opened:
        report = await _find(opened.reports, number)
        changed = await opened.reports.close(report.id, by=name or os_user(), note=note)
    console.record({"id": report.id, "changed": changed})
    console.say(f"Report {report.id} is closed now." if changed else f"Report {report.id} was closed already.")


async def _find(reports: ReportStore, number: int) -> Report:
    report = await reports.by_id(number)
    if report is None:
        raise Failure(f"There is no report {number}.")
    return report


def _record(report: Report, names: Mapping[UUID, Name]) -> dict[str, object]:
    """Return what is known of a report without texts, for machines."""
    target = report.target
    users = {"reported": names[target.user_uuid].handle, "reported_uuid": target.user_uuid}
    users |= {"reporter": names[report.reporter_uuid].handle}
    place = {"message_group_uuid": target.group_uuid, "number": target.number}
    closing = attributes(report, "closed_at", "closed_by", "closing_note")
    return {**attributes(report, "id", "created_at", "reason"), **users, **place, **closing}


def _handle(name: Name) -> str:
    return f"@{name.handle}" if name.handle else readable(name.display_name)
