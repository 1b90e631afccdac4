"""Limits on all requests: how many run at once, in all and of one account, and the traffic of what needs no account.

A request above them is refused at once, not queued. Within them, an account's requests take turns, and those that take
many units of capacity wait until these are repaid, so that a burst of one account delays the requests of others by the
work of a few.
"""

import asyncio
import time
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from app.concurrency import count_wait
from app.errors import Overloaded
from app.http.context import Place, address_of, context_of
from app.limits import own_debt, refuse_own, wait_own
from app.limits.buckets import Quota
from app.limits.rates import ADDRESS_TRAFFIC, REFUSAL, THROUGHPUT, TRAFFIC, Rate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UNLIMITED: Final = frozenset({"/api/health-check", "/api/events", "/healthz", "/readyz", "/metrics"})
"""Health checks are never refused; event streams, which are idle most of the time, have a limit of their own."""


TURNS: Final = 2
"""Requests of an account that work at the same time; the others wait."""
TURN_SECONDS: Final = 0.5, 1.0
"""The longest waits for a turn, of the first in the queue and of the last that an account may have. They count towards
the deadlines. So behind a dependency that hangs all requests begin to work, one after the other. A request of an
account that owes units waits for the longer, and is refused if they are not repaid by then."""


REFUSAL_SECONDS: Final = 2.0
"""The longest wait of a refusal for those before it."""


class Turns(asyncio.Semaphore):
    """The turns of an account."""

    def __init__(self) -> None:
        super().__init__(TURNS)
        self.waiting = 0
        self.alone = asyncio.Lock()
        """Held by a request that had to wait for units: what it takes is to be known before the next one begins."""


class Running:
    """The running requests of a process."""

    def __init__(self, limit: int, limit_per_account: int) -> None:
        self.limit = limit
        self.limit_per_account = limit_per_account
        self.counts: Counter[str] = Counter()
        """Running requests by account, and of all accounts under an empty name."""
        self._turns: WeakValueDictionary[str, Turns] = WeakValueDictionary()

    def take(self) -> None:
        """Count a request. Raises Overloaded."""
        if self.counts[""] >= self.limit:
            raise Overloaded
        self.counts[""] += 1

    def assign(self, account: str) -> None:
        """Count a request as an account's, too. Raises Overloaded, and has counted it then."""
        self.counts[account] += 1
        if self.counts[account] > self.limit_per_account:
            raise Overloaded(f"An account may have {self.limit_per_account} requests at once: wait for their answers")

    def remove(self, account: str) -> None:
        """Stop counting a request, and as its account's, if it has one."""
        self.counts[""] -= 1
        if account:
            self.counts[account] -= 1
            if not self.counts[account]:
                del self.counts[account]

    def turns_of(self, account: str) -> Turns:
        """Return the turns of an account, which exist for as long as a request has them."""
        turns = self._turns.get(account)
        if turns is None:
            turns = self._turns[account] = Turns()
        return turns


class CountedPlace(Place):
    """A running request, which counts while it is not waiting for its client."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._account = ""
        self._is_taken = False
        self._held: list[Turns | asyncio.Lock] = []
        """The request gives these back when it leaves."""

    def take(self) -> None:
        self._running.take()
        self._is_taken = True
        if self._account:
            self._running.assign(self._account)

    def assign(self, account: str) -> None:
        self._account = account
        self._running.assign(account)

    async def turn(self) -> None:
        if not self._account:
            return
        turns, debt = self._running.turns_of(self._account), own_debt(THROUGHPUT)
        if not debt and not turns.locked() and not turns.alone.locked():
            await self._hold(turns)
            return
        first, last = TURN_SECONDS
        share = 1 if debt else turns.waiting / self._running.limit_per_account
        started = time.monotonic()
        turns.waiting += 1
        try:
            async with asyncio.timeout(first + (last - first) * share):
                await self._hold(turns)
                if own_debt(THROUGHPUT) or turns.alone.locked():
                    await self._hold(turns.alone)
                    await wait_own(0, THROUGHPUT)
        except TimeoutError:
            if own_debt(THROUGHPUT) or turns.alone.locked():
                refuse_own(THROUGHPUT)
        finally:
            turns.waiting -= 1
        count_wait(time.monotonic() - started)

    async def _hold(self, lock: Turns | asyncio.Lock) -> None:
        await lock.acquire()
        self._held.append(lock)

    def leave(self) -> None:
        while self._held:
            self._held.pop().release()
        if self._is_taken:
            self._is_taken = False
            self._running.remove(self._account)


class LimitsMiddleware:
    """Refuses requests above the limits. Idle connections and missing bodies do not count.

    Raises Overloaded for those of the API, TooManyRequests for others.
    """

    def __init__(self, app: "ASGIApp", limit: int, limit_per_account: int) -> None:
        self._app = app
        self._running = Running(limit, limit_per_account)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            return await self._app(scope, receive, send)
        if not scope["path"].startswith("/api/"):
            context_of(scope).limits.of(address_of(scope)).require(ADDRESS_TRAFFIC)
            return await self._app(scope, receive, send)
        place = context_of(scope).place = CountedPlace(self._running)
        place.take()
        try:
            await self._app(scope, receive, send)
        finally:
            place.leave()


async def delay_refusal(scope: "Scope") -> None:
    """Wait before a request is refused whose account, or address, has got many refusals.

    A refusal takes as much of the processor as a small answer, and nothing else slows down a client that goes on. A
    request that waits has no place among the running ones. A 503 without an account, as of a health check, is no
    refusal.
    """
    context = context_of(scope)
    if not context.claims and context.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return
    quota = _quota_of(scope)
    quota.debit(REFUSAL)
    if seconds := quota.seconds_until(REFUSAL, 0):
        await asyncio.sleep(min(seconds, REFUSAL_SECONDS))


def debit_traffic(scope: "Scope", rate: Rate = TRAFFIC) -> None:
    """Debit the bytes that a response has sent, to the account if the request has one, else to the address."""
    context = context_of(scope)
    sent, context.sent = context.sent, 0
    _quota_of(scope).debit(rate if context.claims else ADDRESS_TRAFFIC, sent)


def _quota_of(scope: "Scope") -> Quota:
    """Return the buckets of the request's account if it has one, else of its address."""
    context = context_of(scope)
    return context.limits.of(context.claims.sub if context.claims else address_of(scope))
