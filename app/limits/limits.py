"""Limits: the buckets that each operation spends from, and the budgets that are debited with what a caller used."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from app.errors import AppError
from app.gateways.dynamodb import Meter
from app.limits import rates
from app.limits.buckets import EVERY_KEY, Buckets, Fields, Quota
from app.limits.rates import Rate

caller: Final[ContextVar[Quota | None]] = ContextVar("caller", default=None)
"""The account whose call runs; None for work that no call began. Background work that a call starts inherits it."""


class Limits:
    """The limits of a process. Its methods raise TooManyRequests."""

    def __init__(
        self, allowances: Mapping[str, float] | None = None, refused: Callable[[str], None] = lambda _: None
    ) -> None:
        """`allowances` are those of Buckets; `refused` counts refusals by the name of their rate."""
        buckets = Buckets(allowances, refused)
        self.of, self.settling = buckets.of, buckets.settling

    def admit_account(self, operation: str, account: str) -> Fields:
        """Spend one call of an operation, and return the RateLimit fields of its answer."""
        quota = self.of(account)
        caller.set(quota)
        for budget in rates.WRITE_BUDGETS if operation in rates.WRITES else rates.BUDGETS:
            quota.require(budget)
        rate = rates.OPERATIONS.get(operation, rates.READ)
        quota.take(rate)
        return quota.fields(rate)

    def admit_address(self, operation: str, address: str) -> None:
        """Spend one call of an operation that an address has a rate for."""
        caller.set(None)
        if rate := rates.ADDRESS_OPERATIONS.get(operation):
            self.of(address).take(rate)

    def take_own(self, rate: Rate) -> None:
        """Spend a unit of the caller's. Work without a caller has no limits."""
        if quota := caller.get():
            quota.take(rate)

    @contextmanager
    def charged_for(self, error: type[AppError], rate: Rate) -> Iterator[None]:
        """Spend a unit of the caller's if the block raises this error. The block does not run unless there is one."""
        quota = caller.get()
        if quota:
            quota.require(rate)
        try:
            yield
        except error:
            if quota:
                quota.debit(rate)
            raise


NO_LIMITS: Final = Limits({EVERY_KEY: 1e9})
"""The limits of work outside of the service, as that of tests and of the command line."""


class CallerMeter:
    """A meter that debits the caller's budgets of capacity, and passes everything on to another meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.called, self.retried = meter.called, meter.retried

    def read(self, units: float, resource: str) -> None:
        """Record consumed RCU."""
        self._meter.read(units, resource)
        if quota := caller.get():
            quota.debit(rates.READ_CAPACITY, units)

    def wrote(self, units: float, resource: str) -> None:
        """Record consumed WCU."""
        self._meter.wrote(units, resource)
        if quota := caller.get():
            quota.debit(rates.WRITE_CAPACITY, units)
