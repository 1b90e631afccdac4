"""Users' settings over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from app.http.deps import CurrentClaims, from_state
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.messaging.settings.schemas import SettingsUpdate, SettingsView
from app.messaging.settings.service import UserSettingsService
from app.users.deps import UsersDep

SettingsDep = Annotated[UserSettingsService, from_state("settings")]
router = APIRouter(prefix="/api/users/me/settings", tags=["users"], route_class=SignedInRoute)


@router.get("", responses=problem_responses(*SIGNED_IN))
async def get_settings(claims: CurrentClaims, users: UsersDep, settings: SettingsDep) -> SettingsView:
    """Return the caller's settings."""
    user = await users.me(claims)
    return SettingsView.of(await settings.of(user.uuid), user)


@router.patch("", responses=problem_responses(*SIGNED_IN, *WITH_BODY))
async def update_settings(
    body: SettingsUpdate, claims: CurrentClaims, users: UsersDep, settings: SettingsDep
) -> SettingsView:
    """Change some of the caller's settings.

    While `receipts` is false, other members do not get the caller's read and delivered markers, nor the caller theirs:
    in lists, in events and after a stream has resumed. The caller's own devices get the caller's markers. Markers move
    meanwhile; once `receipts` is true again, all of them are shown as they stand. `typing` works both ways, too: while
    it is false, calls that show the caller as typing are answered as ever, and no other member notices. While
    `is_discoverable` is false, no search finds the caller but by @ and the whole handle.

    `presence` is false until the caller makes it true. Then `list_presence` and the event `presence` tell the caller
    and the other users of the caller's direct groups of one another whether they are online, and when they were seen
    last: those that share it, too, and are not blocked. Once it is false again, nothing is left of it.

    `messages_from` is asked when another user starts a group with the caller, once the answer is there.

    Several settings are not changed as one: after 503 some of them may be, and repeating the call changes the rest.
    """
    user = await users.update(claims, is_discoverable=body.is_discoverable)
    return SettingsView.of(await settings.change(user.uuid, body.changes()), user)
