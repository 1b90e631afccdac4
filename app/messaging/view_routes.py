"""The caller's own view of a message group over HTTP."""

from fastapi import APIRouter

from app.deps import CurrentUser, MyViewDep, UsersDep
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.messaging.errors import GroupNotFound
from app.messaging.group_routes import GroupUuid
from app.messaging.group_schemas import MessageGroupView
from app.messaging.view_schemas import ViewUpdate
from app.messaging.views import group_view

router = APIRouter(prefix="/api/message_groups", tags=["message groups"], route_class=SignedInRoute)


@router.patch("/{message_group_uuid}/view", responses=problem_responses(*SIGNED_IN, *WITH_BODY, GroupNotFound))
async def update_message_group_view(
    message_group_uuid: GroupUuid, body: ViewUpdate, user: CurrentUser, view: MyViewDep, users: UsersDep
) -> MessageGroupView:
    """Change how the caller sees a group. Other members notice nothing.

    A group that is marked unread counts as unread, whatever was read, until the caller marks it read up to its
    `read_number` or beyond, or sends a message to it. The markers stay where they are.
    """
    row = await view.change(user, message_group_uuid, body.change())
    return await group_view(row, users)
