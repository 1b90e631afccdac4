"""Limits: what an operation spends before it runs."""

from collections.abc import Callable, Mapping
from typing import Final

from app.limits import rates
from app.limits.buckets import EVERY_KEY, Buckets, Fields
from app.limits.caller import caller


class Limits:
    """The limits of a process. Its methods raise TooManyRequests."""

    def __init__(
        self, allowances: Mapping[str, float] | None = None, refused: Callable[[str], None] = lambda _: None
    ) -> None:
        """`allowances` and `refused` are those of Buckets."""
        buckets = Buckets(allowances, refused)
        self.of, self.settling = buckets.of, buckets.settling

    def admit_account(self, operation: str, account: str) -> Fields:
        """Spend one call of an operation, and return the RateLimit fields of its answer."""
        quota = self.of(account)
        caller.set(quota)
        for budget in rates.BUDGETS_OF.get(operation, rates.BUDGETS):
            quota.require(budget)
        rate = rates.OPERATIONS.get(operation, rates.READ)
        quota.take(rate)
        return quota.fields(rate)

    def admit_address(self, operation: str, address: str) -> None:
        """Spend one call of an operation that an address has a rate for."""
        caller.set(None)
        if rate := rates.ADDRESS_OPERATIONS.get(operation):
            self.of(address).take(rate)


NO_LIMITS: Final = Limits({EVERY_KEY: 1e9})
"""The limits of work outside of the service, as that of tests and of the command line."""
