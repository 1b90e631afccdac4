"""Live events over HTTP: streams, and the same changes for clients that poll."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request

from app.http.context import state_of
from app.http.deps import CurrentClaims, from_state
from app.http.links import openapi_link
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute, authorization_of
from app.messaging.catchup import Catchup
from app.messaging.change_schemas import ChangeView
from app.messaging.deps import ViewsDep
from app.realtime.errors import TooManyStreams
from app.realtime.event_stream import EventStream
from app.realtime.hub import Hub
from app.realtime.positions import MAX_LENGTH
from app.realtime.schemas import EventView, SyncCreate, SyncView
from app.realtime.stream import Stream
from app.users.deps import CurrentUser, UsersDep

HubDep = Annotated[Hub, from_state("hub")]
CatchupDep = Annotated[Catchup, from_state("catchup")]
router = APIRouter(prefix="/api", tags=["live"], route_class=SignedInRoute)

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="`id` of the last event received: the stream continues after it. An unknown id counts as expired",
        max_length=MAX_LENGTH,
        examples=["1795512600123"],
    ),
]
STREAM: dict[str, Any] = {
    "model": EventView,
    "description": "Live events: `data` of each server-sent event is one `EventView`",
}
SYNCED = {
    "description": "The changes that the client does not have",
    "links": {
        "list_messages": openapi_link(
            "list_messages",
            "Later messages of the first group, `after` its last message in this answer",
            message_group_uuid="groups/0/uuid",
        ),
        "mark_read": openapi_link("mark_read", "Mark the first group read", message_group_uuid="groups/0/uuid"),
        "stream_events": openapi_link("stream_events", "Receive live events"),
    },
}


@router.post("/sync", responses={200: SYNCED, **problem_responses(*SIGNED_IN, *WITH_BODY)})
async def sync_changes(body: SyncCreate, user: CurrentUser, catchup: CatchupDep, views: ViewsDep) -> SyncView:
    """Return what has changed since the client's last call.

    For clients that poll, that were away for long, or that received the event `resync`. The request names what the
    client has of each group; the answer holds the present state of everything else. A client that repeats the call
    with what it received gets less each time, until nothing is missing.
    """
    missing = await catchup.difference(user, {group: has.cursor() for group, has in body.groups.items()})
    return SyncView(
        groups=await views.groups(missing.rows),
        messages=await views.messages(missing.messages, viewer=user, rows=missing.named),
        changes=[ChangeView.of(change) for change in missing.changes],
        gone=list(missing.gone),
    )


async def _open_stream(
    request: Request,
    user: CurrentUser,
    claims: CurrentClaims,
    users: UsersDep,
    hub: HubDep,
    last_event_id: LastEventId = None,
) -> AsyncIterator[Stream]:
    verifier, authorization = state_of(request.scope)["verifier"], authorization_of(request.scope)
    async with hub.open(user, until=claims.expires_at, position=last_event_id) as stream:
        await users.uuid_of(claims)  # once more: if the account was disabled meanwhile, its streams were closed before
        async with verifier.watching(authorization, on_refused=stream.close):
            yield stream


@router.get(
    "/events",
    response_class=EventStream,
    status_code=200,  # which FastAPI otherwise looks for in the parameters of the response class
    responses={200: STREAM, **problem_responses(*SIGNED_IN, TooManyStreams)},
)
async def stream_events(stream: Annotated[Stream, Depends(_open_stream)], hub: HubDep) -> EventStream:
    """Stream live events.

    Server-sent events, for `fetch` rather than `EventSource`, which cannot send a token. Their fields:

    - `data`: one `EventView` as JSON, on one line.
    - `event`: its `type`. More types will be added: ignore those that the client does not know.
    - `id`: where a stream can continue after this event. Not every event has one; the last one counts.
    - `retry`: with the first event, the milliseconds to wait before connecting again.

    A new stream begins with `resync`; with the header `Last-Event-ID` it continues after that event, unless the event
    has expired. On `resync` call `sync_changes`, then apply the events: messages by group and number, groups by the
    greatest `version`, changes to messages with a lower `change_number`. Events come at least once. After a `number` or
    a `change_number` that is not the next one, fetch the messages or changes before it.

    A comment (`: ping`) comes every 15 s. The stream ends with its token, and whenever the service wants its client to
    connect again. A user may have 10 streams at a time, over all processes of the service; one more is 429
    `too-many-streams`. 503 `overloaded` is the answer of a process that has no room for another stream of this user.
    """
    return EventStream(stream, hub.view)
