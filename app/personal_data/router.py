"""The caller's own data over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.deps import CurrentClaims, CurrentUser, ErasuresDep
from app.http.problems import SIGNED_IN, problem_responses
from app.http.routes import SignedInRoute
from app.personal_data.errors import HandleDiffers
from app.personal_data.schemas import ErasureView

router = APIRouter(prefix="/api/users/me", tags=["users"], route_class=SignedInRoute)

ConfirmedHandle = Annotated[
    str, Query(description="The caller's own handle, which confirms the deletion", max_length=64, examples=["amelie"])
]


@router.delete(
    "",
    status_code=202,
    responses={
        202: {"description": "The user is deleted, and what others do not see goes in the background"},
        **problem_responses(*SIGNED_IN, HandleDiffers),
    },
)
async def erase_current_user(
    handle: ConfirmedHandle, _: CurrentUser, claims: CurrentClaims, erasures: ErasuresDep
) -> ErasureView:
    """Delete the caller's user for good.

    From the answer on all calls of the account are 403 `account-erased`, its event streams end, and others see a user
    without name and handle whom they cannot write to. Groups, read markers, settings and reactions of the user go
    within minutes; messages stay with their other members or are deleted, as `messages` says. The handle is free for
    any new user after a time. Another handle than the caller's is 422 `handle-differs`.

    The account in the user pool is not deleted. A repeated call is 403 `account-erased`, which says that it is done.
    """
    return ErasureView.of(await erasures.erase_own(claims, handle))
