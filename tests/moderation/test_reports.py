"""Reports: what they keep, that they can be repeated, and that nobody but the operators learns of them."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.moderation.models import Report
from app.moderation.service import AROUND, NOTE_LENGTH
from app.moderation.store import ReportStore
from tests.fixtures.app import NewPerson, Person, Service
from tests.http.problem import anonymised, problem_of


async def report(person: Person, **body: Any) -> httpx.Response:
    return await person.client.post("/api/reports", json={"reason": "harassment", **body})


def place(message: dict[str, Any]) -> dict[str, Any]:
    return {"message_group_uuid": message["message_group_uuid"], "number": message["number"]}


async def about(service: Service, person: Person) -> list[Report]:
    """All open reports of messages of a person, or of the person."""
    found = await ReportStore(service.state["postgres"]).open_reports(limit=10_000)
    return [each for each, _ in found if each.target.user_uuid == person.uuid]


async def test_a_report_keeps_the_messages_as_they_stood(service: Service, ann: Person, bob: Person) -> None:
    texts = [f"text {number}\u0001 👩‍👩‍👧‍👦" for number in range(1, 21)]
    sent = [
        await (bob if number % 2 else ann).sent(text, ann if number % 2 else bob) for number, text in enumerate(texts)
    ]
    target = sent[9]
    await bob.client.patch(
        f"/api/messages/{target['message_group_uuid']}/10", json={"message": "edited"}, headers={"if-match": '"1"'}
    )
    answer = await report(ann, **place(target), note="He threatens me")
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"uuid", "reason", "created_at"}
    assert (await bob.client.delete(f"/api/messages/{target['message_group_uuid']}/10")).status_code == 200
    assert (await bob.client.delete(f"/api/messages/{target['message_group_uuid']}/12")).status_code == 200
    [kept] = await about(service, bob)
    assert (kept.reporter_uuid, kept.note, kept.target.number) == (ann.uuid, "He threatens me", 10)
    assert [each["number"] for each in kept.messages] == list(range(10 - AROUND, 10 + AROUND + 1))
    found = {each["number"]: each["message"] for each in kept.messages}
    assert (found[10], found[12], found[5]) == ("edited", texts[11], texts[4])


async def test_a_report_has_no_text_that_its_reporter_has_hidden(service: Service, ann: Person, bob: Person) -> None:
    sent = [await bob.sent(f"text {number}", ann) for number in (1, 2, 3)]
    group = sent[0]["message_group_uuid"]
    for number in (1, 3):
        assert (await ann.client.delete(f"/api/messages/{group}/{number}", params={"for": "me"})).is_success
    assert (await report(ann, **place(sent[1]))).is_success
    [kept] = await about(service, bob)
    assert [each["message"] for each in kept.messages] == ["", "text 2", ""]


@pytest.mark.parametrize("number", [1, 3])
async def test_the_ends_of_a_log_have_fewer_neighbours(service: Service, ann: Person, bob: Person, number: int) -> None:
    sent = [await bob.sent(f"{n}", ann) for n in range(3)]
    assert (await report(ann, **place(sent[number - 1]))).status_code == 200
    [kept] = await about(service, bob)
    assert [each["number"] for each in kept.messages] == [1, 2, 3]


async def test_one_target_has_one_open_report_of_a_reporter(
    service: Service, ann: Person, bob: Person, new_person: NewPerson
) -> None:
    message = await bob.sent("buy this", ann)
    answers = await asyncio.gather(*(report(ann, **place(message), note=f"{n}") for n in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1, "each answer is the report that was stored"
    people = await asyncio.gather(*(report(ann, handle=f"@{bob.handle.upper()}", uuid=str(uuid4())) for _ in range(8)))
    assert len({answer.text for answer in people}) == 1
    eve = await new_person("eve")
    assert (await report(eve, handle=bob.handle)).json()["uuid"] != people[0].json()["uuid"]
    assert len(await about(service, bob)) == 3
    store = ReportStore(service.state["postgres"])
    for each in await about(service, bob):
        assert (await store.close(each.id, by="op", note=None), await store.close(each.id, by="op", note=None)) == (
            True,
            False,
        )
    assert (await report(ann, **place(message))).text != answers[0].text, "a closed report makes room for another"


async def test_a_repeated_call_gets_the_same_answer_whatever_has_happened(
    service: Service, ann: Person, bob: Person
) -> None:
    message, uuid = await bob.sent("one", ann), str(uuid4())
    first = await report(ann, **place(message), uuid=uuid, note="x")
    await bob.client.delete(f"/api/messages/{message['message_group_uuid']}/1")
    [kept] = await about(service, bob)
    await ReportStore(service.state["postgres"]).close(kept.id, by="op", note="warned")
    again = await report(ann, **place(message), uuid=uuid, note="x")
    assert (first.status_code, first.text) == (200, again.text)
    for changed in ({"note": "y"}, {"note": "x", "reason": "spam"}, {"note": "x", "number": 2}):
        problem_of(await report(ann, **(place(message) | {"uuid": uuid} | changed)), 409, "uuid-taken")
    other = await report(bob, handle=ann.handle, uuid=uuid)
    assert other.status_code == 200, "another user's uuids are their own"


async def test_what_the_reporter_cannot_see_cannot_be_reported(ann: Person, bob: Person, new_person: NewPerson) -> None:
    message, eve = await bob.sent("one", ann), await new_person("eve")
    foreign = await report(eve, **place(message))
    missing = await report(eve, message_group_uuid=str(uuid4()), number=1)
    problem_of(foreign, 404, "group-not-found")
    assert anonymised(foreign) == anonymised(missing)
    problem_of(await report(ann, **(place(message) | {"number": 2})), 404, "message-not-found")
    problem_of(await report(ann, handle=f"n_{uuid4().hex[:12]}"), 404, "user-not-found")


async def test_nobody_reports_themselves(ann: Person, bob: Person) -> None:
    problem_of(await report(ann, handle=ann.handle), 422, "report-of-self")
    problem_of(await report(ann, **place(await ann.sent("mine", bob))), 422, "report-of-self")


GROUP = str(uuid4())
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no target": ({}, "one-target"),
    "two targets": ({"handle": "ann", "message_group_uuid": GROUP, "number": 1}, "one-target"),
    "no number": ({"message_group_uuid": GROUP}, "one-target"),
    "no group": ({"number": 1}, "one-target"),
    "a handle and a number": ({"handle": "ann", "number": 1}, "one-target"),
    "another reason": ({"handle": "ann", "reason": "boredom"}, "invalid-body"),
    "a long note": ({"handle": "ann", "note": "x" * (NOTE_LENGTH + 1)}, "invalid-body"),
    "NUL in a note": ({"handle": "ann", "note": "a\0b"}, "invalid-body"),
    "an empty note": ({"handle": "ann", "note": ""}, "invalid-body"),
    "an unknown member": ({"handle": "ann", "closed_at": "2026-01-01"}, "invalid-body"),
}


@pytest.mark.parametrize("kind", WRONG)
async def test_what_is_no_report_is_refused(ann: Person, kind: str) -> None:
    body, code = WRONG[kind]
    problem_of(await report(ann, **body), 422, code)


async def test_the_reported_user_learns_nothing(ann: Person, bob: Person) -> None:
    """No answer and no event differs before and after."""
    message = await bob.sent("one", ann)
    paths = ("/api/message_groups", f"/api/messages/{message['message_group_uuid']}", f"/api/users/@{bob.handle}/short")
    before = [(await bob.client.get(path)).text for path in paths]
    await report(ann, **place(message))
    await report(ann, handle=bob.handle)
    assert [(await bob.client.get(path)).text for path in paths] == before


async def test_closed_reports_are_removed_after_their_time(service: Service, ann: Person, bob: Person) -> None:
    postgres = service.state["postgres"]
    store = ReportStore(postgres)
    await report(ann, handle=bob.handle)
    [kept] = await about(service, bob)
    await store.remove_closed(days=1)
    assert await store.by_id(kept.id), "an open report stays, however old"
    await store.close(kept.id, by="op", note=None)
    await store.remove_closed(days=1)
    assert await store.by_id(kept.id)
    await postgres.fetch("UPDATE reports SET closed_at = now() - interval '25 hours' WHERE id = $1", kept.id)
    assert await store.remove_closed(days=1) >= 1
    assert await store.by_id(kept.id) is None
