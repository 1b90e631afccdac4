"""The caller's own data over HTTP."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from app.auth.tokens import Claims
from app.errors import Overloaded, Unauthenticated
from app.http.context import state_of
from app.http.deps import CurrentClaims, from_state
from app.http.problems import SIGNED_IN, problem_responses
from app.http.routes import SignedInRoute
from app.limits import wait_own
from app.limits.rates import EVENT_TRAFFIC, READ_CAPACITY, THROUGHPUT
from app.personal_data.erasures import Erasures
from app.personal_data.errors import ExportRunning, HandleDiffers
from app.personal_data.export import Export
from app.personal_data.export_schemas import ExportLine
from app.personal_data.export_stream import ExportStream
from app.personal_data.schemas import ErasureView
from app.realtime.errors import TooManyStreams
from app.realtime.leases import StreamLeases
from app.users.deps import CurrentUser, UsersDep
from app.users.service import Users

ErasuresDep = Annotated[Erasures, from_state("erasures")]
ExportDep = Annotated[Export, from_state("export")]
ExportLeasesDep = Annotated[StreamLeases, from_state("export_leases")]
router = APIRouter(prefix="/api/users/me", tags=["users"], route_class=SignedInRoute)

ConfirmedHandle = Annotated[
    str, Query(description="The caller's own handle, which confirms the deletion", max_length=64, examples=["amelie"])
]


SHARE_LEFT = 0.25
"""The share of the account's budgets that an export leaves to other calls: it waits until there is more."""
EXPORTED: dict[str, Any] = {
    "model": ExportLine,
    "description": "JSON lines: each line is one `ExportLine`. The last one is `end`, or `problem`",
}


async def _take_turn(request: Request, claims: Claims, users: Users) -> None:
    """Wait before a page until the account has something left to spend, or raise why it may read no more."""
    if state_of(request.scope)["readiness"].is_stopping():
        raise Overloaded("The process stops: export again")
    if datetime.now(UTC) > claims.expires_at:
        raise Unauthenticated
    await users.uuid_of(claims)
    await wait_own(SHARE_LEFT, READ_CAPACITY, EVENT_TRAFFIC)
    await wait_own(0, THROUGHPUT)


async def _lines(
    request: Request,
    user: CurrentUser,
    claims: CurrentClaims,
    users: UsersDep,
    export: ExportDep,
    leases: ExportLeasesDep,
) -> AsyncIterator[AsyncIterator[ExportLine]]:
    async with AsyncExitStack() as stack:
        stack.enter_context(export.running(user))
        try:
            await stack.enter_async_context(leases.hold(user))
        except TooManyStreams:
            raise ExportRunning from None
        yield export.lines(await users.me(claims), partial(_take_turn, request, claims, users))


@router.get(
    "/export",
    response_class=ExportStream,
    status_code=200,  # which FastAPI otherwise looks for in the parameters of the response class
    responses={200: EXPORTED, **problem_responses(*SIGNED_IN, ExportRunning)},
)
async def export_own_data(lines: Annotated[AsyncIterator[ExportLine], Depends(_lines)]) -> ExportStream:
    """Export the caller's own data.

    JSON lines, as they are read: the profile, then each group of the caller with its read markers, followed by its
    messages as the caller sees them, and their earlier texts. What comes while the export runs may be missing.

    The last line is `end`, with the numbers of the others, or a `problem`: the export has ended before it was whole. A
    file without either was cut off. An export takes no more than the account may read; a long one slows down. A user
    has one export at a time, any other is 429 `export-running`; and five, then one in a quarter of an hour.
    """
    return ExportStream(lines)


@router.delete(
    "",
    status_code=202,
    responses={
        202: {"description": "The user is deleted, and what others do not see goes in the background"},
        **problem_responses(*SIGNED_IN, HandleDiffers),
    },
)
async def delete_current_user(
    handle: ConfirmedHandle, _: CurrentUser, claims: CurrentClaims, erasures: ErasuresDep
) -> ErasureView:
    """Delete the caller's user for good.

    From the answer on all calls of the account are 403 `account-erased`, its event streams end, and others see a user
    without name and handle, to which they cannot write. Groups, read markers, settings and reactions of the user go
    within minutes; messages stay with their other members or are deleted, as `messages` says. The handle is free for
    any new user after a time. Another handle than the caller's is 422 `handle-differs`.

    The account in the user pool is not deleted. A repeated call is 403 `account-erased`, which says that it is done.
    """
    return ErasureView.of(await erasures.erase_own(claims, handle))
