"""The account whose call runs, and what it spends after its admission: in services, streams and background work."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from app.errors import AppError
from app.gateways.dynamodb import Meter
from app.limits.buckets import Quota
from app.limits.rates import READ_CAPACITY, THROUGHPUT, WRITE_CAPACITY, Rate

caller: Final[ContextVar[Quota | None]] = ContextVar("caller", default=None)
"""The quota of the account whose call runs. Background work that a call starts inherits it.

None for work that no call began, which has no limits.
"""


def take_own(rate: Rate) -> None:
    """Spend a unit of the caller's. Raises TooManyRequests."""
    if quota := caller.get():
        quota.take(rate)


def require_own(rate: Rate) -> None:
    """Raise TooManyRequests unless the caller has a unit left."""
    if quota := caller.get():
        quota.require(rate)


def refuse_own(rate: Rate) -> None:
    """Raise TooManyRequests, unless no caller has limits."""
    if quota := caller.get():
        raise quota.refusal(rate, quota.seconds_until(rate, 0))


def own_debt(rate: Rate) -> float:
    """Return the seconds until the caller has repaid what it owes of a bucket."""
    quota = caller.get()
    return quota.seconds_until(rate, 0) if quota else 0.0


async def wait_own(share: float, *budgets: Rate) -> None:
    """Wait until the caller has this share of each budget, unless other calls spend it meanwhile."""
    if quota := caller.get():
        await asyncio.sleep(max(quota.seconds_until(budget, share) for budget in budgets))


@contextmanager
def charged_for(error: type[AppError], rate: Rate) -> Iterator[None]:
    """Spend a unit of the caller's if the block raises this error. Raises TooManyRequests before the block."""
    require_own(rate)
    try:
        yield
    except error:
        if quota := caller.get():
            quota.debit(rate)
        raise


class CallerMeter:
    """A meter that debits the caller's budgets of capacity, and passes everything on to another meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.called, self.retried = meter.called, meter.retried

    def read(self, units: float, resource: str) -> None:
        """Record consumed RCU."""
        self._meter.read(units, resource)
        if quota := caller.get():
            for budget in (READ_CAPACITY, THROUGHPUT):
                quota.debit(budget, units)

    def wrote(self, units: float, resource: str) -> None:
        """Record consumed WCU."""
        self._meter.wrote(units, resource)
        if quota := caller.get():
            for budget in (WRITE_CAPACITY, THROUGHPUT):
                quota.debit(budget, units)
