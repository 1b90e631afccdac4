"""Requests over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from app.http.deps import from_state
from app.http.problems import SIGNED_IN, problem_responses
from app.http.routes import SignedInRoute
from app.messaging.deps import ViewsDep
from app.messaging.errors import GroupNotFound
from app.messaging.group_routes import GroupUuid
from app.messaging.group_schemas import MessageGroupView
from app.messaging.requests.service import Requests
from app.users.deps import CurrentUser

RequestsDep = Annotated[Requests, from_state("requests")]
router = APIRouter(prefix="/api/message_groups", tags=["message groups"], route_class=SignedInRoute)


@router.put("/{message_group_uuid}/accept", responses=problem_responses(*SIGNED_IN, GroupNotFound))
async def accept_request(
    message_group_uuid: GroupUuid, user: CurrentUser, requests: RequestsDep, views: ViewsDep
) -> MessageGroupView:
    """Accept the request of a user that has written to the caller first.

    The group moves to the inbox. From then on the other user may write on, gets receipts, and sees the caller typing. A
    message of the caller accepts, too. A group that is no request stays as it is.
    """
    row = await requests.accept(user, message_group_uuid)
    return await views.group(row)


@router.put("/{message_group_uuid}/decline", responses=problem_responses(*SIGNED_IN, GroupNotFound))
async def decline_request(
    message_group_uuid: GroupUuid, user: CurrentUser, requests: RequestsDep, views: ViewsDep
) -> MessageGroupView:
    """Decline the request of a user that has written to the caller first.

    The group leaves the caller's lists (its `state` is `left`), and no further message brings it back. The other user
    notices nothing. The caller may still write to the other user, which accepts. A group that is no request, as the
    caller has accepted or answered, stays as it is.
    """
    row = await requests.decline(user, message_group_uuid)
    return await views.group(row)
