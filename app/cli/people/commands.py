"""The commands list-users, update-cognito-user-ids and users: accounts of the user pool and users in Postgres."""

import re
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import typer

from app.cli.console import Console, attributes, local_time, readable
from app.cli.failures import Code, Failure
from app.cli.lookup import find_user
from app.cli.options import Json, Production, Yes, examples
from app.cli.people.directory import Account, accounts
from app.cli.people.own_data import EPILOG, export_own_data
from app.cli.people.sync import SyncCommand, collect, open_pool, say_more
from app.cli.services import open_user_store, users_over
from app.cli.target import require_consent_off_this_machine
from app.settings import DatabaseSettings, ProcessSettings, read_settings
from app.users.name_rules import NameRules
from app.users.store import UserStore
from app.users.suspensions import MOST_SUSPENDED

POOL_ID: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d_[A-Za-z0-9]+")
SHOWN: Final = 50
EXIT_CODES: Final = (
    "\n\nExit codes: 0 done, 2 accounts or users are left unmatched, 3 Cognito or Postgres is unavailable,"
    " 4 not confirmed."
)

Pool = Annotated[
    str, typer.Option("--pool", help="Id of the user pool; by default the pool that issues the service's tokens.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Write the changes; without it nothing is written.")]
AllowReserved = Annotated[
    bool,
    typer.Option("--allow-reserved", help="Create users with reserved handles and names, too, as the service's own."),
]
NewUuids = Annotated[
    bool, typer.Option("--new-uuids", help="Create users also while the conversations have users that are missing.")
]
Handle = Annotated[str, typer.Argument(metavar="HANDLE", help="The user.")]
All = Annotated[bool, typer.Option("--all", help=f"List all, not only the first {SHOWN}.")]

app = typer.Typer(rich_markup_mode=None, add_completion=False)
users_app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(users_app, name="users")


@users_app.callback(epilog=examples("users sync", "users sync --apply", "users disable spammer"))
def users_group() -> None:
    """Create users for accounts in the pool; disable, enable and export users."""


@app.command(
    "list-users",
    epilog=examples("list-users", "list-users --pool us-east-1_AbC123xyz --json")
    + "\n\nExit codes: 0 done, 3 Cognito is unavailable.",
)
async def list_users(pool: Pool = "", every: All = False, json: Json = False) -> None:
    """List the accounts of the Cognito user pool, with what the service needs.

    Handles are shown in lower case, as the service compares them. E-mail addresses are not shown.
    """
    console, limit, pool_id = Console(json), None if every else SHOWN, _pool_id(pool)
    async with open_pool(pool_id) as aws:
        found = await collect(console, "Accounts", accounts(aws, pool_id))
    rows = [
        (readable(each.handle) or "–", readable(each.name), each.sub or "–", each.state, each.created_at or "")
        for each in found[:limit]
    ]
    console.listing(map(Account.to_record, found), ("handle", "name", "sub", "status", "created"), rows)
    say_more(console, found, limit)
    console.say(f"{len(found):,} accounts")


@app.command(
    "update-cognito-user-ids",
    epilog=examples("update-cognito-user-ids", "update-cognito-user-ids --apply", "update-cognito-user-ids --json")
    + EXIT_CODES,
)
async def update_cognito_user_ids(
    pool: Pool = "",
    apply: Apply = False,
    every: All = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> Code:
    """Give each user in Postgres the sub of the account with the same handle.

    Handles are compared without case. Nothing is written without --apply; with it, all changes are written in one
    transaction, also where users have each other's sub, and running it again changes nothing. An account without
    preferred_username or sub, a handle that two accounts share, and a user or an account without a counterpart are
    listed and left unchanged, clashes first. A disabled account counts like any other: its user stays its user, and
    users sync disables it. An account that is not confirmed counts for nothing: signing up makes one with any
    handle.

    Running services notice a change within ten seconds, and end the open event streams of the users.
    """
    command = SyncCommand(Console(json), _pool_id(pool), limit=None if every else SHOWN)
    return await command.update(apply=apply, yes=yes, production=production)


@users_app.command("sync", epilog=examples("users sync", "users sync --apply") + EXIT_CODES)
async def sync(
    pool: Pool = "",
    apply: Apply = False,
    every: All = False,
    allow_reserved: AllowReserved = False,
    new_uuids: NewUuids = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> Code:
    """Create users for accounts in the pool that have none.

    Users of disabled accounts are disabled. Nothing is written without --apply, and users are never enabled: users
    enable does that. Accounts that are disabled or not confirmed get no user. While the conversations have users
    that are not in Postgres, none is created, since an account may be theirs: import them first, or give
    --new-uuids. Handles follow the rules of registration (3 to 30 of a-z, 0-9 and _, in lower case); names lose
    invisible characters, and a user without a valid name is named by its handle. Clashes are listed and left
    unchanged. Users are written in batches; after an interruption the same command goes on.
    """
    command = SyncCommand(Console(json), _pool_id(pool), limit=None if every else SHOWN)
    rules = None if allow_reserved else NameRules(command.settings.reserved_handles)
    return await command.sync(rules, apply=apply, new_uuids=new_uuids, yes=yes, production=production)


@users_app.command(
    "disable",
    epilog=examples(
        "users disable spammer",
        "users disable spammer --until 2026-12-01 --reason 'Unwanted offers to strangers, report 17'",
    )
    + "\n\nExit codes: 0 done, 1 no such user, 3 Postgres is unavailable.",
)
async def disable(
    handle: Handle,
    until: Annotated[datetime | None, typer.Option(help="Enable the user again at this time (local time).")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for `users disabled`; users are not told.")] = None,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Suspend a user.

    Within ten seconds, requests get 403 account-disabled and open event streams end. Messages of others to the user
    are refused from then on, with 403 cannot-message. The user's messages, groups and handle stay as they are, and
    groups can be read. The account in the user pool is not changed: disable it there, too, so that it gets no more
    tokens. For a user that is disabled already, the end and the reason are changed.
    """
    end = until.astimezone() if until else None
    if end and end <= datetime.now(UTC):
        raise Failure(f"--until {local_time(end)} is over.", Code.USAGE)
    change = partial(UserStore.disable, until=end, reason=reason)
    await _switch(handle, change, "disabled", Console(json), yes=yes, production=production)


@users_app.command(
    "enable",
    epilog=examples("users enable juniper") + "\n\nExit codes: 0 done, 1 no such user, 3 Postgres is unavailable.",
)
async def enable(handle: Handle, json: Json = False, yes: Yes = False, production: Production = False) -> None:
    """Enable a user that users disable or users sync has disabled."""
    await _switch(handle, UserStore.enable, "enabled", Console(json), yes=yes, production=production)


users_app.command("export", epilog=EPILOG)(export_own_data)


async def _switch(
    handle: str,
    change: Callable[[UserStore, Collection[UUID]], Awaitable[int]],
    state: str,
    console: Console,
    *,
    yes: bool,
    production: bool,
) -> None:
    settings = read_settings(DatabaseSettings)
    async with open_user_store(settings) as store:
        user = await find_user(users_over(store), handle)
        action = f"have @{user.handle} {state}"
        require_consent_off_this_machine(settings, action, yes=yes, production=production)
        changed = await change(store, [user.uuid])
    console.record({"handle": user.handle, "state": state, "changed": bool(changed)})
    console.say(f"@{user.handle} is {state} now." if changed else f"@{user.handle} was {state} already.")


@users_app.command(
    "disabled",
    epilog=examples("users disabled", "users disabled --all --json")
    + "\n\nExit codes: 0 done, 3 Postgres is unavailable.",
)
async def disabled(every: All = False, json: Json = False) -> None:
    """List the users that are disabled, the last one first.

    Each line says since when, until when and why.
    """
    console, limit = Console(json), MOST_SUSPENDED if every else SHOWN
    async with open_user_store(read_settings(DatabaseSettings)) as store:
        found = await store.disabled(limit=limit)
    records = ({"handle": u.handle, **attributes(u.suspension, "at", "until"), "reason": u.reason} for u in found)
    rows = [(u.handle, u.suspension.at, u.suspension.until or "", readable(u.reason or "")) for u in found]
    console.listing(records, ("handle", "since", "until", "reason"), rows)
    console.say(f"{len(found):,} users" + (" and perhaps more, with --all" if len(found) == limit else ""))


class _IssuerSettings(ProcessSettings):
    """The issuer of the tokens that the service accepts."""

    cognito_issuer_url: str = ""


def _pool_id(given: str) -> str:
    """Return the given pool id, else that at the end of the issuer's address, or raise a Failure."""
    pool = given or read_settings(_IssuerSettings).cognito_issuer_url.rpartition("/")[2]
    if not POOL_ID.fullmatch(pool):
        raise Failure(
            "Which user pool? Give --pool us-east-1_AbC123xyz, or set COGNITO_ISSUER_URL to the pool's address.",
            Code.USAGE,
        )
    return pool
