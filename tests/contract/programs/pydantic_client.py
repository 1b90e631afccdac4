"""A conversation through the client that openapi-generator makes for Python. Run by tests/contract/test_clients.py."""

import os
import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

from cruddur_client import (
    ApiClient,
    ApiException,
    Configuration,
    ListMessageGroupsProblem,
    ListMessageGroupsProblemCode,
    ListMessagesProblem,
    ListMessagesProblemCode,
    MarkReadProblem,
    MarkReadProblemCode,
    MessageCreate,
    MessageGroupsApi,
    MessagesApi,
    ReadMarkerUpdate,
    RegisterUserProblem,
    RegisterUserProblemCode,
    SendMessageProblem,
    SendMessageProblemCode,
    UserCreate,
    UsersApi,
)

T = TypeVar("T")
URL, PEER, GROUP = os.environ["SERVICE_URL"], os.environ["PEER"], UUID(os.environ["GROUP"])


class Calls:
    """What one person can do."""

    def __init__(self, token: str) -> None:
        client = ApiClient(Configuration(host=URL, access_token=token))
        self.groups = MessageGroupsApi(client)
        self.messages = MessagesApi(client)
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
    unknown = problem(ListMessageGroupsProblem, newcomer.groups.list_message_groups)
    assert (unknown.status, unknown.code) == (403, ListMessageGroupsProblemCode.UNKNOWN_USER)
    handle = f"new_{uuid4().hex[:12]}"
    assert newcomer.users.register_user(UserCreate(handle=handle, display_name="Newcomer")).handle == handle
    mine = UserCreate(handle=me.handle, display_name="Me")
    taken = problem(RegisterUserProblem, newcomer.users.register_user, mine)
    assert taken.code is RegisterUserProblemCode.ALREADY_REGISTERED


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
    one = Calls(os.environ["TOKEN"])
    converse(one)
    page(one)
    meet(one, Calls(os.environ["NEWCOMER_TOKEN"]))
    err(one)
