"""The accounts of a Cognito user pool compared with the users in Postgres."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from pydantic import ValidationError

from app.users.errors import HandleReserved
from app.users.models import NewSubject, NewUser, User, fold_handle
from app.users.name_rules import NameRules
from app.users.schemas import UserCreate

if TYPE_CHECKING:
    from app.gateways.aws import Aws
    from app.users.store import UserStore

PAGE = 60
"""Accounts in one response, the most that ListUsers returns."""
ROWS = 5_000
UNCONFIRMED = frozenset({"UNCONFIRMED", "ARCHIVED", "COMPROMISED", "UNKNOWN"})
"""States of accounts that cannot sign in. They count for nothing: signing up makes such an account with any handle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the pool. Any of sub, handle and name may be missing; the handle is folded."""

    username: str
    sub: str = ""
    handle: str = ""
    name: str = ""
    status: str = ""
    is_enabled: bool = True
    created_at: datetime | None = None

    @property
    def is_confirmed(self) -> bool:
        """Return whether the account counts; a disabled one does, as its user is to stay its user."""
        return self.status not in UNCONFIRMED

    @property
    def state(self) -> str:
        """Return the status in words, and whether the account is disabled."""
        return self.status.lower() + ("" if self.is_enabled else ", disabled")

    @classmethod
    def of(cls, user: Mapping[str, Any]) -> Self:
        """Return the account that ListUsers describes."""
        attributes = {each["Name"]: each.get("Value", "") for each in user.get("Attributes", ())}
        return cls(
            username=user["Username"],
            sub=attributes.get("sub", ""),
            handle=fold_handle(attributes.get("preferred_username", "").strip()),
            name=attributes.get("name", ""),
            status=user.get("UserStatus", ""),
            is_enabled=user.get("Enabled", True),
            created_at=user.get("UserCreateDate"),
        )

    def new_user(self, rules: NameRules | None) -> NewUser | None:
        """Return a user by the rules of registration, named by its handle if the name breaks them; None if both do.

        The e-mail address stays at Cognito.
        """
        for name in (self.name, self.handle):
            if rules and name != self.handle and rules.refusal(display_name=name):
                continue
            try:
                valid = UserCreate(handle=self.handle, display_name=name)
            except ValidationError:
                continue
            return NewUser(uuid4(), valid.handle, valid.display_name, self.sub)
        return None

    def to_record(self) -> dict[str, object]:
        """Return what the service needs of the account, for machines."""
        return {
            "username": self.username,
            "sub": self.sub or None,
            "handle": self.handle or None,
            "name": self.name or None,
            "status": self.status,
            "enabled": self.is_enabled,
            "created_at": self.created_at and self.created_at.isoformat(),
        }


async def accounts(aws: "Aws", pool: str) -> AsyncIterator[Account]:
    """Yield the accounts of a pool, whose id begins with its region."""
    # AttributesToGet fails for a pool in which an account lacks one of them.
    region = pool.partition("_")[0]
    pages = aws.items(
        "cognito-idp", "list_users", "Users", more="PaginationToken", region=region, UserPoolId=pool, Limit=PAGE
    )
    async for user in pages:
        yield Account.of(user)


async def users(store: "UserStore") -> AsyncIterator[User]:
    """Yield the users in Postgres, in the order of their handles."""
    after = ""
    while rows := await store.search.by_handle_prefix("", after=after, limit=ROWS, with_hidden=True):
        for row in rows:
            yield row
        after = rows[-1].handle


class Status(StrEnum):
    """The result of comparing a user or an account."""

    CHANGE = "change"
    CREATE = "create"
    DISABLE = "disable"
    SKIP = "skip"
    SAME = "same"
    RENAMED = "renamed"
    CLASH = "clash"
    NO_ACCOUNT = "no account"
    NO_USER = "no user"
    INCOMPLETE = "incomplete"
    BAD_HANDLE = "bad handle"
    RESERVED = "reserved"


UNMATCHED = frozenset(
    {Status.CLASH, Status.NO_ACCOUNT, Status.NO_USER, Status.INCOMPLETE, Status.BAD_HANDLE, Status.RESERVED}
)
"""Findings that the operator has to resolve."""

ORDER = [Status.CLASH, *sorted(UNMATCHED - {Status.CLASH}), *(each for each in Status if each not in UNMATCHED)]
"""The order in which findings are shown: clashes first, then the others that the operator has to resolve."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding about a user or an account; `change` is what --apply writes, of a User that it is disabled."""

    kind: Status
    handle: str
    detail: str = ""
    change: NewSubject | NewUser | User | None = None


class Directory:
    """The accounts and the users, indexed by handle and sub."""

    def __init__(
        self,
        pool: Iterable[Account],
        rows: Iterable[User],
        rules: NameRules | None = None,
        erased: Collection[str] = frozenset(),
    ) -> None:
        """Without rules, users may also be created with reserved handles and names.

        Accounts with the subjects `erased` count for nothing: their users are erased.
        """
        self.rules = rules
        self.rows = list(rows)
        self.by_handle = {row.handle: row for row in self.rows}
        self.by_sub = {row.cognito_user_id: row for row in self.rows}
        found = list(pool)
        self.erased = [account for account in found if account.sub in erased]
        counted = [account for account in found if account.sub not in erased]
        self.subs = {account.sub: account for account in counted if account.sub}
        self.unconfirmed = {account.handle: account for account in counted if not account.is_confirmed}
        confirmed = [account for account in counted if account.is_confirmed]
        self.incomplete = [account for account in confirmed if not account.sub or not account.handle]
        self.accounts: defaultdict[str, list[Account]] = defaultdict(list)
        for account in confirmed:
            if account.sub and account.handle:
                self.accounts[account.handle].append(account)

    def links(self) -> list[Finding]:
        """Return the findings about giving each user the sub of the account with the same handle."""
        findings = [self._link(row) for row in self.rows]
        for handle, found in self.accounts.items():
            if handle in self.by_handle:
                continue
            holder = self.by_sub.get(found[0].sub)
            if len(found) > 1:
                findings.append(_shared(handle, found))
            elif not holder or self._link(holder).kind is Status.CHANGE:  # else the user is reported as renamed
                findings.append(Finding(Status.NO_USER, handle, f"account {found[0].username} has no user in Postgres"))
        return [*findings, *self._incomplete(), *self._ignored()]

    def missing(self) -> list[Finding]:
        """Return the findings about having a user for each account, disabled if the account is."""
        disabled = [
            Finding(Status.DISABLE, row.handle, "its account is disabled in the pool", row)
            for sub, account in self.subs.items()
            if not account.is_enabled and (row := self.by_sub.get(sub)) and not row.is_disabled
        ]
        created = (self._create(handle, found) for handle, found in self.accounts.items())
        return [*disabled, *created, *self._incomplete(), *self._ignored()]

    def _link(self, row: User) -> Finding:
        found = self.accounts.get(row.handle, ())
        if len(found) > 1:
            return _shared(row.handle, found)
        if found:
            return self._move(row, found[0].sub)
        account = self.subs.get(row.cognito_user_id)
        if account is None and row.handle in self.unconfirmed:
            return Finding(Status.NO_ACCOUNT, row.handle, "the account with this handle is not confirmed")
        if account is None:
            return Finding(Status.NO_ACCOUNT, row.handle, "no account in the pool has this handle")
        if account.handle == row.handle:
            return Finding(Status.SAME, row.handle)
        state = f"is {account.handle} in the pool" if account.handle else "has no preferred_username in the pool"
        return Finding(Status.RENAMED, row.handle, f"{state}, but has the same sub")

    def _move(self, row: User, sub: str) -> Finding:
        if sub == row.cognito_user_id:
            return Finding(Status.SAME, row.handle)
        if holder := self._blocking_user(row, sub):
            return Finding(Status.CLASH, row.handle, f"the sub of its account, {sub}, is already @{holder.handle}'s")
        change = NewSubject(row.uuid, row.cognito_user_id, sub)
        return Finding(Status.CHANGE, row.handle, f"{row.cognito_user_id} -> {sub}", change)

    def _blocking_user(self, row: User, sub: str) -> User | None:
        """Return the user that has the sub and keeps it. Users that get another sub give theirs up, also in a cycle."""
        holder = first = self.by_sub.get(sub)
        for _ in self.rows:
            if holder is None or holder == row:
                return None
            found = self.accounts.get(holder.handle, ())
            wanted = found[0].sub if len(found) == 1 else holder.cognito_user_id
            if wanted == holder.cognito_user_id:
                break
            holder = self.by_sub.get(wanted)
        return first

    def _create(self, handle: str, found: Sequence[Account]) -> Finding:
        if len(found) > 1:
            return _shared(handle, found)
        account = found[0]
        if row := self.by_sub.get(account.sub):
            return Finding(Status.SAME, row.handle)
        if handle in self.by_handle:
            return Finding(
                Status.CLASH, handle, "a user has this handle, with another sub: see update-cognito-user-ids"
            )
        return self._create_user(handle, account)

    def _create_user(self, handle: str, account: Account) -> Finding:
        if not account.is_enabled:
            return Finding(Status.SKIP, handle, "its account is disabled in the pool")
        if (user := account.new_user(self.rules)) is None:
            return Finding(Status.BAD_HANDLE, handle, "a handle has 3 to 30 of a-z, 0-9 and _")
        if self.rules and isinstance(self.rules.refusal(handle=handle, display_name=user.display_name), HandleReserved):
            return Finding(Status.RESERVED, handle, "its handle is reserved: --allow-reserved creates the user")
        return Finding(Status.CREATE, handle, f"{user.display_name} ({user.cognito_user_id})", user)

    def _incomplete(self) -> Iterator[Finding]:
        for account in self.incomplete:
            if account.sub not in self.by_sub:
                needed = {"preferred_username": account.handle, "sub": account.sub}
                missing = " or ".join(name for name, value in needed.items() if not value)
                yield Finding(Status.INCOMPLETE, account.handle, f"account {account.username} has no {missing}")

    def _ignored(self) -> Iterator[Finding]:
        for account in self.erased:
            yield Finding(Status.SKIP, account.handle, f"the user of account {account.username} is erased: delete it")
        for account in self.unconfirmed.values():
            if account.sub not in self.by_sub and account.handle not in self.by_handle:
                yield Finding(Status.SKIP, account.handle, f"account {account.username} is not confirmed")


def _shared(handle: str, found: Sequence[Account]) -> Finding:
    names = ", ".join(account.username + ("" if account.is_enabled else " (disabled)") for account in found)
    return Finding(Status.CLASH, handle, f"{len(found)} accounts of the pool have this handle: {names}")
