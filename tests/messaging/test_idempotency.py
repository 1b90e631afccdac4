"""A send may be repeated with its uuid for ever: at most one message results, and every answer is the same."""

import asyncio
from uuid import uuid4

import pytest

from app.messaging import log
from tests.fixtures.app import NewPerson, Person, Service
from tests.http.problem import problem_of
from tests.tools.processes import crashed_send


async def test_a_repeated_send_is_answered_alike_and_adds_nothing(ann: Person, bob: Person) -> None:
    uuid = str(uuid4())
    first = await ann.sent("hello", bob, uuid=uuid)
    assert first["uuid"] == uuid
    for _ in range(3):
        assert await ann.sent("hello", bob, uuid=uuid) == first
        assert await ann.sent("hello", first["message_group_uuid"], uuid=uuid, after=0) == first
    assert await ann.numbers(first["message_group_uuid"]) == [1]
    assert [row["unread_count"] for row in await bob.inbox()] == [1]


async def test_without_after_the_newest_sixteen_are_compared(ann: Person, bob: Person) -> None:
    uuid = str(uuid4())
    first = await ann.sent("mine", bob, uuid=uuid)
    for number in range(15):
        await bob.sent(f"{number}", ann)
    assert await ann.sent("mine", bob, uuid=uuid) == first


async def test_with_after_a_send_is_found_however_many_messages_followed(ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    uuid = str(uuid4())
    mine = await ann.sent("mine", bob, uuid=uuid, after=1)
    for number in range(40):
        await bob.sent(f"{number}", ann)
    assert await ann.sent("mine", bob, uuid=uuid, after=1) == mine
    assert (await ann.inbox())[0]["last_number"] == 42


@pytest.fixture
def few_numbers(monkeypatch: pytest.MonkeyPatch) -> int:
    """A draft with `after` gets one of 5 numbers after it, as a service of its own would have it of 500."""
    monkeypatch.setattr(log, "NUMBERS_AFTER", 5)
    return 5


async def test_a_message_gets_one_of_the_numbers_after_its_after_or_none(
    ann: Person, bob: Person, few_numbers: int
) -> None:
    for number in range(few_numbers):
        await bob.sent(f"{number}", ann)
    in_time = await ann.sent("in time", bob, uuid=str(uuid4()), after=1)
    assert in_time["number"] == 1 + few_numbers
    uuid = str(uuid4())
    for _ in range(2):
        problem_of(await ann.send("late", bob, uuid=uuid, after=1), 409, "after-too-old")
    assert await ann.numbers(ann.group_with(bob)) == [1, 2, 3, 4, 5, 6]
    late = await ann.sent("late", bob, uuid=uuid, after=in_time["number"])
    assert late["number"] == in_time["number"] + 1
    for message, after in ((in_time, 1), (late, in_time["number"])):
        again = await ann.sent(message["message"], bob, uuid=message["uuid"], after=after)
        assert again == message


async def test_a_send_is_found_whatever_the_number_of_messages_after_it(
    ann: Person, bob: Person, few_numbers: int
) -> None:
    uuid = str(uuid4())
    mine = await ann.sent("mine", bob, uuid=uuid, after=0)
    for number in range(3 * few_numbers):
        await bob.sent(f"{number}", ann)
    assert await ann.sent("mine", bob, uuid=uuid, after=0) == mine
    problem_of(await ann.send("other", bob, uuid=uuid, after=0), 409, "uuid-taken")


async def test_a_send_without_uuid_is_never_too_late(ann: Person, bob: Person, few_numbers: int) -> None:
    for number in range(1, 3 * few_numbers):
        assert (await ann.sent("again", bob, after=0))["number"] == number


@pytest.mark.parametrize("change", [{"message": "other"}, {"reply_to": 1}])
async def test_other_content_under_the_same_uuid_is_refused(
    ann: Person, bob: Person, change: dict[str, object]
) -> None:
    await ann.sent("one", bob)
    uuid = str(uuid4())
    await ann.sent("mine", bob, uuid=uuid)
    answer = await ann.send(**{"text": change.pop("message", "mine"), "to": bob, "uuid": uuid, **change})  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (409, "uuid-taken")
    assert await ann.numbers(ann.group_with(bob)) == [1, 2]


async def test_the_uuid_of_another_users_message_is_refused(ann: Person, bob: Person) -> None:
    uuid = str(uuid4())
    await ann.sent("mine", bob, uuid=uuid)
    assert (await bob.send("mine", ann, uuid=uuid)).json()["code"] == "uuid-taken"


async def test_one_uuid_in_two_groups_is_two_messages(ann: Person, bob: Person, eve: Person) -> None:
    uuid = str(uuid4())
    assert (await ann.sent("hi", bob, uuid=uuid))["number"] == 1
    assert (await ann.sent("hi", eve, uuid=uuid))["number"] == 1


@pytest.mark.parametrize("after", [None, 1, 2, 50])
async def test_a_send_that_a_crash_left_unanswered_is_found(
    service: Service, ann: Person, bob: Person, after: int | None
) -> None:
    """Message 2 was committed by a process that crashed before it wrote the rows."""
    await ann.sent("one", bob)
    group = ann.group_with(bob)
    uuid = await crashed_send(service, ann, group, number=2)
    extra = {} if after is None else {"after": after}
    again = await ann.sent("sent by a dying process", group, uuid=str(uuid), **extra)
    assert again["number"] == 2
    assert await ann.numbers(group) == [1, 2]
    assert [row["last_number"] for row in await bob.inbox()] == [2]


async def test_a_client_that_claims_to_be_ahead_is_not_believed(ann: Person, bob: Person) -> None:
    uuid = str(uuid4())
    first = await ann.sent("mine", bob, uuid=uuid)
    assert await ann.sent("mine", bob, uuid=uuid, after=999_999) == first
    assert (await ann.sent("next", bob, uuid=str(uuid4()), after=999_999))["number"] == 2


async def test_64_racing_first_messages_make_one_group(new_person: NewPerson) -> None:
    ann, bob = await new_person("ann"), await new_person("bob")
    pairs = [(ann, bob), (bob, ann)] * 32
    answers = await asyncio.gather(*(a.sent(f"{n}", b, uuid=str(uuid4())) for n, (a, b) in enumerate(pairs)))
    assert {answer["message_group_uuid"] for answer in answers} == {str(ann.group_with(bob))}
    assert sorted(answer["number"] for answer in answers) == list(range(1, 65))
    assert await ann.numbers(ann.group_with(bob), limit=100) == list(range(1, 65))
    assert len(await ann.inbox()) == len(await bob.inbox()) == 1


@pytest.mark.parametrize("is_first", [True, False])
async def test_64_racing_sends_of_one_uuid_make_one_message(ann: Person, bob: Person, is_first: bool) -> None:
    if not is_first:
        await bob.sent("before", ann)
    uuid = str(uuid4())
    answers = await asyncio.gather(*(ann.sent("once", bob, uuid=uuid) for _ in range(64)))
    assert all(answer == answers[0] for answer in answers)
    texts = [m["message"] for m in await bob.get(f"/api/messages/{ann.group_with(bob)}")]
    assert texts.count("once") == 1
