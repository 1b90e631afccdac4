"""The caller's own view of a message group over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import EXAMPLE_UUID, Page, Uuid
from app.messaging.deps import MyViewDep, ViewsDep
from app.messaging.errors import GroupNotFound, NotInInbox, NumberBeyondEnd, TooManyPins
from app.messaging.group_schemas import MessageGroupView
from app.messaging.my_view.schemas import ViewUpdate
from app.users.deps import CurrentUser

router = APIRouter(prefix="/api/message_groups", tags=["message groups"], route_class=SignedInRoute)
of_user = APIRouter(prefix="/api/users", tags=["message groups"], route_class=SignedInRoute)

GroupUuid = Annotated[Uuid, Path(description="Id of a message group", examples=[EXAMPLE_UUID])]


@of_user.get("/me/pins", responses=problem_responses(*SIGNED_IN))
async def list_pinned_message_groups(user: CurrentUser, view: MyViewDep, views: ViewsDep) -> Page[MessageGroupView]:
    """List the groups that the caller has pinned, in their order.

    At most 10, so there are no pages. `list_message_groups` has them, too, where their last activity places them: a
    client shows these first, and leaves out there what has a `pin_position`.
    """
    return await views.groups(await view.pinned(user))


@router.patch(
    "/{message_group_uuid}/view",
    responses=problem_responses(*SIGNED_IN, *WITH_BODY, GroupNotFound, NumberBeyondEnd, NotInInbox, TooManyPins),
)
async def update_message_group_view(
    message_group_uuid: GroupUuid, body: ViewUpdate, user: CurrentUser, view: MyViewDep, views: ViewsDep
) -> MessageGroupView:
    """Change how the caller sees a group. Other members notice nothing.

    A group that is marked unread counts as unread, whatever was read, until the caller marks it read up to its
    `read_number` or beyond, or sends a message to it. The markers stay where they are.

    A muted group counts for nothing until `muted_until`. An archived group is in the folder `archive`; the next message
    of any member brings it back to the inbox, unless the group is muted then. A request stays in its folder.

    The messages up to `cleared_number` are not there for the caller any more, for good: not in the history, in quotes,
    in the preview, in streams or in `sync_changes`, and they count for nothing; each is 404 `message-not-found`. A
    number that the group does not have yet is 422 `number-beyond-end`.

    A user may pin 10 groups; one more is 409 `too-many-pins`. Only groups of the inbox are pinned, else 409
    `not-in-inbox`: to archive a group, and to leave it, unpins it. The other pinned groups move up or down, each with
    an event and a new `version`.

    A repeated call changes nothing more.
    """
    return await views.group(await view.change(user, message_group_uuid, body.change()))
