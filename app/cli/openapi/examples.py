"""Examples for the OpenAPI document: an event of each kind, and a sync after some time offline."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.messaging.change_schemas import ChangeView
from app.messaging.group_schemas import MessageGroupView
from app.messaging.mention_schemas import MentionView
from app.messaging.models import ChangeType, MessageKind
from app.messaging.row_models import Folder, GroupKind, MemberState
from app.messaging.schemas import MessageView
from app.realtime.schemas import (
    ChangeEvent,
    EventView,
    GroupEvent,
    KnownGroup,
    MessageEvent,
    PresenceEvent,
    ProfileEvent,
    ReadEvent,
    ResyncEvent,
    SyncCreate,
    SyncView,
    TypingEvent,
)
from app.users.schemas import UserShortView

GROUP = UUID("5b0f9a5e-6d0b-5c53-9a4e-0a4d3c1c7f21")
AMELIE = UUID("0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10")
CALLER = UUID("0193e1c4-9c3e-7b1d-8a44-1f7c5d2e6b90")
GONE = UUID("7c2b3c1e-93a5-5d0e-8f0c-4b7f2f7a9d55")
AT = datetime(2026, 11, 24, 9, 30, 0, 123_000, tzinfo=UTC)
MESSAGE = MessageView(
    uuid=UUID("0193e1c4-b3d8-7a52-8c1e-6f0d2b9a4c33"),
    message_group_uuid=GROUP,
    number=42,
    kind=MessageKind.TEXT,
    user_uuid=AMELIE,
    display_name="Amélie Laurent",
    handle="amelie",
    message="Shall we ship it today, @jonas?",
    created_at=AT,
    reply_to=None,
    edited_at=None,
    deleted_at=None,
    version=1,
    change_number=0,
    reactions=[],
    reply=None,
    mentions=[MentionView(user_uuid=CALLER, display_name="Jonas Weber", handle="jonas")],
    expires_at=None,
    is_hidden=False,
    event=None,
)
UNREAD = MessageGroupView(
    uuid=GROUP,
    kind=GroupKind.DIRECT,
    display_name="Amélie Laurent",
    handle="amelie",
    message=MESSAGE.message,
    created_at=AT,
    last_number=42,
    last_message_by=AMELIE,
    read_number=41,
    unread_count=1,
    state=MemberState.ACTIVE,
    muted_until=None,
    pinned_at=None,
    version=57,
    peer_uuid=AMELIE,
    change_number=6,
    unread_mention_count=1,
    expires_at=None,
    unread_until=None,
    hidden=[],
    hide_count=0,
    is_marked_unread=False,
    blocked_at=None,
    member_count=2,
    role=None,
    shows_history=None,
    folder=Folder.INBOX,
    cleared_number=0,
    pin_position=None,
)
REACTION = ChangeView(
    change_number=7,
    uuid=UUID("0193e1c4-c1aa-7f10-9d2b-3b5f6a7c8d9e"),
    message_group_uuid=GROUP,
    number=40,
    type=ChangeType.REACT,
    user_uuid=AMELIE,
    created_at=AT,
    message=None,
    version=None,
    emoji="👍",
    mentions=[],
)
REACTED = replace(UNREAD, version=59, change_number=7)
READ = replace(UNREAD, read_number=42, unread_count=0, unread_mention_count=0, version=58)
EVENTS: dict[str, EventView] = {
    "Amélie wrote": MessageEvent(type="message", message=MESSAGE, group=UNREAD),
    "Amélie reacted": ChangeEvent(type="change", change=REACTION, group=REACTED),
    "Amélie has read": ReadEvent(
        type="read", message_group_uuid=GROUP, user_uuid=AMELIE, number=42, delivered_number=42
    ),
    "Read on another device": GroupEvent(type="group", group=READ),
    "Amélie has another display name": ProfileEvent(
        type="profile", user=UserShortView(uuid=AMELIE, handle="amelie", display_name="Amélie Martin")
    ),
    "Amélie types": TypingEvent(type="typing", message_group_uuid=GROUP, user_uuid=AMELIE, is_typing=True),
    "Amélie has gone": PresenceEvent(
        type="presence", user_uuid=AMELIE, is_online=False, last_seen_at=AT.replace(second=0, microsecond=0)
    ),
    "A stream begins": ResyncEvent(type="resync", reason="new"),
}
_events: dict[str, Any] = {
    event.type: {"summary": title, "value": event.model_dump(mode="json")} for title, event in EVENTS.items()
}
_syncs: dict[str, Any] = {
    "everything": {"summary": "The client has nothing yet", "value": {"groups": {}}},
    "changes": {
        "summary": "The client has two groups",
        "value": SyncCreate(
            groups={GROUP: KnownGroup(number=41, version=56, change_number=6), GONE: KnownGroup(number=7, version=12)}
        ).model_dump(mode="json", exclude_none=True),
    },
}
_synced: dict[str, Any] = SyncView(groups=[UNREAD], messages=[MESSAGE], changes=[REACTION], gone=[GONE]).model_dump(
    mode="json"
)

RESPONSES: dict[str, Any] = {
    "stream_events": {"text/event-stream": {"examples": _events}},
    "sync_changes": {"application/json": {"example": _synced}},
}
"""The examples of responses, by operation and media type."""
REQUESTS: dict[str, Any] = {
    "sync_changes": {"application/json": {"examples": _syncs}},
    "mark_read": {"application/json": {"example": {"number": MESSAGE.number}}},
    "mark_delivered": {"application/json": {"example": {"number": MESSAGE.number}}},
    "edit_message": {"application/json": {"example": {"message": "Shall we ship it tomorrow?", "uuid": str(AMELIE)}}},
    "register_user": {"application/json": {"example": {"handle": "amelie", "display_name": "Amélie Laurent"}}},
    "update_message_group_view": {"application/json": {"example": {"is_marked_unread": True}}},
    "update_settings": {"application/json": {"example": {"receipts": False}}},
    "update_current_user": {
        "application/json": {"example": {"display_name": "Amélie Martin", "about": "Sailing, tea and type systems."}}
    },
}
"""The examples of request bodies, by operation and media type."""
