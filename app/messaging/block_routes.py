"""Blocks over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.http.deps import from_state
from app.http.links import PAGED, set_link_header
from app.http.problems import SIGNED_IN, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import EXAMPLE_UUID, Page, Uuid
from app.messaging.block_schemas import BlockView
from app.messaging.blocks import Blocks
from app.messaging.errors import BlockSelf
from app.users.deps import CurrentUser, Handle, UserLimit, UsersDep
from app.users.errors import UserNotFound

BlocksDep = Annotated[Blocks, from_state("blocks")]
router = APIRouter(prefix="/api/users", tags=["users"], route_class=SignedInRoute)

Cursor = Annotated[Uuid | None, Query(description="Cursor from a Link header", examples=[EXAMPLE_UUID])]


@router.get("/me/blocks", responses={200: PAGED, **problem_responses(*SIGNED_IN)})
async def list_blocks(
    request: Request,
    response: Response,
    user: CurrentUser,
    blocks: BlocksDep,
    users: UsersDep,
    limit: UserLimit = 20,
    cursor: Cursor = None,
) -> Page[BlockView]:
    """List the users that the caller has blocked, in the order of their ids."""
    found = await blocks.blocks(user, after=cursor, limit=limit + 1)
    if len(found) > limit:
        set_link_header(request, response, {"next": {"limit": limit, "cursor": str(found[limit - 1].other_uuid)}})
    names = await users.names(block.other_uuid for block in found[:limit])
    return [BlockView.of(each.other_uuid, names[each.other_uuid], each.blocked_at) for each in found[:limit]]


@router.put("/@{handle}/block", responses=problem_responses(*SIGNED_IN, UserNotFound, BlockSelf))
async def block_user(handle: Handle, user: CurrentUser, blocks: BlocksDep, users: UsersDep) -> BlockView:
    """Block a user.

    From the answer on, neither of the two can write, type, edit or react to the other, nor start a group with the
    other, and neither is told how far the other has read; both get 403 `cannot-message`. What was written stays
    readable to both. The other user is not told. A repeated call changes nothing more.
    """
    block = await blocks.block(user, handle)
    name = (await users.names([block.other_uuid]))[block.other_uuid]
    return BlockView.of(block.other_uuid, name, block.blocked_at)


@router.delete("/@{handle}/block", responses=problem_responses(*SIGNED_IN, UserNotFound, BlockSelf))
async def unblock_user(handle: Handle, user: CurrentUser, blocks: BlocksDep, users: UsersDep) -> BlockView:
    """End the block of a user.

    The two can write to one another again, unless the other user has blocked the caller, too. A repeated call changes
    nothing more.
    """
    other = await blocks.unblock(user, handle)
    return BlockView.of(other, (await users.names([other]))[other], None)
