"""Presence over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from app.http.deps import from_state
from app.http.problems import SIGNED_IN, problem_responses
from app.http.routes import SignedInRoute
from app.http.types import Page
from app.realtime.presence.service import PeerPresence
from app.realtime.schemas import PresenceView
from app.users.deps import CurrentUser

PresenceDep = Annotated[PeerPresence, from_state("presence")]
router = APIRouter(prefix="/api/users/presence", tags=["live"], route_class=SignedInRoute)


@router.get("", responses=problem_responses(*SIGNED_IN))
async def list_presence(user: CurrentUser, presence: PresenceDep) -> Page[PresenceView]:
    """List the users that share presence with the caller: whether they are online, and when they were seen last.

    These are users of the caller's newest direct groups that have the setting `presence`, as has the caller; neither
    has blocked the other. They are 100 at most, so there are no pages. Without the setting the list is empty.

    Later changes come as `presence` events, while the caller has a stream open: call this after each `resync` and after
    each new connection, as such events are not kept for streams that resume. A change comes at once, or up to 30 s
    later if it follows another one. The event that a user has gone comes not at all if a process was killed: call this
    again every five minutes.
    """
    found = await presence.of(user)
    return [
        PresenceView(user_uuid=peer, is_online=seen.is_online, last_seen_at=seen.last_seen_at)
        for peer, seen in found.items()
    ]
