"""A conversation through the client that openapi-python-client generates. Run by tests/contract/test_clients.py."""

import os
import re
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID, uuid4

from cruddur_client import AuthenticatedClient
from cruddur_client.api.message_groups import get_message_group, list_message_groups, mark_read
from cruddur_client.api.messages import count_unread_groups, list_messages, send_message
from cruddur_client.api.users import get_current_user, get_user_short, register_user, search_users
from cruddur_client.models import (
    CounterView,
    ListMessageGroupsProblem,
    ListMessageGroupsProblemCode,
    ListMessagesProblem,
    ListMessagesProblemCode,
    MarkReadProblem,
    MarkReadProblemCode,
    MessageCreate,
    MessageGroupView,
    MessageView,
    ReadMarkerUpdate,
    RegisterUserProblem,
    RegisterUserProblemCode,
    SendMessageProblem,
    SendMessageProblemCode,
    UserCreate,
    UserShortView,
    UserView,
)

T = TypeVar("T")
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
    refused = the(ListMessageGroupsProblem, list_message_groups.sync(client=newcomer))
    assert (refused.status, refused.code) == (403, ListMessageGroupsProblemCode.UNKNOWN_USER)
    handle = f"new_{uuid4().hex[:12]}"
    new = UserCreate(handle=handle, display_name="Newcomer")
    assert the(UserView, register_user.sync(client=newcomer, body=new)).handle == handle
    taken = register_user.sync(client=newcomer, body=UserCreate(handle=me.handle, display_name="Me"))
    assert the(RegisterUserProblem, taken).code is RegisterUserProblemCode.ALREADY_REGISTERED


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
    unsigned = list_messages.sync_detailed(GROUP, client=signed_in("nonsense"))
    assert unsigned.status_code is HTTPStatus.UNAUTHORIZED
    assert the(ListMessagesProblem, unsigned.parsed).code is ListMessagesProblemCode.UNAUTHENTICATED
    for content_type, code in (
        ("application/json", codes.MALFORMED_JSON),
        ("text/plain", codes.UNSUPPORTED_MEDIA_TYPE),
    ):
        raw = client.get_httpx_client().post("/api/messages", content=b"{", headers={"Content-Type": content_type})
        assert SendMessageProblem.from_dict(raw.json()).code is code


if __name__ == "__main__":
    ann, nobody = signed_in(os.environ["TOKEN"]), signed_in(os.environ["NEWCOMER_TOKEN"])
    converse(ann)
    page(ann)
    meet(ann, nobody)
    err(ann)
