"""A conversation through the client that openapi-python-client generates. Run by tests/contract/test_clients.py."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from cruddur_client import AuthenticatedClient
from cruddur_client.api.live import list_presence, sync_changes
from cruddur_client.api.message_groups import (
    accept_request,
    add_members,
    create_message_group,
    decline_request,
    get_direct_group,
    get_message_group,
    leave_message_group,
    list_members,
    list_message_groups,
    list_pinned_message_groups,
    list_read_markers,
    mark_delivered,
    mark_read,
    remove_member,
    start_typing,
    stop_typing,
    update_member,
    update_message_group,
    update_message_group_view,
)
from cruddur_client.api.messages import (
    add_reaction,
    count_unread_groups,
    delete_message,
    edit_message,
    get_message,
    list_changes,
    list_edits,
    list_messages,
    list_reactions,
    list_receipts,
    remove_reaction,
    send_message,
)
from cruddur_client.api.reports import create_report
from cruddur_client.api.users import (
    get_current_user,
    get_settings,
    get_user,
    get_user_short,
    register_user,
    search_users,
    update_current_user,
    update_settings,
)
from cruddur_client.models import (
    ChangeEvent,
    CounterView,
    DeliveredMarkerUpdate,
    EditMessageProblem,
    EditMessageProblemCode,
    Folder,
    GroupEvent,
    GroupKind,
    KnownGroup,
    ListMessageGroupsProblem,
    ListMessageGroupsProblemCode,
    ListMessagesProblem,
    ListMessagesProblemCode,
    MarkReadProblem,
    MarkReadProblemCode,
    MembersCreate,
    MemberUpdate,
    MessageCreate,
    MessageEdit,
    MessageEvent,
    MessageGroupCreate,
    MessageGroupUpdate,
    MessageGroupView,
    MessageView,
    ProfileEvent,
    ProfileView,
    ReadEvent,
    ReadMarkerUpdate,
    ReadMarkerView,
    ReceiptView,
    RegisterUserProblem,
    RegisterUserProblemCode,
    ReportCreate,
    ReportReason,
    ReportView,
    ResyncEvent,
    Role,
    SendMessageProblem,
    SendMessageProblemCode,
    SettingsUpdate,
    SettingsView,
    StartTypingProblem,
    StartTypingProblemCode,
    StreamEventsProblem,
    StreamEventsProblemCode,
    SyncChangesProblem,
    SyncChangesProblemCode,
    SyncCreate,
    SyncCreateGroups,
    SyncView,
    TypingEvent,
    TypingView,
    UserCreate,
    UserShortView,
    UserUpdate,
    UserView,
    ViewUpdate,
)
from sse import server_sent

T = TypeVar("T")
Event = MessageEvent | ChangeEvent | ReadEvent | GroupEvent | ProfileEvent | TypingEvent | ResyncEvent
KINDS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "message": MessageEvent.from_dict,
    "change": ChangeEvent.from_dict,
    "read": ReadEvent.from_dict,
    "group": GroupEvent.from_dict,
    "profile": ProfileEvent.from_dict,
    "typing": TypingEvent.from_dict,
    "resync": ResyncEvent.from_dict,
}
URL, PEER, GROUP = os.environ["SERVICE_URL"], os.environ["PEER"], UUID(os.environ["GROUP"])


def signed_in(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=URL, token=token)


def the(kind: type[T], answer: object) -> T:
    """An answer of this kind."""
    assert isinstance(answer, kind), answer
    return answer


def converse(client: AuthenticatedClient) -> None:
    """Send, send again, page through the log, mark it read."""
    message = MessageCreate(message="Shall we ship it?", handle=PEER, uuid=uuid4())
    sent = the(MessageView, send_message.sync(client=client, body=message))
    assert (sent.message_group_uuid, sent.uuid, sent.message) == (GROUP, message.uuid, message.message)
    assert send_message.sync(client=client, body=message) == sent
    reply = MessageCreate(message="Again", message_group_uuid=GROUP, reply_to=sent.number)
    assert the(MessageView, send_message.sync(client=client, body=reply)).reply_to == sent.number
    read = mark_read.sync(GROUP, client=client, body=ReadMarkerUpdate(number=sent.number))
    assert the(MessageGroupView, read).read_number >= sent.number
    assert the(CounterView, count_unread_groups.sync(client=client)).count >= 0
    assert the(MessageGroupView, get_message_group.sync(GROUP, client=client)).created_at.tzinfo
    groups = the(list, list_message_groups.sync(client=client, limit=5))
    assert the(MessageGroupView, groups[0]).uuid == GROUP


def change(client: AuthenticatedClient) -> None:
    """React to a message, edit it, quote it and delete it."""
    body = MessageCreate(message="helo", handle=PEER)
    message = the(MessageView, send_message.sync(client=client, body=body))
    number = message.number
    reacted = the(MessageView, add_reaction.sync(GROUP, number, "👍", client=client))
    assert [(each.emoji, each.count, each.me) for each in reacted.reactions] == [("👍", 1, True)]
    assert len(the(list, list_reactions.sync(GROUP, number, client=client))) == 1
    of_peer = ReportCreate(reason=ReportReason.SPAM, handle=PEER, uuid=uuid4())
    assert the(ReportView, create_report.sync(client=client, body=of_peer)).reason is ReportReason.SPAM
    assert the(MessageView, remove_reaction.sync(GROUP, number, "👍", client=client)).reactions == []
    edit, seen = MessageEdit(message="hello", uuid=uuid4()), f'"{message.version}"'
    assert the(MessageView, edit_message.sync(GROUP, number, client=client, body=edit, if_match=seen)).version == 2
    late = edit_message.sync(GROUP, number, client=client, body=MessageEdit(message="other"), if_match=seen)
    assert the(EditMessageProblem, late).code is EditMessageProblemCode.VERSION_DIFFERS
    assert [each.message for each in the(list, list_edits.sync(GROUP, number, client=client))] == ["helo"]
    reply = MessageCreate(message="reply", message_group_uuid=GROUP, reply_to=number)
    quote = the(MessageView, send_message.sync(client=client, body=reply)).reply
    assert quote
    assert quote.message == "hello"
    deleted = the(MessageView, delete_message.sync(GROUP, number, client=client))
    assert deleted.deleted_at
    assert get_message.sync(GROUP, number, client=client) == deleted
    changes = the(list, list_changes.sync(GROUP, client=client, after=reacted.change_number - 1))
    assert [each.type_ for each in changes] == ["react", "unreact", "edit", "delete"]


def page(client: AuthenticatedClient) -> None:
    """The whole log backwards by the Link header, and a stretch of it by number."""
    numbers: list[int] = []
    answer = list_messages.sync_detailed(GROUP, client=client, limit=5)
    while True:
        numbers[:0] = [the(MessageView, message).number for message in the(list, answer.parsed)]
        following = re.search(r'before=(\d+)>; rel="next"', answer.headers.get("link", ""))
        if following is None:
            break
        answer = list_messages.sync_detailed(GROUP, client=client, limit=5, before=int(following[1]))
    assert numbers == list(range(1, len(numbers) + 1))
    stretch = the(list, list_messages.sync(GROUP, client=client, after=3, limit=2))
    assert [the(MessageView, message).number for message in stretch] == [4, 5]


def meet(client: AuthenticatedClient, newcomer: AuthenticatedClient) -> None:
    """Look people up, and register."""
    me = the(UserView, get_current_user.sync(client=client))
    found = the(list, search_users.sync(client=client, q=PEER[:8]))
    assert PEER in [the(UserShortView, user).handle for user in found]
    assert the(UserShortView, get_user_short.sync(PEER, client=client)).handle == PEER
    changed = update_current_user.sync(client=client, body=UserUpdate(about="Tea.\nBerlin"))
    assert the(UserView, changed).about == "Tea.\nBerlin"
    assert the(ProfileView, get_user.sync(PEER, client=client)).about == ""
    assert the(MessageGroupView, get_direct_group.sync(PEER, client=client)).uuid == GROUP
    refused = the(ListMessageGroupsProblem, list_message_groups.sync(client=newcomer))
    assert (refused.status, refused.code) == (403, ListMessageGroupsProblemCode.UNKNOWN_USER)
    handle = f"new_{uuid4().hex[:12]}"
    new = UserCreate(handle=handle, display_name="Newcomer")
    assert the(UserView, register_user.sync(client=newcomer, body=new)).handle == handle
    taken = register_user.sync(client=newcomer, body=UserCreate(handle=me.handle, display_name="Me"))
    assert the(RegisterUserProblem, taken).code is RegisterUserProblemCode.ALREADY_REGISTERED


@contextmanager
def stream(client: AuthenticatedClient, after: str = "") -> Iterator[httpx.Response]:
    headers = {"Last-Event-ID": after} if after else {}
    with client.get_httpx_client().stream("GET", "/api/events", headers=headers, timeout=20) as answer:
        yield answer


def events(answer: httpx.Response) -> Iterator[tuple[Event, str]]:
    for fields in server_sent(answer.iter_lines()):
        if read := KINDS.get(fields["event"]):  # else it is of a kind that is not known
            yield read(json.loads(fields["data"])), fields.get("id", "")


def listen(client: AuthenticatedClient, peer: AuthenticatedClient) -> None:
    """A stream begins, tells of a message, and goes on after it in another stream."""
    with stream(client) as answer:
        told = events(answer)
        assert the(ResyncEvent, next(told)[0]).reason == "new"
        sent = the(MessageView, send_message.sync(client=client, body=MessageCreate(message="1", handle=PEER)))
        event, position = next(told)
        assert the(MessageEvent, event).message == sent
        assert the(MessageEvent, event).group.last_number == sent.number
    missed = the(MessageView, send_message.sync(client=client, body=MessageCreate(message="2", handle=PEER)))
    with stream(client, after=position) as answer:
        told = events(answer)
        messages = (event.message for event, _ in told if isinstance(event, MessageEvent))
        assert next(message for message in messages if message.number > sent.number) == missed
        mark_read.sync(GROUP, client=peer, body=ReadMarkerUpdate(number=missed.number))
        assert next(event.number for event, _ in told if isinstance(event, ReadEvent)) == missed.number
        start_typing.sync(GROUP, client=peer)
        assert next(event.is_typing for event, _ in told if isinstance(event, TypingEvent))


def catch_up(client: AuthenticatedClient) -> None:
    """What one has not, who has read what, and that one types."""
    everything = the(SyncView, sync_changes.sync(client=client, body=SyncCreate(groups=SyncCreateGroups())))
    (group,) = (group for group in everything.groups if group.uuid == GROUP)
    known, gone = SyncCreateGroups(), uuid4()
    known[str(GROUP)] = KnownGroup(number=group.last_number - 2, version=group.version)
    known[str(gone)] = KnownGroup(number=0, version=0)
    changes = the(SyncView, sync_changes.sync(client=client, body=SyncCreate(groups=known)))
    assert [message.number for message in changes.messages] == [group.last_number - 1, group.last_number]
    assert changes.gone == [gone]
    markers = the(list, list_read_markers.sync(GROUP, client=client))
    assert group.last_number in [the(ReadMarkerView, marker).number for marker in markers]
    assert the(TypingView, start_typing.sync(GROUP, client=client)).expires_in == 15
    assert the(TypingView, stop_typing.sync(GROUP, client=client)).expires_in == 0


def receive(client: AuthenticatedClient, peer: AuthenticatedClient) -> None:
    """Report a delivery, hide receipts, and mark the group unread."""
    sent = the(MessageView, send_message.sync(client=client, body=MessageCreate(message="seen?", handle=PEER)))
    marker = mark_delivered.sync(GROUP, client=peer, body=DeliveredMarkerUpdate(number=sent.number))
    assert the(ReadMarkerView, marker).delivered_number == sent.number
    (receipt,) = the(list, list_receipts.sync(GROUP, sent.number, client=client))
    assert (the(ReceiptView, receipt).handle, receipt.is_read) == (PEER, False)
    hidden = the(SettingsView, update_settings.sync(client=client, body=SettingsUpdate(receipts=False)))
    assert get_settings.sync(client=client) == hidden
    assert list_receipts.sync(GROUP, sent.number, client=client) == []
    restored = update_settings.sync(client=client, body=SettingsUpdate(receipts=True, presence=True))
    assert the(SettingsView, restored).presence
    assert list_presence.sync(client=client) == []
    marked = update_message_group_view.sync(GROUP, client=client, body=ViewUpdate(is_marked_unread=True))
    assert the(MessageGroupView, marked).is_marked_unread
    until = datetime(9999, 12, 31, tzinfo=UTC)
    view = ViewUpdate(muted_until=until, pin_position=1)
    pinned = the(MessageGroupView, update_message_group_view.sync(GROUP, client=client, body=view))
    assert (pinned.pin_position, pinned.muted_until) == (1, until)
    assert the(list, list_pinned_message_groups.sync(client=client)) == [pinned]
    archived = update_message_group_view.sync(GROUP, client=client, body=ViewUpdate(is_archived=True))
    assert the(MessageGroupView, archived).folder == "archive"
    assert [row.uuid for row in the(list, list_message_groups.sync(client=client, folder=Folder.ARCHIVE))] == [GROUP]
    back = update_message_group_view.sync(GROUP, client=client, body=ViewUpdate(is_archived=False))
    assert the(MessageGroupView, back).folder == "inbox"


def several(client: AuthenticatedClient) -> None:
    """Create a group of several members, change it, and leave it."""
    body = MessageGroupCreate(title="Launch", handles=[PEER], uuid=uuid4())
    group = the(MessageGroupView, create_message_group.sync(client=client, body=body))
    assert the(MessageGroupView, create_message_group.sync(client=client, body=body)).uuid == group.uuid
    assert (group.kind, group.role, group.member_count) == (GroupKind.GROUP, Role.OWNER, 2)
    members = the(list, list_members.sync(group.uuid, client=client))
    other = next(member for member in members if member.handle == PEER)
    admin = MemberUpdate(role=Role.ADMIN)
    the(MessageGroupView, update_member.sync(group.uuid, other.user_uuid, client=client, body=admin))
    title = MessageGroupUpdate(title="Landing")
    renamed = the(MessageGroupView, update_message_group.sync(group.uuid, client=client, body=title))
    assert renamed.display_name == "Landing"
    removed = the(MessageGroupView, remove_member.sync(group.uuid, other.user_uuid, client=client))
    assert removed.member_count == 1
    added = add_members.sync(group.uuid, client=client, body=MembersCreate(handles=[PEER]))
    assert the(MessageGroupView, added).member_count == 2
    messages = the(list, list_messages.sync(group.uuid, client=client))
    assert [message.event.type_ for message in messages] == ["created", "role", "renamed", "removed", "added"]
    assert the(MessageGroupView, leave_message_group.sync(group.uuid, client=client)).state == "left"


def decide(client: AuthenticatedClient) -> None:
    """Look for requests, and decide on a group that is none."""
    assert list_message_groups.sync(client=client, folder=Folder.REQUESTS) == []
    assert the(MessageGroupView, accept_request.sync(GROUP, client=client)).folder is Folder.INBOX
    assert the(MessageGroupView, decline_request.sync(GROUP, client=client)).folder is Folder.INBOX


def refused(client: AuthenticatedClient, after: str = "") -> StreamEventsProblem:
    with stream(client, after) as answer:
        answer.read()
        assert answer.is_error
        return StreamEventsProblem.from_dict(answer.json())


def err_live(client: AuthenticatedClient, newcomer: AuthenticatedClient) -> None:
    """Each kind of error of the live calls."""
    codes = StreamEventsProblemCode
    with signed_in("nonsense") as stranger:
        assert refused(stranger).code is codes.UNAUTHENTICATED
    assert refused(newcomer).code is codes.UNKNOWN_USER
    assert refused(client, after="1" * 513).code is codes.INVALID_PARAMETER
    with ExitStack() as stack:
        answers = [stack.enter_context(stream(client)) for _ in range(11)]
        assert [answer.status_code for answer in answers] == 10 * [HTTPStatus.OK] + [HTTPStatus.TOO_MANY_REQUESTS]
        answer = answers[-1]
        answer.read()
        assert StreamEventsProblem.from_dict(answer.json()).code is codes.TOO_MANY_STREAMS
        assert int(answer.headers["retry-after"]) > 0
    known = SyncCreateGroups()
    known[str(GROUP)] = KnownGroup(number=-1, version=0)
    wrong = the(SyncChangesProblem, sync_changes.sync(client=client, body=SyncCreate(groups=known)))
    assert wrong.code is SyncChangesProblemCode.INVALID_BODY
    nowhere = the(StartTypingProblem, start_typing.sync(uuid4(), client=client))
    assert nowhere.code is StartTypingProblemCode.GROUP_NOT_FOUND


def err(client: AuthenticatedClient) -> None:
    """Each kind of error, by its code."""
    codes = SendMessageProblemCode
    uuid = uuid4()
    send_message.sync(client=client, body=MessageCreate(message="one", handle=PEER, uuid=uuid))
    cases = {
        codes.UUID_TAKEN: MessageCreate(message="other", handle=PEER, uuid=uuid),
        codes.USER_NOT_FOUND: MessageCreate(message="x", handle="nobody_at_all"),
        codes.GROUP_NOT_FOUND: MessageCreate(message="x", message_group_uuid=uuid4()),
        codes.ONE_TARGET: MessageCreate(message="x"),
        codes.MESSAGE_BLANK: MessageCreate(message=" ", handle=PEER),
        codes.BODY_TOO_LARGE: MessageCreate(message="x" * 20_000, handle=PEER),
    }
    for code, body in cases.items():
        assert the(SendMessageProblem, send_message.sync(client=client, body=body)).code is code
    beyond = mark_read.sync(GROUP, client=client, body=ReadMarkerUpdate(number=999))
    assert the(MarkReadProblem, beyond).code is MarkReadProblemCode.NUMBER_BEYOND_END
    with signed_in("nonsense") as stranger:
        unsigned = list_messages.sync_detailed(GROUP, client=stranger)
    assert unsigned.status_code is HTTPStatus.UNAUTHORIZED
    assert the(ListMessagesProblem, unsigned.parsed).code is ListMessagesProblemCode.UNAUTHENTICATED
    for content_type, code in (
        ("application/json", codes.MALFORMED_JSON),
        ("text/plain", codes.UNSUPPORTED_MEDIA_TYPE),
    ):
        raw = client.get_httpx_client().post("/api/messages", content=b"{", headers={"Content-Type": content_type})
        assert SendMessageProblem.from_dict(raw.json()).code is code


if __name__ == "__main__":
    with signed_in(os.environ["TOKEN"]) as ann, signed_in(os.environ["NEWCOMER_TOKEN"]) as nobody:
        converse(ann)
        change(ann)
        page(ann)
        with signed_in(os.environ["PEER_TOKEN"]) as bob:
            listen(ann, bob)
            catch_up(ann)
            receive(ann, bob)
            several(ann)
            decide(ann)
        err_live(ann, nobody)
        meet(ann, nobody)
        err(ann)
