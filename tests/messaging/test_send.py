"""Sending: both targets, what is refused, and what an answered send means for both sides."""

import time
from uuid import UUID, uuid4

import pytest

from app.auth.issuer import LocalIssuer
from app.errors import Unavailable
from app.gateways.dynamodb import Put, Update
from app.messaging import items
from app.messaging.clock import now
from app.messaging.models import Message
from app.messaging.store import MessagingStore
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.tools.processes import crashed_send


async def test_first_message_starts_the_direct_group_for_both(ann: Person, bob: Person) -> None:
    message = await ann.sent("hello", bob)
    assert message["number"] == 1
    assert UUID(message["message_group_uuid"]) == ann.group_with(bob) == bob.group_with(ann)
    assert (message["user_uuid"], message["handle"], message["display_name"]) == (str(ann.uuid), ann.handle, "Ann")
    (at_ann,), (at_bob,) = await ann.inbox(), await bob.inbox()
    assert (at_ann["handle"], at_ann["unread_count"], at_ann["read_number"]) == (bob.handle, 0, 1)
    assert (at_bob["handle"], at_bob["unread_count"], at_bob["read_number"]) == (ann.handle, 1, 0)
    assert at_ann["message"] == at_bob["message"] == "hello"
    assert at_ann["created_at"] == at_bob["created_at"] == message["created_at"]
    assert at_bob["last_message_by"] == str(ann.uuid)


async def test_both_targets_reach_the_same_log(ann: Person, bob: Person) -> None:
    group = (await ann.sent("one", bob))["message_group_uuid"]
    await bob.sent("two", group)
    await bob.sent("three", ann)
    assert [m["message"] for m in await ann.get(f"/api/messages/{group}")] == ["one", "two", "three"]


async def test_a_handle_is_compared_without_case_and_may_have_an_at_sign(ann: Person, bob: Person) -> None:
    answer = await ann.client.post("/api/messages", json={"message": "hi", "handle": f"@{bob.handle.upper()}"})
    assert answer.json()["message_group_uuid"] == str(ann.group_with(bob))


@pytest.mark.parametrize(
    "text",
    [
        " kept \n as sent ",
        "<script>alert(1)</script> & \"quotes\" 'single' \\ /",
        "שלום \u202e abc \u200b e\u0301 👩‍👩‍👧‍👦 🇸🇪",
        "x" * 1024,
        "  " + "y" * 1021 + "\n",
        " " * 1023 + "y",
        "👍" * 1024,
        "\x01\x7f\ufeff\ufffe",
        "\r\n\t-\r",
    ],
)
async def test_a_text_comes_back_exactly_as_sent(ann: Person, bob: Person, text: str) -> None:
    message = await ann.sent(text, bob)
    assert message["message"] == text
    assert (await bob.get(f"/api/messages/{message['message_group_uuid']}"))[0]["message"] == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "message-blank"),
        (" \n\t\u3000", "message-blank"),
        ("\u200b", "message-blank"),
        ("\u2800\u3164\n\ufe0f", "message-blank"),
        ("x" * 1025, "message-too-long"),
        ("👍" * 1025, "message-too-long"),
        ("a" + "\u0301" * 1024, "message-too-long"),
        ("y".rjust(1025), "message-too-long"),
        ("y".ljust(1025), "message-too-long"),
        ("y".center(15_900), "message-too-long"),
        ("a\0b", "message-malformed"),
    ],
)
async def test_a_text_that_cannot_be_sent_changes_nothing(ann: Person, bob: Person, text: str, code: str) -> None:
    answer = await ann.send(text, bob)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == "/message"
    assert await ann.inbox() == await bob.inbox() == []


@pytest.mark.parametrize("target", [{}, {"handle": "some_body", "message_group_uuid": str(uuid4())}])
async def test_a_send_without_exactly_one_target_is_refused(ann: Person, target: dict[str, str]) -> None:
    answer = await ann.client.post("/api/messages", json={"message": "hi", **target})
    assert (answer.status_code, answer.json()["code"]) == (422, "one-target")


async def test_a_message_to_the_sender_is_refused(ann: Person) -> None:
    answer = await ann.send("me", ann)
    assert (answer.status_code, answer.json()["code"]) == (422, "message-to-self")


@pytest.mark.parametrize("handle", ["no_such_person_here", "", "x", "with space", "Ünïcode", "a" * 31, "%", "'; --"])
async def test_an_unknown_handle_is_refused(ann: Person, handle: str) -> None:
    answer = await ann.client.post("/api/messages", json={"message": "hi", "handle": handle})
    assert (answer.status_code, answer.json()["code"]) == (404, "user-not-found")


async def test_a_handle_that_was_unknown_is_found_as_soon_as_it_is_registered(
    service: Service, issuer: LocalIssuer, ann: Person
) -> None:
    handle = f"late_{uuid4().hex[:12]}"
    body = {"message": "hi", "handle": handle}
    problem_of(await ann.client.post("/api/messages", json=body), 404, "user-not-found")
    async with service.client(authorization=f"Bearer {issuer.token(str(uuid4()), time.time())}") as late:
        assert (await late.post("/api/users", json={"handle": handle, "display_name": "Late"})).status_code == 200
    assert (await ann.client.post("/api/messages", json=body)).status_code == 200


async def test_a_known_handle_is_not_looked_up_again(ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise Unavailable

    await ann.sent("one", bob)
    monkeypatch.setattr("app.users.store.UserStore.by_handle", fail)
    await ann.sent("two", bob)


async def test_a_group_of_others_and_a_missing_group_answer_alike(ann: Person, bob: Person, eve: Person) -> None:
    group = (await ann.sent("private", bob))["message_group_uuid"]
    foreign, unknown = await eve.send("hi", group), await eve.send("hi", str(uuid4()))
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.json(), "instance": ""} == {**unknown.json(), "instance": ""}
    assert await ann.numbers(group) == [1]


async def leave(service: Service, person: Person, group: UUID) -> None:
    """Write a membership that has ended, in the form of a later version."""
    table = service.state["table"]
    await table.update(Update(items.inbox_key(person.uuid, group), "SET #state = :left", {":left": "left"}))


async def test_a_former_member_has_no_access_until_the_next_message(service: Service, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    group = ann.group_with(bob)
    await leave(service, bob, group)
    assert (await bob.send("still here?", group)).json()["code"] == "group-not-found"
    assert (await bob.client.get(f"/api/messages/{group}")).status_code == 404
    assert (await bob.client.get(f"/api/message_groups/{group}")).status_code == 404
    assert (await bob.client.put(f"/api/message_groups/{group}/read", json={"number": 1})).status_code == 404
    assert await bob.inbox() == []
    assert (await bob.get("/api/messages/counter"))["count"] == 0
    await ann.sent("two", bob)
    assert [row["last_number"] for row in await bob.inbox()] == [2]


async def test_a_former_member_becomes_active_again_by_writing_to_the_peer(
    service: Service, ann: Person, bob: Person
) -> None:
    await ann.sent("one", bob)
    await leave(service, bob, ann.group_with(bob))
    assert (await bob.sent("two", ann))["number"] == 2
    assert await bob.numbers(ann.group_with(bob)) == [1, 2]


async def test_a_blocked_user_cannot_start_a_group(service: Service, ann: Person, bob: Person) -> None:
    await service.state["table"].put(Put({**items.block_key(bob.uuid, ann.uuid), "at": 1}))
    answer = await ann.send("hi", bob)
    assert (answer.status_code, answer.json()["code"]) == (403, "cannot-message")
    assert await ann.inbox() == await bob.inbox() == []


async def test_a_blocked_member_reads_but_cannot_write(service: Service, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    group = ann.group_with(bob)
    key = items.inbox_key(ann.uuid, group)
    await service.state["table"].update(Update(key, "SET #blocked = :yes", {":yes": True}))
    for answer in (await ann.send("two", group), await ann.send("two", bob)):
        assert (answer.status_code, answer.json()["code"]) == (403, "cannot-message")
    assert await ann.numbers(group) == [1]


async def test_a_reply_to_a_number_beyond_the_end_is_refused(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    assert (await bob.sent("re", ann, reply_to=1))["reply_to"] == 1
    answer = await bob.send("re", ann, reply_to=3)
    assert (answer.status_code, answer.json()["code"]) == (422, "reply-beyond-end")
    assert (await ann.get(f"/api/messages/{ann.group_with(bob)}"))[1]["reply_to"] == 1


async def test_a_first_message_cannot_be_a_reply(ann: Person, bob: Person) -> None:
    assert (await ann.send("re", bob, reply_to=1)).json()["code"] == "reply-beyond-end"
    assert await ann.inbox() == []


async def test_a_reply_to_a_message_beyond_the_row_is_accepted(service: Service, ann: Person, bob: Person) -> None:
    """Message 2 is in the log, but a crash kept the rows from learning of it."""
    first = await ann.sent("one", bob)
    await crashed_send(service, bob, ann.group_with(bob), number=2)
    assert (await ann.sent("re", first["message_group_uuid"], reply_to=2))["number"] == 3


async def test_a_crash_after_the_commit_is_healed_by_the_next_send(service: Service, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await crashed_send(service, bob, ann.group_with(bob), number=2)
    assert (await ann.sent("three", bob))["number"] == 3
    assert [row["last_number"] for row in await bob.inbox()] == [3]
    assert await bob.numbers(ann.group_with(bob)) == [1, 2, 3]


async def test_a_crash_after_the_commit_is_healed_by_opening_the_group(
    service: Service, ann: Person, bob: Person
) -> None:
    await ann.sent("one", bob)
    await crashed_send(service, bob, ann.group_with(bob), number=2)
    assert await ann.numbers(ann.group_with(bob)) == [1, 2]
    await service.state["tasks"].drain(5)
    for person in (ann, bob):
        assert [row["last_number"] for row in await person.inbox()] == [2]
    assert (await ann.inbox())[0]["message"] == "sent by a dying process"


async def test_a_senders_own_messages_count_as_read_after_later_ones(
    service: Service, ann: Person, bob: Person
) -> None:
    """Bob's message 3 reaches Ann's row before her own message 2 does."""
    await ann.sent("one", bob)
    group, store = ann.group_with(bob), MessagingStore(service.state["table"])
    two = Message(group, 2, uuid4(), ann.uuid, "two", now())
    three = Message(group, 3, uuid4(), bob.uuid, "three", now())
    for message in (three, two):
        await store.advance_inbox_row(message, user=ann.uuid)
    (row,) = await ann.inbox()
    assert (row["last_number"], row["read_number"], row["unread_count"], row["message"]) == (3, 2, 1, "three")
