"""Pairs: checks what two users have of one another, their blocks and requests, against rows and logs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeVar
from uuid import UUID

from app.cli.services import Services
from app.cli.table.changed import settle
from app.cli.table.findings import Finding
from app.errors import AppError
from app.gateways.dynamodb import ConditionFailed
from app.messaging.models import direct_group_uuid

T = TypeVar("T")


class PairInspector:
    """Checks pairs with strongly consistent reads, twice, and repairs what they have if asked to."""

    def __init__(self, services: Services, *, repair: bool) -> None:
        self._store = services.messaging
        self._erasures = services.user_store.erasures
        self._repair = repair

    async def inspect_blocks(self, pair: tuple[UUID, UUID]) -> AsyncIterator[Finding]:
        """Yield what does not follow from the blocks of two users; nothing if one of them is erased."""
        if await self._erasures.erased_users(pair):
            return
        relation = await _settled(partial(self._store.blocks.relation, *pair))
        if relation and relation.differences:
            is_repaired = self._repair and await _is_done(self._store.blocks.restore(*pair))
            detail = (
                f"{' and '.join(relation.differences)} does not follow the blocks of {' and '.join(map(str, pair))}"
            )
            yield Finding("block-differs", detail, relation.group, repaired=is_repaired)

    async def inspect_requests(self, pair: tuple[UUID, UUID]) -> AsyncIterator[Finding]:
        """Yield what does not fit in the rows of a request."""
        standing = await _settled(partial(self._store.requests.standing, *pair))
        if standing and standing.differences:
            is_repaired = self._repair and await _is_done(self._store.requests.restore(standing))
            leading = "the log, which has an answer" if standing.has_answer else "the row of the other"
            detail = f"{' and '.join(standing.differences)} does not follow {leading}"
            yield Finding("request-differs", detail, standing.rows[0].group_uuid, repaired=is_repaired)


async def inspect_doubled(found: Iterable[tuple[UUID, UUID, list[UUID]]]) -> AsyncIterator[Finding]:
    """Yield the pairs that share these groups, of which one is theirs."""
    for one, other, groups in found:
        true = direct_group_uuid(one, other)
        yield Finding("double-group", f"{one} and {other} share {', '.join(map(str, groups))}; theirs is {true}")


async def _settled(read: Callable[[], Awaitable[T]]) -> T | None:
    """Return what is read twice, None if it is being written."""
    before = await read()
    await settle()
    after = await read()
    return after if after == before else None


async def _is_done(repair: Awaitable[None]) -> bool:
    with suppress(AppError, ConditionFailed):
        await repair
        return True
    return False
