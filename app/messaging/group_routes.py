"""Message groups over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.http.links import PAGED, openapi_link, set_link_header
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import EXAMPLE_UUID, Page, PageSize, Uuid
from app.messaging.cursors import read_cursor, write_cursor
from app.messaging.deps import MessagingDep, ReceiptsDep, ViewsDep
from app.messaging.errors import CannotMessage, GroupNotFound, NumberBeyondEnd
from app.messaging.group_schemas import (
    DeliveredMarkerUpdate,
    MessageGroupView,
    ReadMarkerUpdate,
    ReadMarkerView,
    TypingView,
)
from app.messaging.row_models import Folder
from app.users.deps import CurrentUser, Handle
from app.users.errors import UserNotFound

TYPING_SECONDS = 15

GroupLimit = Annotated[PageSize, Query(description="Groups on a page", examples=[20])]
router = APIRouter(prefix="/api/message_groups", tags=["message groups"], route_class=SignedInRoute)
by_handle = APIRouter(prefix="/api/users", tags=["message groups"], route_class=SignedInRoute)

GroupUuid = Annotated[Uuid, Path(description="Id of a message group", examples=[EXAMPLE_UUID])]
Cursor = Annotated[
    str | None,
    Query(
        description="Cursor from a Link header",
        max_length=47,
        pattern=r"^[0-9]{1,14}-[0-9a-f]{32}$",
        examples=["1795512600123-0193e1c4a8f07d6e9b1f2f6c1c1d7a10"],
    ),
]

_same_group = {"message_group_uuid": "$request.path.message_group_uuid"}
TYPING = {
    "description": "The caller is shown as typing",
    "content": {"application/json": {"example": {"expires_in": TYPING_SECONDS}}},
    "links": {
        "start_typing": openapi_link("start_typing", "Repeat while typing goes on", **_same_group),
        "stop_typing": openapi_link("stop_typing", "Show that typing has stopped", **_same_group),
        "send_message": openapi_link("send_message", "Send the text, which ends typing, too"),
    },
}
NOT_TYPING = {
    "description": "The caller is not shown as typing",
    "content": {"application/json": {"example": {"expires_in": 0}}},
}


@router.get("", responses={200: PAGED, **problem_responses(*SIGNED_IN)})
async def list_message_groups(
    request: Request,
    response: Response,
    user: CurrentUser,
    messaging: MessagingDep,
    views: ViewsDep,
    limit: GroupLimit = 20,
    cursor: Cursor = None,
    folder: Annotated[Folder, Query(description="The part of the list to show")] = Folder.INBOX,
) -> Page[MessageGroupView]:
    """List the caller's message groups in a folder, newest activity first.

    A group is in the inbox unless the caller has archived it, or it is a request.
    A group with activity between two pages may move to the front. A client that reads from the first page misses none.
    """
    before = read_cursor(cursor) if cursor is not None else None
    page = await messaging.inbox(user, limit=limit, before=before, folder=folder)
    if page.next:
        query = {"limit": limit, "cursor": write_cursor(page.next), "folder": folder}
        set_link_header(request, response, {"next": query})
    return await views.groups(page.rows)


@router.get("/{message_group_uuid}", responses=problem_responses(*SIGNED_IN, GroupNotFound))
async def get_message_group(
    message_group_uuid: GroupUuid, user: CurrentUser, messaging: MessagingDep, views: ViewsDep
) -> MessageGroupView:
    """Return a message group of the caller.

    Any other group is 404 `group-not-found`, whether or not it exists.
    """
    row = await messaging.group(user, message_group_uuid)
    return await views.group(row)


@by_handle.get("/@{handle}/message_group", responses=problem_responses(*SIGNED_IN, UserNotFound, GroupNotFound))
async def get_direct_group(
    handle: Handle, user: CurrentUser, messaging: MessagingDep, views: ViewsDep
) -> MessageGroupView:
    """Return the direct group of the caller and a user.

    404 `group-not-found` until one of the two has written to the other: the call creates nothing.
    """
    row = await messaging.direct_group(user, handle)
    return await views.group(row)


@router.put(
    "/{message_group_uuid}/read",
    responses=problem_responses(*SIGNED_IN, *WITH_BODY, GroupNotFound, NumberBeyondEnd),
)
async def mark_read(
    message_group_uuid: GroupUuid,
    body: ReadMarkerUpdate,
    user: CurrentUser,
    messaging: MessagingDep,
    views: ViewsDep,
) -> MessageGroupView:
    """Mark a group read up to a number.

    The marker only moves forward: a lower number changes nothing, and the answer is the group as it is. A number that
    the group does not have yet is 422 `number-beyond-end`.
    """
    row = await messaging.markers.mark_read(user, message_group_uuid, body.number)
    return await views.group(row)


@router.get("/{message_group_uuid}/read", responses=problem_responses(*SIGNED_IN, GroupNotFound))
async def list_read_markers(
    message_group_uuid: GroupUuid, user: CurrentUser, receipts: ReceiptsDep
) -> Page[ReadMarkerView]:
    """List how far each member of a group has read, and how far messages were delivered.

    All members that share receipts with the caller, so there are no pages; of a request that is not accepted only the
    caller. Later changes come as `read` events.
    """
    return [ReadMarkerView.of(row) for row in await receipts.markers(user, message_group_uuid)]


@router.put(
    "/{message_group_uuid}/delivered",
    responses=problem_responses(*SIGNED_IN, *WITH_BODY, GroupNotFound, NumberBeyondEnd),
)
async def mark_delivered(
    message_group_uuid: GroupUuid, body: DeliveredMarkerUpdate, user: CurrentUser, messaging: MessagingDep
) -> ReadMarkerView:
    """Report that a device of the caller has received the messages of a group up to a number.

    The marker only moves forward: a lower number changes nothing. What is read is delivered, so `mark_read` needs no
    call beside it. A number that the group does not have yet is 422 `number-beyond-end`. The answer is both markers.
    """
    return ReadMarkerView.of(await messaging.markers.mark_delivered(user, message_group_uuid, body.number))


@router.post(
    "/{message_group_uuid}/typing",
    responses={200: TYPING, **problem_responses(*SIGNED_IN, GroupNotFound, CannotMessage)},
)
async def start_typing(message_group_uuid: GroupUuid, user: CurrentUser, messaging: MessagingDep) -> TypingView:
    """Show the other members that the caller is typing.

    The indicator is shown for 15 s or until the caller's next message, and not in a request. Repeat the call every 10 s
    while typing goes on. More than one change in 3 s is shown at the end of the 3 s. Nothing is stored.
    """
    await messaging.typing(user, message_group_uuid, is_typing=True)
    return TypingView(expires_in=TYPING_SECONDS)


@router.delete(
    "/{message_group_uuid}/typing",
    responses={200: NOT_TYPING, **problem_responses(*SIGNED_IN, GroupNotFound, CannotMessage)},
)
async def stop_typing(message_group_uuid: GroupUuid, user: CurrentUser, messaging: MessagingDep) -> TypingView:
    """Show the other members that the caller has stopped typing.

    A message of the caller and 15 s without `start_typing` have the same effect.
    """
    await messaging.typing(user, message_group_uuid, is_typing=False)
    return TypingView(expires_in=0)
