"""Schemas of message groups: views, markers, receipts, typing and the counter."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from app.http.types import EXAMPLE_UUID, RequestModel, ResponseModel, Timestamp, Uuid
from app.messaging.groups.models import Role
from app.messaging.hiding import MAX_HIDDEN
from app.messaging.models import LAST_NUMBER
from app.messaging.row_models import MAX_MENTIONS_COUNTED, Folder, GroupKind, InboxRow, MemberState
from app.messaging.schemas import AS_STRING, MAX_VERSION, Number
from app.users.models import Name
from app.users.schemas import display_name_of, handle_of

HiddenNumber = Annotated[int, Field(ge=1, le=LAST_NUMBER, examples=[42])]
DELIVERED_NUMBER: Any = Field(
    ge=0,
    le=LAST_NUMBER,
    description="Number of the last message that a device of the member has received; never less than `number`",
    examples=[42],
)


@dataclass(slots=True)
class MessageGroupView:
    """A message group in the caller's view."""

    uuid: Annotated[Uuid, Field(description="Id of the group", examples=[EXAMPLE_UUID])]
    kind: Annotated[
        GroupKind,
        AS_STRING,
        Field(
            description="`direct`: the only direct group of two users; `group`: one with a title and several members",
            examples=["direct"],
        ),
    ]
    display_name: Annotated[str, display_name_of("the other user, or the title of a `group`")]
    handle: Annotated[str | None, handle_of("the other user of a `direct` group")]
    message: Annotated[
        str,
        Field(
            description="The last message; a long one is cut after at most 79 visible characters, and ends in `…`."
            " Empty if it was deleted or hidden, of a message that expires, and of a system message",
            max_length=160,
            examples=["Shall we ship it"],
        ),
    ]
    created_at: Annotated[Timestamp, Field(description="Time of the last activity")]
    last_number: Annotated[int, Field(ge=1, le=LAST_NUMBER, description="Number of the last message", examples=[42])]
    last_message_by: Annotated[Uuid, Field(description="Sender of the last message", examples=[EXAMPLE_UUID])]
    read_number: Annotated[
        int,
        Field(
            ge=0,
            le=LAST_NUMBER,
            description="Number of the last message that the caller has read; 0: none",
            examples=[40],
        ),
    ]
    unread_count: Annotated[
        int,
        Field(
            ge=0,
            le=LAST_NUMBER,
            description="Messages after `read_number` and `cleared_number` that are not hidden and have not expired",
            examples=[2],
        ),
    ]
    state: Annotated[
        MemberState,
        AS_STRING,
        Field(description="Whether the caller is in the group or has left it", examples=["active"]),
    ]
    muted_until: Annotated[Timestamp | None, Field(description="No notifications before this time")]
    pinned_at: Annotated[Timestamp | None, Field(description="Time at which the caller pinned the group")]
    version: Annotated[
        int, Field(ge=1, le=MAX_VERSION, description="Grows with every change of this view", examples=[57])
    ]

    peer_uuid: Annotated[Uuid | None, Field(description="The other user of a `direct` group", examples=[EXAMPLE_UUID])]
    change_number: Annotated[
        int, Field(ge=0, le=LAST_NUMBER, description="Number of the last change of a message; 0: none", examples=[7])
    ]
    unread_mention_count: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_MENTIONS_COUNTED,
            description="Unread messages that mention the caller. At most 20 are counted: 20 means 20 or more",
            examples=[1],
        ),
    ]
    expires_at: Annotated[
        Timestamp | None, Field(description="Time from which the text of the last message is empty; null if it stays")
    ]
    unread_until: Annotated[
        Timestamp | None,
        Field(
            description="Time from which `unread_count` is lower, as an unread message expires or ends: read the group"
            " again then; null if none does"
        ),
    ]
    hidden: Annotated[
        list[HiddenNumber],
        Field(description="Numbers of messages that the caller has hidden, the last 20 of them", max_length=MAX_HIDDEN),
    ]
    hide_count: Annotated[
        int, Field(ge=0, le=MAX_VERSION, description="How many messages the caller has hidden", examples=[0])
    ]
    is_marked_unread: Annotated[
        bool, Field(description="Whether the caller has marked the group unread", examples=[False])
    ]
    blocked_at: Annotated[Timestamp | None, Field(description="Time at which the caller blocked the other user")]
    member_count: Annotated[int, Field(ge=0, le=MAX_VERSION, description="Members, the caller included", examples=[2])]
    role: Annotated[
        Role | None,
        Field(description="What the caller may do in a `group`; null in a `direct` one", examples=["admin"]),
    ]
    shows_history: Annotated[
        bool | None,
        Field(description="Whether new members see the messages of before; null in a `direct` group", examples=[False]),
    ]
    folder: Annotated[
        Folder, AS_STRING, Field(description="The part of the caller's list that shows the group", examples=["inbox"])
    ]
    cleared_number: Annotated[
        int,
        Field(
            ge=0,
            le=LAST_NUMBER,
            description="Number up to which the caller has cleared the history, and gets no message; 0: none",
            examples=[0],
        ),
    ]
    pin_position: Annotated[
        int | None,
        Field(ge=1, le=10, description="Position among the caller's pinned groups; null: not pinned", examples=[1]),
    ]

    @classmethod
    def of(cls, row: InboxRow, peer: Name | None) -> "MessageGroupView":
        """Return a group; `peer` has the names of the other user of a direct one."""
        return cls(
            row.group_uuid,
            row.kind,
            peer.display_name if peer else row.title or "",
            peer.handle if peer else None,
            row.preview,
            row.last_at,
            row.last_number,
            row.last_by,
            row.read_number,
            row.unread_count,
            row.state,
            row.muted_until,
            row.pinned_at,
            row.view_version,
            row.peer_uuid,
            row.change_number,
            len(row.unread_mentions),
            row.expires_at,
            row.unread_until,
            list(row.hidden),
            row.hide_count,
            row.is_marked_unread,
            row.blocked_at,
            row.member_count,
            row.role if row.title else None,
            row.shows_history if row.title else None,
            row.folder,
            row.cleared_number,
            row.pin_position,
        )


class ReadMarkerUpdate(RequestModel):
    """The caller's new read marker."""

    number: Number = Field(description="Number of the last message that the caller has read", examples=[42])


class DeliveredMarkerUpdate(RequestModel):
    """The caller's new delivered marker."""

    number: Number = Field(description="Number of the last message that the client has received", examples=[42])


class ReadMarkerView(ResponseModel):
    """The read and the delivered marker of a member."""

    user_uuid: Uuid = Field(description="The member", examples=[EXAMPLE_UUID])
    number: int = Field(
        ge=0, le=LAST_NUMBER, description="Number of the last message that the member has read; 0: none", examples=[42]
    )
    delivered_number: int = DELIVERED_NUMBER

    @classmethod
    def of(cls, row: InboxRow) -> "ReadMarkerView":
        return cls(user_uuid=row.user_uuid, number=row.read_number, delivered_number=row.delivered_number)


class ReceiptView(ResponseModel):
    """A member that has received a message."""

    user_uuid: Uuid = Field(description="The member", examples=[EXAMPLE_UUID])
    display_name: str = display_name_of("the member")
    handle: str | None = handle_of("the member")
    is_read: bool = Field(description="Whether the member has read it; false: received only", examples=[True])

    @classmethod
    def of(cls, row: InboxRow, number: int, member: Name) -> "ReceiptView":
        return cls(
            user_uuid=row.user_uuid,
            display_name=member.display_name,
            handle=member.handle,
            is_read=row.read_number >= number,
        )


class TypingView(ResponseModel):
    """The typing indicator of the caller."""

    expires_in: int = Field(
        ge=0, le=60, description="Seconds until the indicator ends unless it is renewed; 0: it has ended", examples=[15]
    )


class CounterView(ResponseModel):
    """The numbers of groups with unread messages, and of requests."""

    count: int = Field(
        ge=0,
        le=MAX_VERSION,
        description="Groups of the inbox with unread messages, or that are marked unread, without muted ones",
        examples=[3],
    )
    is_complete: bool = Field(
        description="Whether all groups were counted. False in an inbox of more than 125 groups: the 20 groups with the"
        " newest activity were counted, and the 20 newest requests, and more may have unread messages",
        examples=[True],
    )
    request_count: int = Field(
        ge=0, le=MAX_VERSION, description="Requests with unread messages, which `count` leaves out", examples=[1]
    )
