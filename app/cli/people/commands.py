"""The commands list-users, update-cognito-user-ids and users: accounts of the user pool and users in Postgres."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Final, TypeVar
from uuid import UUID

import typer

from app.cache import Caches
from app.cli.batches import batched
from app.cli.console import Console, readable
from app.cli.failures import Code, Failure
from app.cli.lookup import find_user
from app.cli.options import Json, Production, Yes, examples
from app.cli.people.directory import ORDER, UNMATCHED, Directory, Finding, Status, accounts, users
from app.cli.services import aws_account, is_own_table, open_table, open_user_store
from app.cli.target import announce, read_settings, require_consent_off_this_machine
from app.concurrency import TaskSet
from app.errors import NotFound
from app.gateways.aws import Aws, is_amazon, open_aws
from app.messaging import items
from app.settings import DatabaseSettings, NameSettings, ProcessSettings, TableSettings
from app.users.models import NewSubject, NewUser, User
from app.users.name_rules import NameRules
from app.users.service import Users
from app.users.store import UserStore

T = TypeVar("T")

POOL_ID: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d_[A-Za-z0-9]+")
SHOWN: Final = 50
BATCH: Final = 1_000
EXIT_CODES: Final = (
    "\n\n\b\nExit codes: 0 done, 2 accounts or users are left unmatched, 3 Cognito or Postgres is unavailable,"
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
    """Create users in Postgres for accounts in the user pool; disable and enable users."""


@app.command(
    "list-users",
    epilog=examples("list-users", "list-users --pool us-east-1_AbC123xyz --json")
    + "\n\n\b\nExit codes: 0 done, 3 Cognito is unavailable.",
)
async def list_users(pool: Pool = "", every: All = False, json: Json = False) -> None:
    """List the accounts of the Cognito user pool, with the attributes that the service needs.

    Handles are shown in lower case, as the service compares them. E-mail addresses are not shown.
    """
    console, limit, pool_id = Console(json), None if every else SHOWN, _pool_id(pool)
    async with _open_pool(pool_id) as aws:
        found = await _collect(console, "Accounts", accounts(aws, pool_id))
    for account in found:
        console.record(
            {
                "username": account.username,
                "sub": account.sub or None,
                "handle": account.handle or None,
                "name": account.name or None,
                "status": account.status,
                "enabled": account.is_enabled,
                "created_at": account.created_at and account.created_at.isoformat(),
            }
        )
    rows = []
    for account in found[:limit]:
        status = account.status.lower() if account.is_enabled else f"{account.status.lower()}, disabled"
        handle, name = readable(account.handle) or "–", readable(account.name)
        rows.append((handle, name, account.sub or "–", status, account.created_at or ""))
    console.table(("handle", "name", "sub", "status", "created"), rows)
    _say_more(console, found, limit)
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
    """Give each user in Postgres the sub of the account in the pool that has the same handle.

    Handles are compared without case. Nothing is written without --apply; with it, all changes are written in one
    transaction, also where users have each other's sub, and running it again changes nothing. An account without
    preferred_username or sub, a handle that two accounts share, and a user or an account without a counterpart are
    listed and left unchanged, clashes first. A disabled account counts like any other: its user stays its user, and
    users sync disables it. An account that is not confirmed counts for nothing: signing up makes one with any handle.

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
    """Create a user in Postgres for each account in the pool that has none, and disable those of disabled accounts.

    Nothing is written without --apply, and users are never enabled: users enable does that. Accounts that are disabled
    or not confirmed get no user. While the conversations have users that are not in Postgres, none is created, since an
    account may be theirs: import them first, or give --new-uuids. Handles follow the rules
    of registration (3 to 30 of a-z, 0-9 and _, in lower case); names lose invisible characters, and a user without a
    valid name is named by its handle. Clashes are listed and left unchanged. Users are written in batches; after an
    interruption the same command goes on.
    """
    command = SyncCommand(Console(json), _pool_id(pool), limit=None if every else SHOWN)
    rules = None if allow_reserved else NameRules(command.settings.reserved_handles)
    return await command.sync(rules, apply=apply, new_uuids=new_uuids, yes=yes, production=production)


@users_app.command(
    "disable",
    epilog=examples("users disable spammer") + "\n\n\b\nExit codes: 0 done, 1 no such user, 3 Postgres is unavailable.",
)
async def disable(handle: Handle, json: Json = False, yes: Yes = False, production: Production = False) -> None:
    """Disable a user: requests get 403 account-disabled, and open event streams end, within ten seconds.

    The user's messages, groups and handle stay as they are. The account in the user pool is not changed: disable it
    there, too, so that it gets no more tokens.
    """
    await _switch(handle, UserStore.disable, "disabled", Console(json), yes=yes, production=production)


@users_app.command(
    "enable",
    epilog=examples("users enable juniper") + "\n\n\b\nExit codes: 0 done, 1 no such user, 3 Postgres is unavailable.",
)
async def enable(handle: Handle, json: Json = False, yes: Yes = False, production: Production = False) -> None:
    """Enable a user that was disabled, by this command's counterpart or by users sync."""
    await _switch(handle, UserStore.enable, "enabled", Console(json), yes=yes, production=production)


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
        user = await find_user(Users(store, Caches(TaskSet())), handle)
        action = f"have @{user.handle} {state}"
        require_consent_off_this_machine(settings, action, yes=yes, production=production)
        changed = await change(store, [user.uuid])
    console.record({"handle": user.handle, "state": state, "changed": bool(changed)})
    console.say(f"@{user.handle} is {state} now." if changed else f"@{user.handle} was {state} already.")


class _SyncSettings(DatabaseSettings, NameSettings):
    """The database, and the rules for the names of new users."""


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


@asynccontextmanager
async def _open_pool(pool: str) -> AsyncIterator[Aws]:
    region = pool.partition("_")[0]
    async with open_aws(read_settings(TableSettings)) as aws:
        endpoint = await aws.endpoint("cognito-idp", region=region)
        place = f"{await aws_account(aws)}, region {region}" if is_amazon(endpoint) else f"emulator {endpoint}"
        announce(f"{place}, user pool {pool}")
        try:
            yield aws
        except NotFound as error:
            raise Failure(f"There is no user pool {pool} in this account and region: {error}") from None


async def _collect(console: Console, title: str, found: AsyncIterator[T]) -> list[T]:
    """Return all items, and show a progress bar meanwhile."""
    collected: list[T] = []
    with console.progress(title, total=None) as advance:
        async for item in found:
            collected.append(item)
            advance(1)
    return collected


class SyncCommand:
    """A run of a command that compares pool and Postgres, shows the findings, and writes the changes with --apply."""

    def __init__(self, console: Console, pool: str, *, limit: int | None) -> None:
        self._console = console
        self._pool = pool
        self._limit = limit
        self.settings = read_settings(_SyncSettings)

    async def update(self, *, apply: bool, yes: bool, production: bool) -> Code:
        async with open_user_store(self.settings) as store:
            findings = (await self._directory(store)).links()
            subjects = [each.change for each in findings if isinstance(each.change, NewSubject)]
            self._show(findings)
            if not apply or not subjects:
                return self._end(findings, len(subjects), "changed" if apply else "would change")
            self._ask(f"change the sub of {len(subjects):,} users", yes=yes, production=production)
            changed = await store.relink(subjects)
        code = self._end(findings, changed, "changed")
        return code if changed == len(subjects) else self._overtaken(len(subjects) - changed)

    async def sync(self, rules: NameRules | None, *, apply: bool, new_uuids: bool, yes: bool, production: bool) -> Code:
        async with open_user_store(self.settings) as store:
            findings = (await self._directory(store, rules)).missing()
            missing = [each.change for each in findings if isinstance(each.change, NewUser)]
            disabled = [each.change.uuid for each in findings if isinstance(each.change, User)]
            self._show(findings)
            lost = await self._lost_users(store) if missing and not new_uuids else []
            if lost:
                missing = []
            if apply and (missing or disabled):
                action = f"create {len(missing):,} users and disable {len(disabled):,}"
                self._ask(action, yes=yes, production=production)
                await store.disable(disabled)
                created = await self._create(store, missing)
                code = self._end(findings, created, "created")
            else:
                created = len(missing)
                code = self._end(findings, created, "created" if apply else "would create")
        if lost:
            raise Failure(
                f"No user is created: {len(lost):,} users of the conversations are not in Postgres, such as {lost[0]},"
                " and an account may be theirs. Import them first, or give --new-uuids.",
                Code.REFUSED,
            )
        return code if created == len(missing) else self._overtaken(len(missing) - created)

    async def _create(self, store: UserStore, missing: Sequence[NewUser]) -> int:
        created = 0
        with self._console.progress("Users", total=len(missing)) as advance:
            for batch in batched(missing, BATCH):
                created += await store.add_all(batch)
                advance(len(batch))
        return created

    async def _lost_users(self, store: UserStore) -> list[UUID]:
        """Return the users with an inbox that are not in Postgres: 0.5 RCU for each 4 KB of the table's index."""
        found: set[UUID] = set()
        async with open_table(read_settings(TableSettings)) as table:
            if not await is_own_table(table):
                return []
            with self._console.progress("Inboxes", total=None) as advance:
                async for page in table.scan(index=items.INBOX_INDEX):
                    found.update(map(items.owner, page))
                    advance(len(page))
        lost: list[UUID] = []
        for batch in batched(sorted(found), BATCH):
            known = {user.uuid for user in await store.by_uuids(batch)}
            lost += [uuid for uuid in batch if uuid not in known]
        return lost

    async def _directory(self, store: UserStore, rules: NameRules | None = None) -> Directory:
        async with _open_pool(self._pool) as aws:
            pool = await _collect(self._console, "Accounts", accounts(aws, self._pool))
        return Directory(pool, await _collect(self._console, "Users", users(store)), rules)

    def _ask(self, action: str, *, yes: bool, production: bool) -> None:
        require_consent_off_this_machine(self.settings, action, yes=yes, production=production)

    def _show(self, findings: Sequence[Finding]) -> None:
        """Show the findings but for those without a difference, clashes first."""
        shown = sorted(
            (each for each in findings if each.kind is not Status.SAME),
            key=lambda each: ORDER.index(each.kind),
        )
        for each in shown:
            self._console.record({"finding": each.kind, "handle": each.handle or None, "detail": each.detail})
        rows = [
            (each.kind, f"@{readable(each.handle)}" if each.handle else "–", readable(each.detail))
            for each in shown[: self._limit]
        ]
        if rows:
            self._console.table(("finding", "handle", "detail"), rows)
        _say_more(self._console, shown, self._limit)

    def _end(self, findings: Iterable[Finding], written: int, verb: str) -> Code:
        """Show the counts and the next step, and return the exit code."""
        counts = Counter(each.kind for each in findings)
        left = sum(counts[kind] for kind in UNMATCHED)
        kinds = ", ".join(f"{counts[kind]:,} {kind}" for kind in Status if counts[kind]) or "no accounts and no users"
        self._console.say(f"{kinds}. {verb.capitalize()} {written:,}.")
        if verb.startswith("would") and (written or counts[Status.DISABLE]):
            self._console.say("Nothing was written: --apply does it.")
        self._console.record({"counts": counts, verb.replace(" ", "_"): written, "left": left})
        return Code.USAGE if left else Code.DONE

    def _overtaken(self, count: int) -> Code:
        self._console.note(f"{count:,} have changed meanwhile and were left unchanged: run it again.")
        return Code.USAGE


def _say_more(console: Console, found: Sequence[object], limit: int | None) -> None:
    if limit is not None and len(found) > limit:
        console.say(f"… and {len(found) - limit:,} more: --all shows them")
