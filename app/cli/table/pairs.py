"""Pairs: checks what two users have of one another, their blocks and requests, against rows and logs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from uuid import UUID

from app.cli.services import Services
from app.cli.table.audit import Audit
from app.cli.table.changed import SETTLING_SECONDS
from app.cli.table.findings import Finding
from app.errors import AppError
from app.gateways.dynamodb import ConditionFailed
from app.messaging.requests.store import Standing


class PairInspector:
    """Checks pairs with strongly consistent reads, twice, and repairs what they have if asked to."""

    def __init__(self, services: Services, *, repair: bool) -> None:
        self._store = services.messaging
        self._erasures = services.user_store.erasures
        self._repair = repair

    async def inspect(self, audit: Audit) -> AsyncIterator[Finding]:
        """Yield what does not follow from the blocks and requests of pairs now."""
        for one, other in audit.pairs.blocks_to_check():
            if finding := await self._inspect_blocks(one, other):
                yield finding
        for one, other in audit.pairs.requests_to_check():
            if finding := await self._inspect_request(one, other):
                yield finding

    async def _inspect_blocks(self, one: UUID, other: UUID) -> Finding | None:
        """Return what does not follow from the blocks of two users, neither erased, unless a block is being written."""
        if await self._erasures.erased_users([one, other]):
            return None
        before = await self._store.blocks.relation(one, other)
        await asyncio.sleep(SETTLING_SECONDS)
        relation = await self._store.blocks.relation(one, other)
        if not relation.differences or relation != before:
            return None
        is_repaired = self._repair and await _is_done(self._store.blocks.restore(one, other))
        detail = f"{' and '.join(relation.differences)} does not follow the blocks of {one} and {other}"
        return Finding("block-differs", detail, relation.group, repaired=is_repaired)

    async def _inspect_request(self, one: UUID, other: UUID) -> Finding | None:
        """Return what does not fit in the rows of a request between two users, unless they are being written."""
        before = await self._store.requests.standing(one, other)
        await asyncio.sleep(SETTLING_SECONDS)
        standing = await self._store.requests.standing(one, other)
        if standing is None or not standing.differences or standing != before:
            return None
        is_repaired = self._repair and await _is_done(self._store.requests.restore(standing))
        return Finding("request-differs", _detail(standing), standing.rows[0].group_uuid, repaired=is_repaired)


def _detail(standing: Standing) -> str:
    leading = "the log, which has an answer" if standing.has_answer else "the row of the other"
    return f"{' and '.join(standing.differences)} does not follow {leading}"


async def _is_done(repair: Awaitable[None]) -> bool:
    with suppress(AppError, ConditionFailed):
        await repair
        return True
    return False
