"""Groups of several members over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.http.deps import from_state
from app.http.links import openapi_link
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import EXAMPLE_UUID, Page, Uuid
from app.messaging.deps import MyViewDep, ViewsDep
from app.messaging.errors import CannotAdd, GroupFull, GroupNotFound, GroupTaken, MemberNotFound, NotManager, NotOwner
from app.messaging.group_routes import GroupUuid
from app.messaging.group_schemas import MessageGroupView
from app.messaging.groups.models import GroupDraft, has_head
from app.messaging.groups.schemas import MembersCreate, MemberUpdate, MemberView, MessageGroupCreate, MessageGroupUpdate
from app.messaging.groups.service import Groups
from app.messaging.uuid7 import uuid7
from app.users.deps import CurrentUser, UsersDep
from app.users.errors import UserNotFound

GroupsDep = Annotated[Groups, from_state("groups")]
router = APIRouter(prefix="/api/message_groups", tags=["message groups"], route_class=SignedInRoute)

MemberUuid = Annotated[Uuid, Path(description="Id of a member", examples=[EXAMPLE_UUID])]
_new_group = {"message_group_uuid": "uuid"}
CREATED = {
    "description": "The group, new or from an earlier call with this uuid",
    "links": {
        "list_members": openapi_link("list_members", "List its members", **_new_group),
        "add_members": openapi_link("add_members", "Add more members", **_new_group),
        "update_message_group": openapi_link("update_message_group", "Change its title", **_new_group),
        "list_messages": openapi_link("list_messages", "Read it", **_new_group),
        "leave_message_group": openapi_link("leave_message_group", "Leave it", **_new_group),
    },
}

ADDED = {
    "description": "The group with its new members",
    "links": {"list_members": openapi_link("list_members", "List all members", **_new_group)},
}


@router.post(
    "",
    responses={
        200: CREATED,
        **problem_responses(*SIGNED_IN, *WITH_BODY, UserNotFound, CannotAdd, GroupFull, GroupTaken),
    },
)
async def create_message_group(
    body: MessageGroupCreate, user: CurrentUser, groups: GroupsDep, views: ViewsDep
) -> MessageGroupView:
    """Create a group of several members.

    A message of `kind` `system` tells each of them. The call may be repeated with its `uuid` until it is answered: at
    most one group results, and no user sees it before it is whole. A user that has blocked the caller, or is blocked by
    the caller, cannot be added: 403 `cannot-add`, which does not say which user that is.
    """
    others = tuple(other for other in await groups.users_of(body.handles) if other != user)
    draft = GroupDraft(user, body.title, others, body.uuid or uuid7(), shows_history=bool(body.shows_history))
    return await views.group(await groups.create(draft))


@router.patch("/{message_group_uuid}", responses=problem_responses(*SIGNED_IN, *WITH_BODY, GroupNotFound, NotManager))
async def update_message_group(
    message_group_uuid: GroupUuid, body: MessageGroupUpdate, user: CurrentUser, groups: GroupsDep, views: ViewsDep
) -> MessageGroupView:
    """Change the title of a group, or let new members see the messages of before. The owner and admins can."""
    row = await groups.update(user, message_group_uuid, title=body.title, shows_history=body.shows_history)
    return await views.group(row)


@router.get("/{message_group_uuid}/members", responses=problem_responses(*SIGNED_IN, GroupNotFound))
async def list_members(
    message_group_uuid: GroupUuid, user: CurrentUser, groups: GroupsDep, users: UsersDep
) -> Page[MemberView]:
    """List the members of a group of several: the owner, the admins, then the others, the longest members first.

    All of them, so there are no pages. A direct group is 404 `group-not-found` here.
    """
    members = await groups.members(user, message_group_uuid)
    names = await users.names(member.user_uuid for member in members)
    return [MemberView.of(member, names) for member in members]


@router.post(
    "/{message_group_uuid}/members",
    responses={
        200: ADDED,
        **problem_responses(*SIGNED_IN, *WITH_BODY, UserNotFound, GroupNotFound, NotManager, CannotAdd, GroupFull),
    },
)
async def add_members(
    message_group_uuid: GroupUuid, body: MembersCreate, user: CurrentUser, groups: GroupsDep, views: ViewsDep
) -> MessageGroupView:
    """Add users to a group. The owner and admins can. Users that are members already change nothing.

    They see the messages from the one that tells of them, or all if the group `shows_history`.
    """
    others = await groups.users_of(body.handles)
    return await views.group(await groups.add(user, message_group_uuid, others))


@router.patch(
    "/{message_group_uuid}/members/{user_uuid}",
    responses=problem_responses(*SIGNED_IN, *WITH_BODY, GroupNotFound, MemberNotFound, NotOwner),
)
async def update_member(
    message_group_uuid: GroupUuid,
    user_uuid: MemberUuid,
    body: MemberUpdate,
    user: CurrentUser,
    groups: GroupsDep,
    views: ViewsDep,
) -> MessageGroupView:
    """Give a member another role. The owner can: `owner` makes the member the owner, and the caller an admin."""
    row = await groups.change_role(user, message_group_uuid, user_uuid, body.role)
    return await views.group(row)


@router.delete(
    "/{message_group_uuid}/members/{user_uuid}",
    responses=problem_responses(*SIGNED_IN, GroupNotFound, NotManager, NotOwner),
)
async def remove_member(
    message_group_uuid: GroupUuid, user_uuid: MemberUuid, user: CurrentUser, groups: GroupsDep, views: ViewsDep
) -> MessageGroupView:
    """Remove a member from a group. The owner can, and admins can remove members that have no rights.

    From the answer on, the user can neither read the group nor write to it, and streams deliver nothing of it.
    """
    row = await groups.remove(user, message_group_uuid, user_uuid)
    return await views.group(row)


@router.delete("/{message_group_uuid}", responses=problem_responses(*SIGNED_IN, GroupNotFound))
async def leave_message_group(
    message_group_uuid: GroupUuid, user: CurrentUser, groups: GroupsDep, view: MyViewDep, views: ViewsDep
) -> MessageGroupView:
    """Leave a group. A repeated call gets 404 `group-not-found`.

    A direct group is in none of the caller's lists until the next message of either member, which brings it back to the
    inbox, with its history. A leave ends neither what the other member sees nor the caller's messages.

    A group of several members can be read no longer. In an owner's place the longest admin, or else the longest member,
    becomes the owner.
    """
    leave = groups.leave if has_head(message_group_uuid) else view.leave
    return await views.group(await leave(user, message_group_uuid))
