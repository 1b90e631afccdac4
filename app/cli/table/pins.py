"""The check of users' pinned groups: rows have the positions that the user's pins say."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from uuid import UUID

from app.cli.services import Services
from app.cli.table.changed import SETTLING_SECONDS
from app.cli.table.findings import Finding
from app.errors import AppError
from app.gateways.dynamodb import TransactionRejected
from app.messaging.my_view.pins import restored
from app.messaging.my_view.store import ViewStore


async def inspect_pins(users: Iterable[UUID], services: Services, *, repair: bool) -> AsyncIterator[Finding]:
    """Yield the users whose rows and pins differ now, and make the pins as the rows say if asked to."""
    views = ViewStore(services.table)
    for user in users:
        if not await _differ(user, services, views):
            continue
        await asyncio.sleep(SETTLING_SECONDS)  # they may have been written between the two reads
        if await _differ(user, services, views):
            is_repaired = repair and await _restore(user, services, views)
            yield Finding("pins-differ", "rows have other positions than the pins", user=user, repaired=is_repaired)


async def _differ(user: UUID, services: Services, views: ViewStore) -> bool:
    rows = await services.messaging.inbox_rows(user, consistent=True)
    return bool(restored(await views.pins(user), rows))


async def _restore(user: UUID, services: Services, views: ViewStore) -> bool:
    with suppress(AppError, TransactionRejected):
        await views.restore_pins(user, await services.messaging.inbox_rows(user, consistent=True))
        return True
    return False
