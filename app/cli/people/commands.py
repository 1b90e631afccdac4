"""The people of the Cognito user pool: look at them, and bring them and the users in Postgres together."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Final, TypeVar

import typer

from app.cli.batches import batched
from app.cli.console import Advance, Console, readable
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.people.directory import LEFT, Account, Directory, Finding, Kind, accounts, users
from app.cli.services import aws_account, open_user_store
from app.cli.target import announce, read_settings, require_consent_off_this_machine
from app.errors import NotFound
from app.gateways.aws import Aws, is_amazon, open_aws
from app.settings import DatabaseSettings, ProcessSettings, TableSettings
from app.users.models import NewSubject, NewUser
from app.users.store import UserStore

T = TypeVar("T")

POOL_ID: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d_[A-Za-z0-9]+")
SHOWN: Final = 50
CHUNK: Final = 1_000
EXIT_CODES: Final = (
    "\n\n\b\nExit codes: 0 all is well, 2 somebody is left who cannot be matched, 3 Cognito or Postgres is away,"
    " 4 not confirmed."
)

Pool = Annotated[
    str, typer.Option("--pool", help="Id of the user pool. By default the one that issues the service's tokens.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Write the changes. Without it nothing is written.")]
All = Annotated[bool, typer.Option("--all", help=f"List everybody, not only the first {SHOWN}.")]

app = typer.Typer(rich_markup_mode=None, add_completion=False)
sync_app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(sync_app, name="users")


@sync_app.callback(epilog=examples("users sync", "users sync --apply"))
def bring() -> None:
    """Bring the people of the user pool into Postgres."""


@app.command(
    "list-users",
    epilog=examples("list-users", "list-users --pool us-east-1_AbC123xyz --json")
    + "\n\n\b\nExit codes: 0, 3 Cognito is away.",
)
def list_users(pool: Pool = "", every: All = False, json: Json = False) -> Code:
    """The people of the Cognito user pool, with what the service needs to know of them.

    Handles are shown in lower case, as the service compares them. E-mail addresses are not shown.
    """
    asyncio.run(_list_users(Console(json=json), pool=_pool(pool), limit=None if every else SHOWN))
    return Code.DONE


@app.command(
    "update-cognito-user-ids",
    epilog=examples("update-cognito-user-ids", "update-cognito-user-ids --apply", "update-cognito-user-ids --json")
    + EXIT_CODES,
)
def update_cognito_user_ids(
    pool: Pool = "",
    apply: Apply = False,
    every: All = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> Code:
    """Give each user in Postgres the sub of the account in the pool that has the same handle.

    Handles are compared without case. Nothing is written without --apply; with it, all changes are written in one
    transaction, also where users have one another's, and running it again changes nothing. An account without
    preferred_username or sub, a handle that two accounts share, and whoever is on one side only are listed and left as
    they are.

    Running services remember whose sub is whose: after changing that of somebody who has signed in, allow five minutes.
    """
    console = Console(json=json)
    work = _Bring(console, _pool(pool), limit=None if every else SHOWN)
    return asyncio.run(work.update(apply=apply, yes=yes, production=production))


@sync_app.command("sync", epilog=examples("users sync", "users sync --apply") + EXIT_CODES)
def sync(
    pool: Pool = "",
    apply: Apply = False,
    every: All = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> Code:
    """Create a user in Postgres for each account in the pool that has none.

    Nothing is written without --apply. Handles follow the rules of registration (3 to 30 of a-z, 0-9 and _, after
    lower case); names lose what cannot be seen, and where no name is left the handle is taken. Clashes are listed and
    left. Written in chunks; after an interruption the same command goes on.
    """
    console = Console(json=json)
    work = _Bring(console, _pool(pool), limit=None if every else SHOWN)
    return asyncio.run(work.sync(apply=apply, yes=yes, production=production))


class _IssuerSettings(ProcessSettings):
    """Whose tokens the service takes."""

    cognito_issuer_url: str = ""


def _pool(given: str) -> str:
    """The pool's id, or the one at the end of the issuer's address."""
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
        announce(f"{await _place(aws, region)}, user pool {pool}")
        try:
            yield aws
        except NotFound as error:
            raise Failure(f"There is no user pool {pool} in this account and region: {error}") from None


async def _place(aws: Aws, region: str) -> str:
    endpoint = await aws.endpoint("cognito-idp", region=region)
    if not is_amazon(endpoint):
        return f"emulator {endpoint}"
    return f"{await aws_account(aws)}, region {region}"


async def _list_users(console: Console, *, pool: str, limit: int | None) -> None:
    async with _open_pool(pool) as aws:
        found = await _gathered(console, "Accounts", accounts(aws, pool))
    for account in found:
        console.record(_public(account))
    console.table(
        ("handle", "name", "sub", "status", "created"),
        (
            (readable(a.handle) or "–", readable(a.name), a.sub or "–", _status(a), a.created_at or "")
            for a in found[:limit]
        ),
    )
    _say_more(console, found, limit)
    console.say(f"{len(found):,} accounts")


def _public(account: Account) -> dict[str, object]:
    return {
        "username": account.username,
        "sub": account.sub or None,
        "handle": account.handle or None,
        "name": account.name or None,
        "status": account.status,
        "enabled": account.is_enabled,
        "created_at": account.created_at and account.created_at.isoformat(),
    }


def _status(account: Account) -> str:
    return account.status.lower() if account.is_enabled else f"{account.status.lower()}, disabled"


async def _gathered(console: Console, title: str, found: AsyncIterator[T]) -> list[T]:
    """All of them, with a bar on the way."""
    kept: list[T] = []
    with console.progress(title, total=None) as advance:
        async for each in found:
            kept.append(each)
            advance(1)
    return kept


class _Bring:
    """One run of a command that compares pool and Postgres, shows what it found, and writes it if it should."""

    def __init__(self, console: Console, pool: str, *, limit: int | None) -> None:
        self._console = console
        self._pool = pool
        self._limit = limit
        self._settings = read_settings(DatabaseSettings)

    async def update(self, *, apply: bool, yes: bool, production: bool) -> Code:
        async with open_user_store(self._settings) as store:
            findings = (await self._directory(store)).links()
            subjects = [each.work for each in findings if isinstance(each.work, NewSubject)]
            self._show(findings)
            if not apply or not subjects:
                return self._end(findings, len(subjects), "changed" if apply else "would change")
            self._ask(f"change the sub of {len(subjects):,} users", yes=yes, production=production)
            changed = await store.relink(subjects)
        code = self._end(findings, changed, "changed")
        return code if changed == len(subjects) else self._overtaken(len(subjects) - changed)

    async def sync(self, *, apply: bool, yes: bool, production: bool) -> Code:
        async with open_user_store(self._settings) as store:
            findings = (await self._directory(store)).missing()
            people = [each.work for each in findings if isinstance(each.work, NewUser)]
            self._show(findings)
            if not apply or not people:
                return self._end(findings, len(people), "created" if apply else "would create")
            self._ask(f"create {len(people):,} users", yes=yes, production=production)
            with self._console.progress("Users", total=len(people)) as advance:
                created = await _add(store, people, advance)
        code = self._end(findings, created, "created")
        return code if created == len(people) else self._overtaken(len(people) - created)

    async def _directory(self, store: UserStore) -> Directory:
        async with _open_pool(self._pool) as aws:
            pool = await _gathered(self._console, "Accounts", accounts(aws, self._pool))
        return Directory(pool, await _gathered(self._console, "Users", users(store)))

    def _ask(self, deed: str, *, yes: bool, production: bool) -> None:
        require_consent_off_this_machine(self._settings, deed, yes=yes, production=production)

    def _show(self, findings: Sequence[Finding]) -> None:
        """Everybody but those who are as they should be; first those whom somebody has to look at."""
        shown = sorted(
            (each for each in findings if each.kind is not Kind.SAME), key=lambda each: each.kind not in LEFT
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
        """Counts, what to do next, and the exit code."""
        counts = Counter(each.kind for each in findings)
        left = sum(counts[kind] for kind in LEFT)
        kinds = ", ".join(f"{counts[kind]:,} {kind}" for kind in Kind if counts[kind]) or "nobody on either side"
        self._console.say(f"{kinds}. {verb.capitalize()} {written:,}.")
        if verb.startswith("would") and written:
            self._console.say("Nothing was written: --apply does it.")
        self._console.record({"counts": counts, verb.replace(" ", "_"): written, "left": left})
        return Code.USAGE if left else Code.DONE

    def _overtaken(self, count: int) -> Code:
        self._console.note(f"{count:,} have changed meanwhile and were left as they are: run it again.")
        return Code.USAGE


async def _add(store: UserStore, people: Sequence[NewUser], advance: Advance) -> int:
    created = 0
    for chunk in batched(people, CHUNK):
        created += await store.add_all(chunk)
        advance(len(chunk))
    return created


def _say_more(console: Console, found: Sequence[object], limit: int | None) -> None:
    if limit is not None and len(found) > limit:
        console.say(f"… and {len(found) - limit:,} more: --all shows them")
