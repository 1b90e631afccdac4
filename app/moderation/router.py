"""Reports over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Body

from app.http.deps import from_state
from app.http.links import openapi_link
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import EXAMPLE_UUID
from app.messaging.errors import GroupNotFound, MessageNotFound, OneTarget, UuidTaken
from app.moderation.errors import ReportOfSelf
from app.moderation.schemas import ReportCreate, ReportView
from app.moderation.service import Reports
from app.users.deps import CurrentUser
from app.users.errors import UserNotFound

ReportsDep = Annotated[Reports, from_state("reports")]
router = APIRouter(prefix="/api/reports", tags=["reports"], route_class=SignedInRoute)

NewReport = Annotated[
    ReportCreate,
    Body(
        openapi_examples={
            "of a message": {
                "value": {
                    "message_group_uuid": EXAMPLE_UUID, "number": 42, "reason": "harassment", "uuid": EXAMPLE_UUID
                }
            },
            "of a user": {"value": {"handle": "amelie", "reason": "spam", "note": "The third offer today"}},
        }
    ),
]  # fmt: skip


@router.post(
    "",
    responses={
        200: {
            "description": "The report",
            "links": {"list_message_groups": openapi_link("list_message_groups", "The reporter's groups")},
        },
        **problem_responses(
            *SIGNED_IN, *WITH_BODY, OneTarget, ReportOfSelf, UserNotFound, GroupNotFound, MessageNotFound, UuidTaken
        ),
    },
)
async def create_report(body: NewReport, user: CurrentUser, reports: ReportsDep) -> ReportView:
    """Report a user or a message to the operators of the service.

    The body has either a `handle`, or `message_group_uuid` and `number`. A report of a message keeps it and up to five
    messages before and after it as the caller reads them now, so the operators see them also if they are edited or
    deleted later. The reported user is not told, and no answer says what others have reported.

    A client that gets no answer repeats the call with the same `uuid`. While a report of the same user or message is
    open, the answer is that report, whatever else the body says; other content under its `uuid` is 409 `uuid-taken`.
    """
    return ReportView.of(await reports.add(body.draft(user)))
