"""The check of the users of groups: they are in Postgres, and erased ones have no rows."""

from collections.abc import AsyncIterator, Iterable
from typing import Final
from uuid import UUID

from app.cli.batches import batched
from app.cli.services import Services
from app.cli.table.findings import Finding

USERS_AT_ONCE: Final = 1_000


async def inspect_users(users: Iterable[UUID], services: Services) -> AsyncIterator[Finding]:
    """Yield the users that are not in Postgres, and the erased ones that have rows after the end of their sweep."""
    erasures = services.user_store.erasures
    for batch in batched(users, USERS_AT_ONCE):
        known = {user.uuid for user in await services.user_store.by_uuids(batch)}
        erased = await erasures.erased_users(batch)
        for uuid in (each for each in batch if each not in known | erased):
            yield Finding("unknown-user", "is not in Postgres", user=uuid)
        for uuid in sorted(erased):
            erasure = await erasures.of_user(uuid)
            if erasure and erasure.finished_at and await services.messaging.inbox_rows(uuid, limit=1):
                yield Finding("erased-row", "is erased, and has an inbox row again", user=uuid)
