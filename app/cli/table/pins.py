"""The check of users' pinned groups: rows have the positions that the user's pins say."""

from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

from app.cli.services import Services
from app.cli.table.changed import settle
from app.cli.table.findings import Finding
from app.errors import AppError
from app.gateways.dynamodb import TransactionRejected
from app.messaging.my_view.pins import restored


async def inspect_pins(user: UUID, *, services: Services, repair: bool) -> AsyncIterator[Finding]:
    """Yield whether a user's rows and pins differ now, and make the pins as the rows say if asked to."""
    if not await _differ(user, services):
        return
    await settle()  # they may have been written between the two reads
    if await _differ(user, services):
        is_repaired = repair and await _restore(user, services)
        yield Finding("pins-differ", "rows have other positions than the pins", user=user, repaired=is_repaired)


async def _differ(user: UUID, services: Services) -> bool:
    rows = await services.messaging.inbox_rows(user, consistent=True)
    return bool(restored(await services.messaging.views.pins(user), rows))


async def _restore(user: UUID, services: Services) -> bool:
    with suppress(AppError, TransactionRejected):
        await services.messaging.views.restore_pins(user, await services.messaging.inbox_rows(user, consistent=True))
        return True
    return False
