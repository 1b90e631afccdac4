"""A conversation through the client that openapi-generator makes for Python. Run by tests/contract/test_clients.py."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

from cruddur_client import (
    ApiClient,
    ApiException,
    Configuration,
    DeliveredMarkerUpdate,
    EditMessageProblem,
    EditMessageProblemCode,
    EventView,
    Folder,
    GroupKind,
    KnownGroup,
    ListMessageGroupsProblem,
    ListMessageGroupsProblemCode,
    ListMessagesProblem,
    ListMessagesProblemCode,
    LiveApi,
    MarkReadProblem,
    MarkReadProblemCode,
    MembersCreate,
    MemberUpdate,
    MessageCreate,
    MessageEdit,
    MessageEvent,
    MessageGroupCreate,
    MessageGroupsApi,
    MessageGroupUpdate,
    MessagesApi,
    ReadEvent,
    ReadMarkerUpdate,
    RegisterUserProblem,
    RegisterUserProblemCode,
    ReportCreate,
    ReportReason,
    ReportsApi,
    ResyncEvent,
    Role,
    SendMessageProblem,
    SendMessageProblemCode,
    SettingsUpdate,
    StartTypingProblem,
    StartTypingProblemCode,
    StreamEventsProblem,
    StreamEventsProblemCode,
    SyncChangesProblem,
    SyncChangesProblemCode,
    SyncCreate,
    TypingEvent,
    UserCreate,
    UsersApi,
    UserUpdate,
    ViewUpdate,
)
from sse import server_sent
from urllib3 import BaseHTTPResponse

T = TypeVar("T")
URL, PEER, GROUP = os.environ["SERVICE_URL"], os.environ["PEER"], UUID(os.environ["GROUP"])


class Calls:
    """What one person can do."""

    def __init__(self, token: str) -> None:
        # urllib3 would wait as long as Retry-After says, and try three times more.
        client = ApiClient(Configuration(host=URL, access_token=token, retries=0))
        self.groups = MessageGroupsApi(client)
        self.live = LiveApi(client)
        self.messages = MessagesApi(client)
        self.reports = ReportsApi(client)
        self.users = UsersApi(client)


def problem(kind: type[T], call: Callable[..., object], *arguments: Any, **options: Any) -> T:
    """The problem that the call is refused with."""
    answer: object = "was not refused"
    try:
        call(*arguments, **options)
    except ApiException as refused:
        answer = refused.data
    assert isinstance(answer, kind), answer
    return answer


def converse(ann: Calls) -> None:
    """Send, send again, page through the log, mark it read."""
    message = MessageCreate(message="Shall we ship it?", handle=PEER, uuid=uuid4())
    sent = ann.messages.send_message(message)
    assert (sent.message_group_uuid, sent.uuid, sent.message) == (GROUP, message.uuid, message.message)
    assert ann.messages.send_message(message) == sent
    reply = MessageCreate(message="Again", message_group_uuid=GROUP, reply_to=sent.number)
    assert ann.messages.send_message(reply).reply_to == sent.number
    assert ann.groups.mark_read(GROUP, ReadMarkerUpdate(number=sent.number)).read_number >= sent.number
    assert ann.messages.count_unread_groups().count >= 0
    assert ann.groups.get_message_group(GROUP).created_at.tzinfo
    assert ann.groups.list_message_groups(limit=5)[0].uuid == GROUP


def change(ann: Calls) -> None:
    """React to a message, edit it, quote it and delete it."""
    message = ann.messages.send_message(MessageCreate(message="helo", handle=PEER))
    number = message.number
    reacted = ann.messages.add_reaction(GROUP, number, "👍")
    assert [(each.emoji, each.count, each.me) for each in reacted.reactions] == [("👍", 1, True)]
    assert len(ann.messages.list_reactions(GROUP, number)) == 1
    of_peer = ReportCreate(reason=ReportReason.SPAM, handle=PEER, uuid=uuid4())
    assert ann.reports.create_report(of_peer).reason is ReportReason.SPAM
    assert ann.messages.remove_reaction(GROUP, number, "👍").reactions == []
    edit, seen = MessageEdit(message="hello", uuid=uuid4()), f'"{message.version}"'
    assert ann.messages.edit_message(GROUP, number, seen, edit).version == 2
    late = problem(EditMessageProblem, ann.messages.edit_message, GROUP, number, seen, MessageEdit(message="other"))
    assert late.code is EditMessageProblemCode.VERSION_DIFFERS
    assert [each.message for each in ann.messages.list_edits(GROUP, number)] == ["helo"]
    reply = MessageCreate(message="reply", message_group_uuid=GROUP, reply_to=number)
    quote = ann.messages.send_message(reply).reply
    assert quote
    assert quote.message == "hello"
    deleted = ann.messages.delete_message(GROUP, number)
    assert deleted.deleted_at
    assert ann.messages.get_message(GROUP, number) == deleted
    changes = ann.messages.list_changes(GROUP, after=reacted.change_number - 1)
    assert [each.type.value for each in changes] == ["react", "unreact", "edit", "delete"]


def page(ann: Calls) -> None:
    """The whole log backwards by the Link header, and a stretch of it by number."""
    answer = ann.messages.list_messages_with_http_info(GROUP, limit=5)
    numbers = [message.number for message in answer.data]
    while following := re.search(r'before=(\d+)>; rel="next"', (answer.headers or {}).get("link", "")):
        answer = ann.messages.list_messages_with_http_info(GROUP, limit=5, before=int(following[1]))
        numbers[:0] = [message.number for message in answer.data]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [message.number for message in ann.messages.list_messages(GROUP, after=3, limit=2)] == [4, 5]


def meet(ann: Calls, newcomer: Calls) -> None:
    """Look people up, and register."""
    me = ann.users.get_current_user()
    assert PEER in [user.handle for user in ann.users.search_users(q=PEER[:8])]
    assert ann.users.get_user_short(PEER).handle == PEER
    assert ann.users.update_current_user(UserUpdate(about="Tea.\nBerlin")).about == "Tea.\nBerlin"
    assert ann.users.get_user(PEER).about == ""
    assert ann.groups.get_direct_group(PEER).uuid == GROUP
    unknown = problem(ListMessageGroupsProblem, newcomer.groups.list_message_groups)
    assert (unknown.status, unknown.code) == (403, ListMessageGroupsProblemCode.UNKNOWN_USER)
    handle = f"new_{uuid4().hex[:12]}"
    assert newcomer.users.register_user(UserCreate(handle=handle, display_name="Newcomer")).handle == handle
    mine = UserCreate(handle=me.handle, display_name="Me")
    taken = problem(RegisterUserProblem, newcomer.users.register_user, mine)
    assert taken.code is RegisterUserProblemCode.ALREADY_REGISTERED


@contextmanager
def stream(calls: Calls, after: str | None = None) -> Iterator[BaseHTTPResponse]:
    open_stream = calls.live.stream_events_without_preload_content
    answer = open_stream(last_event_id=after, _request_timeout=(5.0, 20.0))
    try:
        yield answer
    finally:
        answer.close()


def events(answer: BaseHTTPResponse) -> Iterator[tuple[object, str]]:
    for fields in server_sent(line.decode() for line in answer):
        try:
            event = EventView.from_json(fields["data"])
        except ValueError:
            continue  # a kind of event that is not known
        yield event.actual_instance, fields.get("id", "")


def listen(ann: Calls, bob: Calls) -> None:
    """A stream begins, tells of a message, and goes on after it in another stream."""
    with stream(ann) as answer:
        told = events(answer)
        first, _ = next(told)
        assert isinstance(first, ResyncEvent)
        assert first.reason == "new"
        sent = ann.messages.send_message(MessageCreate(message="1", handle=PEER))
        event, position = next(told)
        assert isinstance(event, MessageEvent)
        assert (event.message, event.group.last_number) == (sent, sent.number)
    missed = ann.messages.send_message(MessageCreate(message="2", handle=PEER))
    with stream(ann, after=position) as answer:
        told = events(answer)
        messages = (event.message for event, _ in told if isinstance(event, MessageEvent))
        assert next(message for message in messages if message.number > sent.number) == missed
        bob.groups.mark_read(GROUP, ReadMarkerUpdate(number=missed.number))
        assert next(event.number for event, _ in told if isinstance(event, ReadEvent)) == missed.number
        bob.groups.start_typing(GROUP)
        assert next(event.is_typing for event, _ in told if isinstance(event, TypingEvent))


def catch_up(ann: Calls) -> None:
    """What one has not, who has read what, and that one types."""
    (group,) = (group for group in ann.live.sync_changes(SyncCreate(groups={})).groups if group.uuid == GROUP)
    last, gone = group.last_number, uuid4()
    known = {
        str(GROUP): KnownGroup(number=last - 2, version=group.version),
        str(gone): KnownGroup(number=0, version=0),
    }
    changes = ann.live.sync_changes(SyncCreate(groups=known))
    assert [message.number for message in changes.messages] == [last - 1, last]
    assert changes.gone == [gone]
    assert last in [marker.number for marker in ann.groups.list_read_markers(GROUP)]
    assert ann.groups.start_typing(GROUP).expires_in == 15
    assert ann.groups.stop_typing(GROUP).expires_in == 0


def receive(ann: Calls, bob: Calls) -> None:
    """Report a delivery, hide receipts, and mark the group unread."""
    number = ann.messages.send_message(MessageCreate(message="seen?", handle=PEER)).number
    assert bob.groups.mark_delivered(GROUP, DeliveredMarkerUpdate(number=number)).delivered_number == number
    (receipt,) = ann.messages.list_receipts(GROUP, number)
    assert (receipt.handle, receipt.is_read) == (PEER, False)
    hidden = ann.users.update_settings(SettingsUpdate(receipts=False))
    assert ann.users.get_settings() == hidden
    assert ann.messages.list_receipts(GROUP, number) == []
    restored = ann.users.update_settings(SettingsUpdate(receipts=True, presence=True))
    assert (restored.receipts, restored.presence, restored.is_discoverable) == (True, True, True)
    assert ann.live.list_presence() == []
    assert ann.groups.update_message_group_view(GROUP, ViewUpdate(is_marked_unread=True)).is_marked_unread


def several(ann: Calls) -> None:
    """Create a group of several members, change it, and leave it."""
    body = MessageGroupCreate(title="Launch", handles=[PEER], uuid=uuid4())
    group = ann.groups.create_message_group(body)
    assert ann.groups.create_message_group(body).uuid == group.uuid
    assert (group.kind, group.role, group.member_count) == (GroupKind.GROUP, Role.OWNER, 2)
    other = next(member for member in ann.groups.list_members(group.uuid) if member.handle == PEER)
    ann.groups.update_member(group.uuid, other.user_uuid, MemberUpdate(role=Role.ADMIN))
    assert ann.groups.update_message_group(group.uuid, MessageGroupUpdate(title="Landing")).display_name == "Landing"
    assert ann.groups.remove_member(group.uuid, other.user_uuid).member_count == 1
    assert ann.groups.add_members(group.uuid, MembersCreate(handles=[PEER])).member_count == 2
    told = [message.event and message.event.type for message in ann.messages.list_messages(group.uuid)]
    assert told == ["created", "role", "renamed", "removed", "added"]
    assert ann.groups.leave_message_group(group.uuid).state == "left"


def decide(ann: Calls) -> None:
    """Look for requests, and decide on a group that is none."""
    assert ann.groups.list_message_groups(folder=Folder.REQUESTS) == []
    assert ann.groups.accept_request(GROUP).folder is Folder.INBOX
    assert ann.groups.decline_request(GROUP).folder is Folder.INBOX


def refused(answer: BaseHTTPResponse) -> StreamEventsProblem:
    problem = StreamEventsProblem.from_json(answer.data.decode())
    assert problem is not None
    assert problem.status == answer.status
    return problem


def err_live(ann: Calls, newcomer: Calls) -> None:
    """Each kind of error of the live calls."""
    codes = StreamEventsProblemCode
    for caller, code in ((Calls("nonsense"), codes.UNAUTHENTICATED), (newcomer, codes.UNKNOWN_USER)):
        with stream(caller) as answer:
            assert refused(answer).code is code
    with ExitStack() as stack:
        answers = [stack.enter_context(stream(ann)) for _ in range(11)]
        assert [answer.status for answer in answers] == [*10 * [200], 429]
        answer = answers[-1]
        assert refused(answer).code is codes.TOO_MANY_STREAMS
        assert int(answer.headers["retry-after"]) > 0
    known = {str(GROUP): KnownGroup.model_construct(number=-1, version=0)}
    wrong = problem(SyncChangesProblem, ann.live.sync_changes, SyncCreate(groups=known))
    assert wrong.code is SyncChangesProblemCode.INVALID_BODY
    nowhere = problem(StartTypingProblem, ann.groups.start_typing, uuid4())
    assert nowhere.code is StartTypingProblemCode.GROUP_NOT_FOUND


def err(ann: Calls) -> None:
    """Each kind of error, by its code."""
    codes, send = SendMessageProblemCode, ann.messages.send_message
    uuid = uuid4()
    send(MessageCreate(message="one", handle=PEER, uuid=uuid))
    cases = {
        codes.UUID_TAKEN: MessageCreate(message="other", handle=PEER, uuid=uuid),
        codes.USER_NOT_FOUND: MessageCreate(message="x", handle="nobody_at_all"),
        codes.GROUP_NOT_FOUND: MessageCreate(message="x", message_group_uuid=uuid4()),
        codes.ONE_TARGET: MessageCreate(message="x"),
        codes.MESSAGE_TO_SELF: MessageCreate(message="x", handle=ann.users.get_current_user().handle),
        codes.MALFORMED_JSON: MessageCreate.model_construct(message="\ud800", handle=PEER),
        codes.BODY_TOO_LARGE: MessageCreate.model_construct(message="x" * 20_000, handle=PEER),
    }
    for code, body in cases.items():
        assert problem(SendMessageProblem, send, body).code is code
    plain = problem(SendMessageProblem, send, MessageCreate(message="x"), _content_type="application/yaml")
    assert plain.code is codes.UNSUPPORTED_MEDIA_TYPE
    beyond = problem(MarkReadProblem, ann.groups.mark_read, GROUP, ReadMarkerUpdate(number=999))
    assert beyond.code is MarkReadProblemCode.NUMBER_BEYOND_END
    unsigned = problem(ListMessagesProblem, Calls("nonsense").messages.list_messages, GROUP)
    assert unsigned.code is ListMessagesProblemCode.UNAUTHENTICATED


if __name__ == "__main__":
    one, nobody = Calls(os.environ["TOKEN"]), Calls(os.environ["NEWCOMER_TOKEN"])
    converse(one)
    change(one)
    page(one)
    listen(one, Calls(os.environ["PEER_TOKEN"]))
    catch_up(one)
    receive(one, Calls(os.environ["PEER_TOKEN"]))
    several(one)
    decide(one)
    err_live(one, nobody)
    meet(one, nobody)
    err(one)
