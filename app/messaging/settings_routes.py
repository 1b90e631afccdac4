"""Users' settings over HTTP."""

from fastapi import APIRouter

from app.deps import CurrentUser, SettingsDep
from app.http.problems import SIGNED_IN, WITH_BODY, problem_responses
from app.http.routes import SignedInRoute
from app.messaging.settings_schemas import SettingsUpdate, SettingsView

router = APIRouter(prefix="/api/users/me/settings", tags=["users"], route_class=SignedInRoute)


@router.get("", responses=problem_responses(*SIGNED_IN))
async def get_settings(user: CurrentUser, settings: SettingsDep) -> SettingsView:
    """Return the caller's settings."""
    return SettingsView.of(await settings.of(user))


@router.patch("", responses=problem_responses(*SIGNED_IN, *WITH_BODY))
async def update_settings(body: SettingsUpdate, user: CurrentUser, settings: SettingsDep) -> SettingsView:
    """Change some of the caller's settings.

    While `receipts` is false, other members do not get the caller's read and delivered markers, nor the caller theirs:
    in lists, in events and after a stream has resumed. The caller's own devices get the caller's markers. Markers move
    meanwhile; once `receipts` is true again, all of them are shown as they stand.

    `messages_from` is asked when another user starts a group with the caller, once the answer is there.
    """
    return SettingsView.of(await settings.change(user, body.changes()))
