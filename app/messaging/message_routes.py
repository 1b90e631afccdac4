"""Messages over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.deps import CurrentUser, MessageLimit, MessagingDep, UsersDep
from app.errors import InvalidParameter
from app.links import PAGED, link
from app.messaging.errors import (
    CannotMessage,
    GroupNotFound,
    MessageBlank,
    MessageMalformed,
    MessageTooLong,
    MessageToSelf,
    OneTarget,
    ReplyBeyondEnd,
    UuidTaken,
)
from app.messaging.schemas import CounterView, MessageCreate, MessageView
from app.messaging.windows import Window
from app.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.routes import SignedInRoute
from app.users.errors import UserNotFound
from app.wire import EXAMPLE_UUID, Place, Uuid

router = APIRouter(prefix="/api/messages", tags=["messages"], route_class=SignedInRoute)

GroupUuid = Annotated[Uuid, Path(description="Id of a message group", examples=[EXAMPLE_UUID])]
REFUSALS = (MessageBlank, MessageTooLong, MessageMalformed, MessageToSelf, OneTarget, ReplyBeyondEnd)


async def _window(
    limit: MessageLimit = 50,
    before: Annotated[Place | None, Query(description="Messages with lower numbers than this")] = None,
    after: Annotated[Place | None, Query(description="Messages with higher numbers than this")] = None,
    around: Annotated[Place | None, Query(description="This message and its neighbours")] = None,
) -> Window:
    """At most one of before, after and around; none means the newest messages."""
    if sum(place is not None for place in (before, after, around)) > 1:
        raise InvalidParameter("before, after and around exclude one another")
    if before:
        return Window.before(before, limit)
    if after:
        return Window.after(after, limit)
    return Window.around(around, limit) if around else Window.newest(limit)


@router.post(
    "",
    responses=problem_responses(
        *SIGNED_IN, *WITH_BODY, *REFUSALS, GroupNotFound, UserNotFound, CannotMessage, UuidTaken
    ),
)
async def send_message(body: MessageCreate, user: CurrentUser, messaging: MessagingDep, users: UsersDep) -> MessageView:
    """Send a message. With a `uuid` it may be repeated until it is answered, and is there once."""
    message = await messaging.send(body.draft(user), group=body.message_group_uuid, handle=body.handle)
    return MessageView.of(message, (await users.names([user]))[user])


@router.get("/counter", responses=problem_responses(*SIGNED_IN))
async def count_unread_groups(user: CurrentUser, messaging: MessagingDep) -> CounterView:
    """How many groups have unread messages."""
    return CounterView(count=await messaging.count_unread_groups(user))


@router.get("/{message_group_uuid}", responses={200: PAGED, **problem_responses(*SIGNED_IN, GroupNotFound)})
async def list_messages(
    request: Request,
    response: Response,
    message_group_uuid: GroupUuid,
    user: CurrentUser,
    window: Annotated[Window, Depends(_window)],
    messaging: MessagingDep,
    users: UsersDep,
) -> list[MessageView]:
    """Messages of a group, oldest first: the newest page, or those before, after or around a number."""
    history = await messaging.history(user, message_group_uuid, window)
    neighbours = window.neighbours([message.number for message in history.messages], end=history.end)
    link(request, response, {rel: {"limit": window.limit, name: at} for rel, (name, at) in neighbours.items()})
    names = await users.names({message.user_uuid for message in history.messages})
    return [MessageView.of(message, names[message.user_uuid]) for message in history.messages]
