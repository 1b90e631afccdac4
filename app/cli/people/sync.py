"""Comparing the accounts of a user pool with the users in Postgres, and writing what differs."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from typing import Final, TypeVar
from uuid import UUID

from app.cli.batches import batched
from app.cli.console import Console, readable
from app.cli.failures import Code, Failure
from app.cli.people.directory import ORDER, UNMATCHED, Directory, Finding, Status, accounts, users
from app.cli.services import aws_account, is_own_table, open_table, open_user_store
from app.cli.target import announce, require_consent_off_this_machine
from app.errors import NotFound
from app.gateways.aws import Aws, open_aws
from app.messaging import inbox_items, inbox_queries
from app.settings import DatabaseSettings, NameSettings, TableSettings, read_settings
from app.users.models import NewSubject, NewUser, User
from app.users.name_rules import NameRules
from app.users.store import UserStore

T = TypeVar("T")

BATCH: Final = 1_000


class SyncSettings(DatabaseSettings, NameSettings):
    """The database, and the rules for the names of new users."""


@asynccontextmanager
async def open_pool(pool: str) -> AsyncIterator[Aws]:
    """Open a user pool, after saying on standard error where it is, or raise a Failure if it is not there."""
    region = pool.partition("_")[0]
    async with open_aws(read_settings(TableSettings)) as aws:
        if await aws.is_amazon("cognito-idp", region=region):
            announce(f"{await aws_account(aws)}, region {region}, user pool {pool}")
        else:
            announce(f"emulator {await aws.endpoint('cognito-idp', region=region)}, user pool {pool}")
        try:
            yield aws
        except NotFound as error:
            raise Failure(f"There is no user pool {pool} in this account and region: {error}") from None


async def collect(console: Console, title: str, found: AsyncIterator[T]) -> list[T]:
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
        self.settings = read_settings(SyncSettings)

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
            created, verb = len(missing), "created" if apply else "would create"
            if apply and (missing or disabled):
                action = f"create {len(missing):,} users and disable {len(disabled):,}"
                self._ask(action, yes=yes, production=production)
                await store.disable(disabled)
                with closing(self._console.batches("Users", missing, BATCH, total=len(missing))) as batches:
                    created = sum([await store.add_all(batch) for batch in batches])
        code = self._end(findings, created, verb)
        if lost:
            raise Failure(
                f"No user is created: {len(lost):,} users of the conversations are not in Postgres, such as {lost[0]},"
                " and an account may be theirs. Import them first, or give --new-uuids.",
                Code.REFUSED,
            )
        return code if created == len(missing) else self._overtaken(len(missing) - created)

    async def _lost_users(self, store: UserStore) -> list[UUID]:
        """Return the users with an inbox that are not in Postgres: 0.5 RCU for each 4 KB of the table's index."""
        found: set[UUID] = set()
        async with open_table(read_settings(TableSettings)) as table:
            if not await is_own_table(table):
                return []
            with self._console.progress("Inboxes", total=None) as advance:
                async for page in table.scan(index=inbox_items.INBOX_INDEX):
                    found.update(map(inbox_queries.owner, page))
                    advance(len(page))
        known = {user.uuid for batch in batched(sorted(found), BATCH) for user in await store.by_uuids(batch)}
        return sorted(found - known)

    async def _directory(self, store: UserStore, rules: NameRules | None = None) -> Directory:
        async with open_pool(self._pool) as aws:
            pool = await collect(self._console, "Accounts", accounts(aws, self._pool))
        erased = await store.erasures.erased_subjects([account.sub for account in pool])
        return Directory(pool, await collect(self._console, "Users", users(store)), rules, erased)

    def _ask(self, action: str, *, yes: bool, production: bool) -> None:
        require_consent_off_this_machine(self.settings, action, yes=yes, production=production)

    def _show(self, findings: Sequence[Finding]) -> None:
        """Show the findings but for those without a difference, clashes first."""
        shown = sorted((each for each in findings if each.kind is not Status.SAME), key=lambda it: ORDER.index(it.kind))
        for each in shown:
            self._console.record({"finding": each.kind, "handle": each.handle or None, "detail": each.detail})
        rows = [
            (each.kind, f"@{readable(each.handle)}" if each.handle else "–", readable(each.detail))
            for each in shown[: self._limit]
        ]
        if rows:
            self._console.table(("finding", "handle", "detail"), rows)
        say_more(self._console, shown, self._limit)

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


def say_more(console: Console, found: Sequence[object], limit: int | None) -> None:
    """Say how many of a list were not shown."""
    if limit is not None and len(found) > limit:
        console.say(f"… and {len(found) - limit:,} more: --all shows them")
