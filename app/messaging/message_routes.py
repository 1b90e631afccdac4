"""Messages over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from app.http.deps import from_state
from app.http.links import PAGED, openapi_link, set_link_header
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import EXAMPLE_UUID, Page, PageSize, Uuid
from app.messaging.deps import MessagingDep, ViewsDep
from app.messaging.errors import (
    AfterTooOld,
    CannotMessage,
    GroupNotFound,
    MentionNotMember,
    MessageBlank,
    MessageMalformed,
    MessageTooLong,
    MessageToSelf,
    OneTarget,
    ReplyBeyondEnd,
    UuidTaken,
)
from app.messaging.group_schemas import CounterView
from app.messaging.schemas import MessageCreate, MessageView, NumberParameter
from app.messaging.unread import UnreadCounter
from app.messaging.windows import Window
from app.users.deps import CurrentUser, UsersDep
from app.users.errors import UserNotFound

UnreadDep = Annotated[UnreadCounter, from_state("unread")]
MessageLimit = Annotated[PageSize, Query(description="Messages on a page", examples=[50])]
router = APIRouter(prefix="/api/messages", tags=["messages"], route_class=SignedInRoute)

GroupUuid = Annotated[Uuid, Path(description="Id of a message group", examples=[EXAMPLE_UUID])]
REFUSALS = (MessageBlank, MessageTooLong, MessageMalformed, MessageToSelf, OneTarget, ReplyBeyondEnd, MentionNotMember)
NewMessage = Annotated[
    MessageCreate,
    Body(
        openapi_examples={
            "to a person": {"value": {"handle": "amelie", "message": "Shall we ship it today?"}},
            "to a group": {"value": {"message_group_uuid": EXAMPLE_UUID, "message": "Yes!", "reply_to": 42}},
            "with a mention": {"value": {"handle": "amelie", "message": "@amelie, look!", "mentions": [EXAMPLE_UUID]}},
            "may be repeated": {
                "value": {"message_group_uuid": EXAMPLE_UUID, "message": "Yes!", "uuid": EXAMPLE_UUID, "after": 42}
            },
        }
    ),
]
SENT = {
    "list_messages": openapi_link("list_messages", "The group's messages", message_group_uuid="message_group_uuid"),
    "get_message_group": openapi_link("get_message_group", "The group", message_group_uuid="message_group_uuid"),
    "mark_read": openapi_link(
        "mark_read",
        "Mark the group read, with the `number` of this message",
        message_group_uuid="message_group_uuid",
    ),
}


async def _window(
    limit: MessageLimit = 50,
    before: Annotated[
        NumberParameter | None, Query(description="Only messages with lower numbers", examples=[42])
    ] = None,
    after: Annotated[
        NumberParameter | None, Query(description="Only messages with higher numbers", examples=[42])
    ] = None,
    around: Annotated[
        NumberParameter | None, Query(description="The message with this number and its neighbours", examples=[42])
    ] = None,
    at: Annotated[
        Literal["first_unread"] | None,
        Query(
            description="`first_unread`: the caller's first unread message and its neighbours; without one the newest",
            examples=["first_unread"],
        ),
    ] = None,
) -> Window:
    """Return the window that a query names; without before, after, around and at, the newest messages."""
    return Window.select(limit, before=before, after=after, around=around, at_unread=at == "first_unread")


@router.post(
    "",
    responses={
        200: {"description": "The message with its final number", "links": SENT},
        **problem_responses(
            *SIGNED_IN, *WITH_BODY, *REFUSALS, GroupNotFound, UserNotFound, CannotMessage, UuidTaken, AfterTooOld
        ),
    },
)
async def send_message(
    body: NewMessage, user: CurrentUser, messaging: MessagingDep, users: UsersDep, views: ViewsDep
) -> MessageView:
    """Send a message to a group or to a user.

    The body has either `message_group_uuid` or `handle`. With a `handle` the direct group with that user is found or
    created. The message in the answer is durable and has its final `number`.

    A group that a message creates is a request: the other user has it in the folder `requests`, and the sender can send
    three messages in all until that user accepts or answers. More are 403 `cannot-message`.

    A client that gets no answer repeats the call with the same `uuid`: the message is stored once, and each answer is
    the same. Other content under a `uuid` that is in use is 409 `uuid-taken`. With `after`, a message gets one of the
    500 numbers after it; when others have them all, the answer is 409 `after-too-old`: the message is not stored, and
    may be sent with the group's present `last_number`. A group that does not exist, or that the
    caller is not a member of, is 404 `group-not-found`.
    """
    await users.names([user, *(body.mentions or ())])  # first: an answer about a committed message must not fail
    message = await messaging.send(body.draft(user), group=body.message_group_uuid, handle=body.handle)
    return await views.message(message, viewer=user)


@router.get("/counter", responses=problem_responses(*SIGNED_IN))
async def count_unread_groups(user: CurrentUser, unread: UnreadDep) -> CounterView:
    """Count the caller's groups with unread messages, and those that are marked unread, without muted ones.

    Those of the inbox are `count`, and those of the requests `request_count`; the archive counts for nothing. `count`
    is the number for a badge, with a `+` unless it `is_complete`. Each group has its own `unread_count`.
    """
    unread_groups = await unread.count(user)
    return CounterView(
        count=unread_groups.count, is_complete=unread_groups.is_complete, request_count=unread_groups.requests
    )


@router.get("/{message_group_uuid}", responses={200: PAGED, **problem_responses(*SIGNED_IN, GroupNotFound)})
async def list_messages(
    request: Request,
    response: Response,
    message_group_uuid: GroupUuid,
    user: CurrentUser,
    window: Annotated[Window, Depends(_window)],
    messaging: MessagingDep,
    views: ViewsDep,
) -> Page[MessageView]:
    """List the messages of a group, oldest first.

    The newest page, or the page before, after or around a number, or at the first unread message; `before`, `after`,
    `around` and `at` exclude each other.
    The `Link` header's `rel="next"` leads to older messages from the newest page and from `before`, to newer messages
    from `after`, and `rel="prev"` the other way.
    """
    history = await messaging.history(user, message_group_uuid, window)
    neighbours = history.window.neighbours([message.number for message in history.messages], end=history.end)
    set_link_header(
        request, response, {rel: {"limit": window.limit, name: at} for rel, (name, at) in neighbours.items()}
    )
    return await views.messages(history.messages, viewer=user, rows=[history.row])
