"""Receipts of a message over HTTP."""

from fastapi import APIRouter

from app.http.problems import SIGNED_IN, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import Page
from app.messaging.change_routes import NOT_FOUND, GroupUuid, Number
from app.messaging.deps import ReceiptsDep
from app.messaging.group_schemas import ReceiptView
from app.users.deps import CurrentUser, UsersDep

router = APIRouter(prefix="/api/messages/{message_group_uuid}", tags=["messages"], route_class=SignedInRoute)


@router.get("/{number:digits}/receipts", responses=problem_responses(*SIGNED_IN, *NOT_FOUND))
async def list_receipts(
    message_group_uuid: GroupUuid, number: Number, user: CurrentUser, receipts: ReceiptsDep, users: UsersDep
) -> Page[ReceiptView]:
    """List the members that have read a message, and those whose devices have received it.

    All of them but its sender and the caller: a group has at most 100 members, so there are no pages. A member that
    shares no receipts with the caller is missing, whether it has read the message or not.
    """
    rows = await receipts.of_message(user, message_group_uuid, number)
    names = await users.names(row.user_uuid for row in rows)
    return [ReceiptView.of(row, number, names[row.user_uuid]) for row in rows]
