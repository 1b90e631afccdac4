"""The command erase: erases a user, and sweeps after users that are erased."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Final

import typer

from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.people.rules import Rules
from app.cli.services import Services, open_services, require_own_table
from app.cli.target import require_consent, require_consent_off_this_machine
from app.concurrency import TaskSet
from app.messaging.erasure_store import MemberErasureStore
from app.personal_data.erasures import Erasures
from app.personal_data.sweep import SweepTools
from app.settings import ErasureSettings, StoreSettings, read_settings
from app.users.models import Erasure, fold_handle

WRITES_PER_SECOND: Final = 100.0
DRAIN_SECONDS: Final = 60.0

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class _Settings(StoreSettings, ErasureSettings):
    """Postgres, the table, and what a deletion leaves to others."""


@app.command(
    "erase",
    epilog=examples("erase juniper", "erase --resume", "erase --resume --all")
    + "\n\nExit codes: 0 done, 1 no such user, 3 DynamoDB or Postgres is unavailable, 4 not confirmed.",
)
async def erase(
    handle: Annotated[str, typer.Argument(metavar="[HANDLE]", help="The user.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where other processes have ended.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="With --resume: look again for what is left of any erased user.")
    ] = False,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Erase a user for good.

    Name, handle, groups, read markers, settings and reactions go. Within ten seconds the account gets 403
    account-erased, and its event streams end. ERASED_MESSAGES=remove deletes the user's messages for all
    members; without it they stay, without a name. HANDLE_HOLD_DAYS later the handle is free. The account in the
    user pool is not changed: delete it there.

    The command ends when nothing is left, and prints what was removed. Running services go on with an erasure that
    is interrupted, as --resume does; --resume --all is for after a restore, or the import of an older export.
    """
    if bool(handle) == resume or (every and not resume):
        raise Failure("Give a handle, or --resume, to which --all may be added.", Code.USAGE)
    settings, console = read_settings(_Settings), Console(json)
    async with open_services(settings) as services, _erasures_of(services, settings) as erasures:
        await require_own_table(services.table)
        if resume:
            require_consent_off_this_machine(settings, "sweep after erased users", yes=yes, production=production)
            await _resume(console, services, erasures, every=every)
            return
        user = await services.users.find_by_handle(handle)
        if user is None:
            raise Failure(await _missing(services, handle))
        require_consent(settings, f"erase @{user.handle}", word=user.handle, yes=yes, production=production)
        await _sweep(console, erasures, await erasures.erase(user))


@asynccontextmanager
async def _erasures_of(services: Services, settings: _Settings) -> AsyncIterator[Erasures]:
    tasks = TaskSet()
    rules = Rules.of(services, tasks, shows_edits=True)
    store, known = MemberErasureStore(services.table), services.user_store.erasures
    tools = SweepTools(store, rules.changes, known, rules.groups.leave, writes_per_second=WRITES_PER_SECOND)
    hold, removes_messages = timedelta(days=settings.handle_hold_days), settings.erased_messages == "remove"
    yield Erasures(services.users, tools, handle_hold=hold, removes_messages=removes_messages)
    await tasks.drain(DRAIN_SECONDS)


async def _missing(services: Services, handle: str) -> str:
    erasure = await services.user_store.erasures.of_handle(fold_handle(handle.removeprefix("@")))
    if erasure is None:
        return f"There is no user with the handle {handle!r}."
    if erasure.finished_at:
        return f"@{handle} is erased: nothing was left at {erasure.finished_at.isoformat()}."
    return f"@{handle} is erased, and its sweep is not finished: `cruddur erase --resume` goes on with it."


async def _resume(console: Console, services: Services, erasures: Erasures, *, every: bool) -> None:
    store = services.user_store.erasures
    if every:
        await store.reopen_all()
    swept = 0
    while erasure := await store.lease():
        await _sweep(console, erasures, erasure)
        swept += 1
    console.say(f"{swept:,} erased users swept.")
    if unfinished := await store.count_unfinished():
        console.note(f"Other processes have leased {unfinished:,} more, for two minutes if they have ended.")


async def _sweep(console: Console, erasures: Erasures, erasure: Erasure) -> None:
    counts = await erasures.sweep(erasure)
    console.record({"user_uuid": erasure.user_uuid, "removed": counts, "left": 0})
    removed = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))
    console.say(f"Nothing is left of user {erasure.user_uuid}. Removed: {removed or 'nothing'}.")
