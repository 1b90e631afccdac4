"""The inbox: order, paging, unread counts, read markers, the counter; small and large ones."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.gateways.dynamodb import Put
from app.messaging.inbox import WHOLE_INBOX
from app.messaging.models import Message, direct_group_uuid
from app.messaging.unread import COUNTED_NEWEST, COUNTED_WHOLE
from tests.fixtures.app import NewPerson, Person, Service
from tests.http.problem import problem_of
from tests.tools.processes import crashed_send
from tests.tools.stored import new_inbox_row


async def test_the_inbox_is_sorted_by_newest_activity(ann: Person, new_person: NewPerson) -> None:
    others = [await new_person(f"other{n}") for n in range(3)]
    for other in others:
        await ann.sent("hello", other)
        await asyncio.sleep(0.002)
    await others[0].sent("and again", ann)
    assert [row["handle"] for row in await ann.inbox()] == [others[0].handle, others[2].handle, others[1].handle]


async def test_the_direct_group_with_a_user_is_found_by_handle_and_not_made(
    ann: Person, bob: Person, eve: Person
) -> None:
    path = f"/api/users/@{bob.handle}/message_group"
    problem_of(await ann.client.get(path), 404, "group-not-found")
    assert await bob.inbox() == []
    await bob.sent("hi", ann)
    group = await ann.get(path)
    assert [group] == await ann.inbox()
    assert (group["uuid"], group["peer_uuid"], group["kind"]) == (str(ann.group_with(bob)), str(bob.uuid), "direct")
    assert await ann.get(f"/api/users/@{bob.handle.upper()}/message_group") == group
    assert (await bob.get(f"/api/users/@{ann.handle}/message_group"))["peer_uuid"] == str(ann.uuid)
    problem_of(await eve.client.get(path), 404, "group-not-found")
    problem_of(await ann.client.get(f"/api/users/@{ann.handle}/message_group"), 404, "group-not-found")
    problem_of(await ann.client.get("/api/users/@no_such_person_here/message_group"), 404, "user-not-found")


async def test_reading_moves_the_marker_forward_and_lowers_the_counts(ann: Person, bob: Person) -> None:
    for number in range(5):
        await ann.sent(f"{number}", bob)
    group = ann.group_with(bob)

    async def read(number: int) -> dict[str, Any]:
        answer = await bob.client.put(f"/api/message_groups/{group}/read", json={"number": number})
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    assert (await bob.get("/api/messages/counter"))["count"] == 1
    assert (await bob.inbox())[0]["unread_count"] == 5
    row = await read(3)
    assert (row["read_number"], row["unread_count"]) == (3, 2)
    assert await read(2) == await read(3) == row == await bob.get(f"/api/message_groups/{group}")
    assert (await read(5))["unread_count"] == 0
    assert (await bob.get("/api/messages/counter"))["count"] == 0
    answer = await bob.client.put(f"/api/message_groups/{group}/read", json={"number": 6})
    assert (answer.status_code, answer.json()["code"]) == (422, "number-beyond-end")
    assert (await ann.get("/api/messages/counter"))["count"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"number": 0},
        {"number": -1},
        {"number": 1.5},
        {"number": "1"},
        {"number": True},
        {"number": 10**12},
        {"number": 1, "more": 1},
        {"number": None},
    ],
)
async def test_a_wrong_read_number_is_refused(ann: Person, bob: Person, body: dict[str, Any]) -> None:
    await ann.sent("one", bob)
    answer = await bob.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-body")
    assert (await bob.inbox())[0]["unread_count"] == 1


async def test_a_non_member_cannot_mark_a_group_read(ann: Person, bob: Person, eve: Person) -> None:
    await ann.sent("one", bob)
    for group in (ann.group_with(bob), uuid4()):
        answer = await eve.client.put(f"/api/message_groups/{group}/read", json={"number": 1})
        assert (answer.status_code, answer.json()["code"]) == (404, "group-not-found")
    assert await eve.inbox() == []


async def test_a_message_beyond_the_row_can_be_marked_read(service: Service, ann: Person, bob: Person) -> None:
    await ann.sent("one", bob)
    await crashed_send(service, ann, ann.group_with(bob), number=2)
    answer = await bob.client.put(f"/api/message_groups/{ann.group_with(bob)}/read", json={"number": 2})
    assert answer.json()["read_number"] == 2
    assert answer.json()["unread_count"] == 0


async def fill(service: Service, person: Person, count: int, *, minutes_apart: int) -> list[UUID]:
    """Give a person that many groups with peers that do not exist; return the groups, newest first."""
    now = datetime.now(UTC).replace(microsecond=0)
    groups, rows = [], []
    for age in range(count):
        peer = uuid4()
        group = direct_group_uuid(person.uuid, peer)
        message = Message(
            group, 1, uuid4(), peer, f"age {age}", now - timedelta(minutes=minutes_apart * age, seconds=age)
        )
        groups.append(group)
        rows.append(new_inbox_row(message, user=person.uuid, peer=peer))
    table = service.state["table"]
    await asyncio.gather(*(table.put(Put(row.item)) for row in rows))
    return groups


async def walk(person: Person, limit: int) -> list[str]:
    """Return the groups of the whole inbox, read page by page."""
    answer = await person.client.get("/api/message_groups", params={"limit": limit})
    found = [row["uuid"] for row in answer.json()]
    while "next" in answer.links:
        assert len(answer.json()) == limit
        answer = await person.client.get(answer.links["next"]["url"])
        found += [row["uuid"] for row in answer.json()]
    return found


@pytest.mark.parametrize(
    ("count", "minutes_apart"),
    [
        *((count, minutes) for count in (21, WHOLE_INBOX) for minutes in (0, 1, 25)),
        *((count, 25) for count in (WHOLE_INBOX + 1, 330)),
    ],
)
async def test_pages_show_every_group_once_in_order(
    service: Service, ann: Person, count: int, minutes_apart: int
) -> None:
    groups = await fill(service, ann, count, minutes_apart=minutes_apart)
    for limit in (20, 100):
        assert await walk(ann, limit) == list(map(str, groups))
    rows = await ann.inbox()
    assert all(newer["created_at"] >= older["created_at"] for newer, older in pairwise(rows))
    assert rows[0]["display_name"] == "Deleted user"
    assert rows[0]["handle"] is None


@pytest.mark.parametrize("minutes_apart", [0, 1])
@pytest.mark.parametrize("limit", [20, 100])
async def test_groups_of_the_same_ten_minutes_come_once_each_and_sorted_on_each_page(
    service: Service, ann: Person, limit: int, minutes_apart: int
) -> None:
    groups = await fill(service, ann, 330, minutes_apart=minutes_apart)
    found = await walk(ann, limit)
    assert sorted(found) == sorted(map(str, groups))
    rows = await ann.get("/api/message_groups")
    assert all(newer["created_at"] > older["created_at"] for newer, older in pairwise(rows))


@pytest.mark.parametrize("count", [0, 1, COUNTED_WHOLE, COUNTED_WHOLE + 1, WHOLE_INBOX + 1])
async def test_the_counter_says_whether_all_groups_were_counted(service: Service, ann: Person, count: int) -> None:
    groups = await fill(service, ann, count, minutes_apart=1)
    is_complete = count <= COUNTED_WHOLE
    expected = count if is_complete else COUNTED_NEWEST
    for _ in range(2):
        assert await ann.get("/api/messages/counter") == {
            "count": expected,
            "is_complete": is_complete,
            "request_count": 0,
        }
    for group in groups[:1]:
        await ann.client.put(f"/api/message_groups/{group}/read", json={"number": 1})
        assert (await ann.get("/api/messages/counter"))["count"] == expected - 1


async def test_a_group_that_moves_up_while_paging_is_not_shown_twice(
    service: Service, ann: Person, bob: Person
) -> None:
    await fill(service, ann, 5, minutes_apart=1)
    first = await ann.client.get("/api/message_groups", params={"limit": 3})
    await bob.sent("up", ann)
    second = await ann.client.get(first.links["next"]["url"])
    seen = [row["uuid"] for row in first.json() + second.json()]
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("cursor", ["", "x", "1-2", "-1-" + "0" * 32, "9" * 14 + "-" + "g" * 32, "1" * 65])
async def test_a_forged_cursor_is_refused(ann: Person, cursor: str) -> None:
    answer = await ann.client.get("/api/message_groups", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")
