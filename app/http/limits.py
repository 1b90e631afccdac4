"""Limits on all requests: how many run at once, in all and of one account, and the traffic of what needs no account.

A request above them is refused at once, not queued.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

from app.errors import Overloaded
from app.http.context import Place, address_of, context_of
from app.limits.rates import ADDRESS_TRAFFIC, TRAFFIC, Rate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UNLIMITED: Final = frozenset({"/api/health-check", "/api/events", "/healthz", "/readyz", "/metrics"})
"""Health checks are never refused; event streams, which are idle most of the time, have a limit of their own."""


class CountedPlace(Place):
    """A running request, which counts while it is not waiting for its client."""

    def __init__(self, running: Counter[str], limit: int, limit_per_account: int) -> None:
        self._running = running
        self._limit = limit
        self._limit_per_account = limit_per_account
        self._account = ""
        self._is_taken = False

    def take(self) -> None:
        if self._running[""] >= self._limit:
            raise Overloaded
        self._running[""] += 1
        self._is_taken = True
        if self._account:
            self._count_account()

    def assign(self, account: str) -> None:
        self._account = account
        self._count_account()

    def _count_account(self) -> None:
        self._running[self._account] += 1
        if self._running[self._account] > self._limit_per_account:
            raise Overloaded(f"An account may have {self._limit_per_account} requests at once: wait for their answers")

    def leave(self) -> None:
        if not self._is_taken:
            return
        self._is_taken = False
        self._running[""] -= 1
        if self._account:
            self._running[self._account] -= 1
            if not self._running[self._account]:
                del self._running[self._account]


class LimitsMiddleware:
    """Refuses requests above the limits. Idle connections and missing bodies do not count.

    Raises Overloaded for those of the API, TooManyRequests for others.
    """

    def __init__(self, app: "ASGIApp", limit: int, limit_per_account: int) -> None:
        self._app = app
        self._limit = limit
        self._limit_per_account = limit_per_account
        self._running: Counter[str] = Counter()
        """Running requests by account, and of all accounts under an empty name."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            return await self._app(scope, receive, send)
        if not scope["path"].startswith("/api/"):
            context_of(scope).limits.of(address_of(scope)).require(ADDRESS_TRAFFIC)
            return await self._app(scope, receive, send)
        place = context_of(scope).place = CountedPlace(self._running, self._limit, self._limit_per_account)
        place.take()
        try:
            await self._app(scope, receive, send)
        finally:
            place.leave()


def debit_traffic(scope: "Scope", rate: Rate = TRAFFIC) -> None:
    """Debit the bytes that a response has sent, to the account if the request has one, else to the address."""
    context = context_of(scope)
    sent, context.sent = context.sent, 0
    if context.claims:
        context.limits.of(context.claims.sub).debit(rate, sent)
    else:
        context.limits.of(address_of(scope)).debit(ADDRESS_TRAFFIC, sent)
