"""Live events over HTTP: the stream, and the same for those who poll."""

import random
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from app.deps import CatchupDep, CurrentClaims, CurrentUser, HubDep, UsersDep
from app.http.links import openapi_link
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute, StreamRoute
from app.messaging.schemas import MessageGroupView, MessageView
from app.realtime.errors import TooManyStreams
from app.realtime.hub import Views
from app.realtime.schemas import EventView, SyncCreate, SyncView

router = APIRouter(prefix="/api", tags=["live"], route_class=SignedInRoute)
streams = APIRouter(prefix="/api", tags=["live"], route_class=StreamRoute)

RETRY_MS = 500, 3_000
"""When a client comes back whose stream ended: not all of them at once."""


class EventStream(StreamingResponse):
    """Server-sent events in FastAPI's format, written from our own iterator.

    FastAPI's EventSourceResponse puts two tasks and two queues around it, which take 21 of 76 kB of a stream and have
    their heartbeat apart from a stream that wakes up by itself anyway.
    """

    media_type = "text/event-stream"


UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="`id` of the last event that one got: go on after it. What is no such id is answered as an old one",
        max_length=64,
        examples=["1795512600123-0"],
    ),
]
STREAM: dict[str, Any] = {
    "model": EventView,
    "description": "What happens, as it happens: `data` of each server-sent event is one `EventView`",
}
SYNCED = {
    "description": "What one has not, as it is now",
    "links": {
        "list_messages": openapi_link(
            "list_messages",
            "What else came in the first group, `after` its last message in this answer",
            message_group_uuid="groups/0/uuid",
        ),
        "mark_read": openapi_link("mark_read", "Mark the first group read", message_group_uuid="groups/0/uuid"),
        "stream_events": openapi_link("stream_events", "What happens from now on"),
    },
}


async def _views(
    request: Request, user: CurrentUser, claims: CurrentClaims, hub: HubDep, last_event_id: LastEventId = None
) -> AsyncIterator[Views]:
    async with hub.open(user, until=claims.expires_at, position=last_event_id, ended=request.state.hang_up) as views:
        yield views


@streams.get(
    "/events",
    response_class=EventStream,
    responses={200: STREAM, **problem_responses(*SIGNED_IN, TooManyStreams)},
)
async def stream_events(views: Annotated[Views, Depends(_views)]) -> EventStream:
    """What happens, as it happens.

    Server-sent events, for `fetch` rather than `EventSource`, which cannot send a token. Their fields:

    - `data`: one `EventView` as JSON, on one line.
    - `event`: its `type` once more. More kinds will come: ignore those that you do not know.
    - `id`: where a stream can go on after this event. Not every event has one; the last one counts.
    - `retry`: with the first event, the milliseconds to wait before connecting anew.

    A new stream begins with `resync`; with the header `Last-Event-ID` it goes on after that event, if that is not long
    ago. On `resync` call `sync_changes`, then apply what comes: messages by group and number, groups by the greatest
    `version`. Events come at least once. A number that is not the next one means that the messages before it are to be
    fetched.

    A comment (`: ping`) comes every 15 s. The stream ends with its token, and whenever the service wants its client to
    connect anew. One may have 10 streams at once; one more is 429 `too-many-streams`.
    """
    return EventStream(_written(views), headers=UNBUFFERED)


async def _written(views: Views) -> AsyncIterator[bytes]:
    retry: int | None = random.randint(*RETRY_MS)  # noqa: S311  # spreads load, guards nothing
    async for view, position in views:
        if view is None:
            yield KEEPALIVE_COMMENT
        else:
            yield format_sse_event(data_str=view.model_dump_json(), event=view.type, id=position, retry=retry)
            retry = None


@router.post("/sync", responses={200: SYNCED, **problem_responses(*SIGNED_IN, *WITH_BODY)})
async def sync_changes(body: SyncCreate, user: CurrentUser, catchup: CatchupDep, users: UsersDep) -> SyncView:
    """What changed since one looked last.

    For those who poll, who come back after long, and on the event `resync`. Names what one has of each group; answers
    with everything else, as it is now. The same call again, with what was answered, answers with less.
    """
    changes = await catchup.changes(user, {group: has.known() for group, has in body.groups.items()})
    senders = {message.user_uuid for message in changes.messages}
    names = await users.names(senders | {row.peer_uuid for row in changes.rows})
    return SyncView(
        groups=[MessageGroupView.of(row, names[row.peer_uuid]) for row in changes.rows],
        messages=[MessageView.of(message, names[message.user_uuid]) for message in changes.messages],
        gone=list(changes.gone),
    )
