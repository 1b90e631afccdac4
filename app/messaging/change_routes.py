"""Changes of messages over HTTP."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from app.errors import NotFound
from app.http.deps import from_state
from app.http.links import PAGED, set_link_header
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import EXAMPLE_UUID, Page, PageSize, PlainDigits, Uuid
from app.messaging.change_schemas import ChangeView, EditView, MessageEdit, ReactingUserView
from app.messaging.changes import Changes
from app.messaging.deps import ViewsDep
from app.messaging.errors import (
    CannotMessage,
    DeleteWindowClosed,
    EditLimit,
    EditsHidden,
    EditWindowClosed,
    GroupNotFound,
    MentionNotMember,
    MessageBlank,
    MessageDeleted,
    MessageExpires,
    MessageMalformed,
    MessageNotFound,
    MessageTooLong,
    NotAnEmoji,
    NotSender,
    ReactionLimit,
    UuidTaken,
    VersionDiffers,
)
from app.messaging.models import LAST_NUMBER, ChangeDraft, ChangeType, Message
from app.messaging.reactions import require_emoji
from app.messaging.schemas import MessageView
from app.users.deps import CurrentUser, UsersDep

Show: TypeAlias = Callable[[Message], Awaitable[MessageView]]

ChangesDep = Annotated[Changes, from_state("changes")]
ChangeLimit = Annotated[PageSize, Query(description="Changes on a page", examples=[50])]
router = APIRouter(prefix="/api/messages/{message_group_uuid}", tags=["messages"], route_class=SignedInRoute)

GroupUuid = Annotated[Uuid, Path(description="Id of a message group", examples=[EXAMPLE_UUID])]
Number = Annotated[
    int, Path(ge=1, le=LAST_NUMBER, description="Number of a message in the group", examples=[42]), PlainDigits
]
Emoji = Annotated[
    str,
    Path(
        description="One emoji of those that Unicode recommends, with or without variation selectors",
        min_length=1,
        max_length=16,
        examples=["👍"],
    ),
]
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        description="The `version` of the message that is edited, in quotes",
        max_length=14,
        pattern=r'^"[1-9][0-9]{0,11}"$',
        examples=['"1"'],
    ),
]
NOT_FOUND = (GroupNotFound, MessageNotFound, NotFound)


async def _show(user: CurrentUser, views: ViewsDep) -> Show:
    """Return the function that makes a message the caller's view of it."""
    return partial(views.message, viewer=user)


ShowDep = Annotated[Show, Depends(_show)]


@router.get("/changes", responses={200: PAGED, **problem_responses(*SIGNED_IN, GroupNotFound)})
async def list_changes(
    request: Request,
    response: Response,
    message_group_uuid: GroupUuid,
    user: CurrentUser,
    changes: ChangesDep,
    after: Annotated[
        int,
        Query(ge=0, le=LAST_NUMBER, description="Only changes with higher numbers", examples=[7]),
        PlainDigits,
    ] = 0,
    limit: ChangeLimit = 50,
) -> Page[ChangeView]:
    """List what was done to the messages of a group, in order.

    `change_number` counts the changes of a group without gaps. A client that has a message applies those with a higher
    number than the message's own `change_number`. The `Link` header's `rel="next"` leads to later changes.
    """
    found, end = await changes.after(user, message_group_uuid, after, limit=limit)
    if found and found[-1].number < end:
        set_link_header(request, response, {"next": {"limit": limit, "after": found[-1].number}})
    return [ChangeView.of(change) for change in found]


@router.get("/{number:digits}", responses=problem_responses(*SIGNED_IN, *NOT_FOUND))
async def get_message(
    message_group_uuid: GroupUuid,
    number: Number,
    user: CurrentUser,
    changes: ChangesDep,
    show: ShowDep,
) -> MessageView:
    """Return a message as it stands."""
    return await show(await changes.message(user, message_group_uuid, number))


@router.patch(
    "/{number:digits}",
    responses=problem_responses(
        *SIGNED_IN,
        *WITH_BODY,
        *NOT_FOUND,
        NotSender,
        CannotMessage,
        MessageDeleted,
        MessageExpires,
        EditWindowClosed,
        EditLimit,
        UuidTaken,
        VersionDiffers,
        MessageBlank,
        MessageTooLong,
        MessageMalformed,
        MentionNotMember,
    ),
)
async def edit_message(
    message_group_uuid: GroupUuid,
    number: Number,
    body: MessageEdit,
    if_match: IfMatch,
    user: CurrentUser,
    changes: ChangesDep,
    show: ShowDep,
) -> MessageView:
    """Replace the text of a message of the caller's, for 24 hours after it was sent unless configured otherwise.

    `If-Match` names the `version` that the caller has seen: if the message has another one by now, the answer is 412
    `version-differs`, and nothing is changed. A client that gets no answer repeats the call with the same `uuid`; the
    answer is the message as it stands. The message stays read or unread.
    """
    draft = body.draft(user, message_group_uuid, number, version=int(if_match.strip('"')))
    return await show(await changes.edit(draft))


class DeletedFor(StrEnum):
    """The members that do not see a message any more."""

    EVERYONE = "everyone"
    ME = "me"


@router.delete("/{number:digits}", responses=problem_responses(*SIGNED_IN, *NOT_FOUND, NotSender, DeleteWindowClosed))
async def delete_message(
    message_group_uuid: GroupUuid,
    number: Number,
    user: CurrentUser,
    changes: ChangesDep,
    show: ShowDep,
    deleted_for: Annotated[
        DeletedFor,
        Query(alias="for", description="Whether to delete it for all members, or to hide it from the caller"),
    ] = DeletedFor.EVERYONE,
) -> MessageView:
    """Delete a message for all members, or for the caller only.

    For all members its sender may delete it, for 48 hours after it was sent unless configured otherwise. Number, sender
    and times remain; text, earlier texts and reactions are removed, from the database, too. The list of changes still
    has the reactions with their users and times, without texts.

    With `for=me` a member hides any message, at any time, on all devices of the member's own: it keeps its number and
    has no text, `is_hidden` is true, and it is no longer unread. Other members do not learn of it. A repeated call
    changes nothing more.
    """
    if deleted_for is DeletedFor.ME:
        return await show(await changes.hide(user, message_group_uuid, number))
    draft = ChangeDraft(user, message_group_uuid, number, ChangeType.DELETE)
    return await show(await changes.delete(draft))


@router.get("/{number:digits}/edits", responses=problem_responses(*SIGNED_IN, *NOT_FOUND, EditsHidden))
async def list_edits(
    message_group_uuid: GroupUuid, number: Number, user: CurrentUser, changes: ChangesDep
) -> Page[EditView]:
    """List the earlier texts of a message, the newest first.

    A message takes 50 edits, so there are no pages. A deleted message has none.
    """
    edits = await changes.edits(user, message_group_uuid, number)
    return [EditView(edit.version, edit.text, edit.written_at) for edit in edits]


@router.get("/{number:digits}/reactions", responses=problem_responses(*SIGNED_IN, *NOT_FOUND))
async def list_reactions(
    message_group_uuid: GroupUuid, number: Number, user: CurrentUser, changes: ChangesDep, users: UsersDep
) -> Page[ReactingUserView]:
    """List the reactions to a message with their members.

    All of them: a message takes few, so there are no pages.
    """
    reactions = (await changes.message(user, message_group_uuid, number)).reactions
    pairs = sorted((emoji, member) for emoji, members in reactions.items() for member in members)
    names = await users.names(member for _, member in pairs)
    return [
        ReactingUserView(emoji, member, names[member].display_name, names[member].handle) for emoji, member in pairs
    ]


@router.put(
    "/{number:digits}/reactions/{emoji}",
    responses=problem_responses(*SIGNED_IN, *NOT_FOUND, CannotMessage, MessageDeleted, NotAnEmoji, ReactionLimit),
)
async def add_reaction(
    message_group_uuid: GroupUuid,
    number: Number,
    emoji: Emoji,
    user: CurrentUser,
    changes: ChangesDep,
    show: ShowDep,
) -> MessageView:
    """React to a message with an emoji.

    A repeated call changes nothing more. A member has at most 5 reactions to a message, and a message at most 20
    different ones.
    """
    draft = ChangeDraft(user, message_group_uuid, number, ChangeType.REACT, emoji=require_emoji(emoji))
    return await show(await changes.react(draft))


@router.delete("/{number:digits}/reactions/{emoji}", responses=problem_responses(*SIGNED_IN, *NOT_FOUND, NotAnEmoji))
async def remove_reaction(
    message_group_uuid: GroupUuid,
    number: Number,
    emoji: Emoji,
    user: CurrentUser,
    changes: ChangesDep,
    show: ShowDep,
) -> MessageView:
    """Take a reaction of the caller's back. A repeated call changes nothing more."""
    draft = ChangeDraft(user, message_group_uuid, number, ChangeType.UNREACT, emoji=require_emoji(emoji))
    return await show(await changes.unreact(draft))
