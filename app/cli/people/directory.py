"""The Cognito user pool against the users in Postgres: who is who, who is missing where, what cannot be told."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from pydantic import ValidationError

from app.users.models import NewSubject, NewUser, User, fold_handle
from app.users.schemas import UserCreate

if TYPE_CHECKING:
    from app.gateways.aws import Aws
    from app.users.store import UserStore

PAGE = 60
"""Accounts in one answer, the most that ListUsers gives."""
ROWS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of the pool. Any of sub, handle and name may be missing; the handle is in lower case."""

    username: str
    sub: str = ""
    handle: str = ""
    name: str = ""
    status: str = ""
    is_enabled: bool = True
    created_at: datetime | None = None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From ListUsers."""
        attributes = {each["Name"]: each.get("Value", "") for each in answer.get("Attributes", ())}
        return cls(
            username=answer["Username"],
            sub=attributes.get("sub", ""),
            handle=fold_handle(attributes.get("preferred_username", "").strip()),
            name=attributes.get("name", ""),
            status=answer.get("UserStatus", ""),
            is_enabled=answer.get("Enabled", True),
            created_at=answer.get("UserCreateDate"),
        )


async def accounts(aws: "Aws", pool: str) -> AsyncIterator[Account]:
    """Everybody in the pool. Its id begins with its region."""
    # AttributesToGet would fail for a pool where somebody lacks one of them.
    pages = aws.items(
        "cognito-idp", "list_users", "Users",
        more="PaginationToken", region=pool.partition("_")[0], UserPoolId=pool, Limit=PAGE,
    )  # fmt: skip
    async for answer in pages:
        yield Account.of(answer)


async def users(store: "UserStore") -> AsyncIterator[User]:
    """Everybody in Postgres, in the order of their handles."""
    after = ""
    while rows := await store.by_handle_prefix("", after=after, limit=ROWS):
        for row in rows:
            yield row
        after = rows[-1].handle


class Kind(StrEnum):
    """What can be said of somebody."""

    CHANGE = "change"
    CREATE = "create"
    SAME = "same"
    RENAMED = "renamed"
    CLASH = "clash"
    NO_ACCOUNT = "no account"
    NO_USER = "no user"
    INCOMPLETE = "incomplete"
    BAD_HANDLE = "bad handle"


LEFT = frozenset({Kind.CLASH, Kind.NO_ACCOUNT, Kind.NO_USER, Kind.INCOMPLETE, Kind.BAD_HANDLE})
"""What a person has to look at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One person; `work` is what applying it would write."""

    kind: Kind
    handle: str
    detail: str = ""
    work: NewSubject | NewUser | None = None


class Directory:
    """Both sides, by everything that they may be found by."""

    def __init__(self, pool: Iterable[Account], rows: Iterable[User]) -> None:
        self.rows = list(rows)
        self.by_handle = {row.handle: row for row in self.rows}
        self.by_sub = {row.cognito_user_id: row for row in self.rows}
        self.incomplete: list[Account] = []
        self.accounts: defaultdict[str, list[Account]] = defaultdict(list)
        self.subs: dict[str, Account] = {}
        for account in pool:
            self._add(account)

    def _add(self, account: Account) -> None:
        if account.sub:
            self.subs[account.sub] = account
        if account.sub and account.handle:
            self.accounts[account.handle].append(account)
        else:
            self.incomplete.append(account)

    def links(self) -> list[Finding]:
        """What it takes to give every user the subject of the account with the same handle."""
        of_rows = [self._link(row) for row in self.rows]
        of_others = [self._without_row(at) for at, _ in self.accounts.items() if at not in self.by_handle]
        return [*of_rows, *filter(None, of_others), *self._incomplete()]

    def missing(self) -> list[Finding]:
        """What it takes to have a user for every account."""
        return [*(self._create(handle, found) for handle, found in self.accounts.items()), *self._incomplete()]

    def _link(self, row: User) -> Finding:
        found = self.accounts.get(row.handle, ())
        if len(found) > 1:
            return _shared(row.handle, found)
        if not found:
            return self._unmatched(row)
        return self._move(row, found[0].sub)

    def _unmatched(self, row: User) -> Finding:
        if (account := self.subs.get(row.cognito_user_id)) is None:
            return Finding(Kind.NO_ACCOUNT, row.handle, "no account in the pool has this handle")
        called = f"is {account.handle} in the pool" if account.handle else "has no preferred_username in the pool"
        return Finding(Kind.RENAMED, row.handle, f"{called}, and the same person by its sub")

    def _move(self, row: User, sub: str) -> Finding:
        if sub == row.cognito_user_id:
            return Finding(Kind.SAME, row.handle)
        if holder := self._in_the_way(row, sub):
            return Finding(Kind.CLASH, row.handle, f"the sub of its account, {sub}, is already @{holder.handle}'s")
        work = NewSubject(row.uuid, row.cognito_user_id, sub)
        return Finding(Kind.CHANGE, row.handle, f"{row.cognito_user_id} -> {sub}", work)

    def _wanted(self, row: User) -> str:
        """The sub that the pool has for this handle, if there is exactly one."""
        found = self.accounts.get(row.handle, ())
        return found[0].sub if len(found) == 1 else row.cognito_user_id

    def _in_the_way(self, row: User, sub: str) -> User | None:
        """Who has the sub and keeps it. Whoever moves on makes way, also in a circle."""
        holder = first = self.by_sub.get(sub)
        for _ in self.rows:
            if holder is None or holder == row:
                return None
            wanted = self._wanted(holder)
            if wanted == holder.cognito_user_id:
                break
            holder = self.by_sub.get(wanted)
        return first

    def _without_row(self, handle: str) -> Finding | None:
        found = self.accounts[handle]
        if len(found) > 1:
            return _shared(handle, found)
        holder = self.by_sub.get(found[0].sub)
        if holder and self._link(holder).kind is not Kind.CHANGE:
            return None  # the row says so itself, as renamed
        return Finding(Kind.NO_USER, handle, f"account {found[0].username} has no row in Postgres")

    def _create(self, handle: str, found: Sequence[Account]) -> Finding:
        if len(found) > 1:
            return _shared(handle, found)
        account = found[0]
        if row := self.by_sub.get(account.sub):
            return Finding(Kind.SAME, row.handle)
        if handle in self.by_handle:
            return Finding(Kind.CLASH, handle, "a user has this handle, with another sub: see update-cognito-user-ids")
        if (user := _new_user(account)) is None:
            return Finding(Kind.BAD_HANDLE, handle, "a handle has 3 to 30 of a-z, 0-9 and _")
        return Finding(Kind.CREATE, handle, f"{user.display_name} ({user.cognito_user_id})", user)

    def _incomplete(self) -> Iterator[Finding]:
        for account in self.incomplete:
            if account.sub not in self.by_sub:
                missing = " or ".join(name for name, value in _needed(account).items() if not value)
                yield Finding(Kind.INCOMPLETE, account.handle, f"account {account.username} has no {missing}")


def _needed(account: Account) -> dict[str, str]:
    return {"preferred_username": account.handle, "sub": account.sub}


def _shared(handle: str, found: Sequence[Account]) -> Finding:
    names = ", ".join(account.username for account in found)
    return Finding(Kind.CLASH, handle, f"{len(found)} accounts of the pool have this handle: {names}")


def _new_user(account: Account) -> NewUser | None:
    """By the rules of registration; a name that does not pass them is replaced by the handle. E-mail stays there."""
    for name in (account.name, account.handle):
        try:
            passed = UserCreate(handle=account.handle, display_name=name)
        except ValidationError:
            continue
        return NewUser(uuid4(), passed.handle, passed.display_name, account.sub)
    return None
