"""Pages of a group's log, and the links between them."""

from itertools import chain
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.app import NewPerson, Person


@pytest.fixture
async def talk(new_person: NewPerson) -> tuple[Person, str]:
    """A group of 100 messages, and one of its members."""
    ann, bob = await new_person("ann"), await new_person("bob")
    for number in range(1, 101):
        await (ann if number % 3 else bob).sent(f"text {number}", bob if number % 3 else ann)
    return ann, str(ann.group_with(bob))


def numbers(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [message["number"] for message in answer.json()]


async def test_each_window_holds_its_numbers_and_links(talk: tuple[Person, str]) -> None:
    ann, group = talk

    async def page(**query: Any) -> tuple[list[int], set[str]]:
        answer = await ann.client.get(f"/api/messages/{group}", params=query)
        return numbers(answer), {str(rel) for rel in answer.links}

    assert await page() == (list(range(51, 101)), {"next"})
    assert await page(limit=1) == ([100], {"next"})
    assert await page(limit=100) == (list(range(1, 101)), set())
    assert await page(before=11, limit=5) == ([6, 7, 8, 9, 10], {"next", "prev"})
    assert await page(before=4, limit=5) == ([1, 2, 3], {"prev"})
    assert await page(before=1) == ([], set())
    assert await page(before=1000, limit=2) == ([], {"next"})
    assert await page(after=11, limit=5) == ([12, 13, 14, 15, 16], {"next", "prev"})
    assert await page(after=97, limit=5) == ([98, 99, 100], {"prev"})
    assert await page(after=100) == ([], {"prev"})
    assert await page(after=999_999_999_999) == ([], {"prev"})
    assert await page(around=50, limit=21) == (list(range(40, 61)), {"next", "prev"})
    assert await page(around=50, limit=20) == (list(range(40, 60)), {"next", "prev"})
    assert await page(around=2, limit=21) == (list(range(1, 13)), {"prev"})
    assert await page(around=99, limit=21) == (list(range(89, 101)), {"next"})
    assert await page(around=999_999_999_999) == ([], {"next"})


@pytest.mark.parametrize("limit", [7, 50, 100])
async def test_links_lead_from_the_newest_to_the_oldest_and_back(talk: tuple[Person, str], limit: int) -> None:
    ann, group = talk
    answer = await ann.client.get(f"/api/messages/{group}", params={"limit": limit})
    seen = [numbers(answer)]
    while "next" in answer.links:
        answer = await ann.client.get(answer.links["next"]["url"])
        seen.insert(0, numbers(answer))
    assert list(chain(*seen)) == list(range(1, 101))
    back = numbers(answer)
    rel = "prev"
    while rel in answer.links:
        answer = await ann.client.get(answer.links[rel]["url"])
        back += numbers(answer)
        rel = "next"
    assert back == list(range(1, 101))


async def test_messages_are_oldest_first_with_their_senders(talk: tuple[Person, str]) -> None:
    ann, group = talk
    messages = await ann.get(f"/api/messages/{group}", limit=3)
    assert [(m["message"], m["display_name"]) for m in messages] == [
        ("text 98", "Ann"),
        ("text 99", "Bob"),
        ("text 100", "Ann"),
    ]
    assert all(m["message_group_uuid"] == group for m in messages)
    assert messages == sorted(messages, key=lambda m: m["created_at"])


@pytest.mark.parametrize(
    "query",
    [
        "before=3&after=2",
        "before=3&around=2",
        "after=3&around=2&before=1",
        "before=0",
        "after=0",
        "around=-1",
        "before=x",
        "before=",
        "before=1.0",
        "before=1e2",
        "before=%2B5",
        "before=%205",
        "before=1_0",
        "before=%EF%BC%95",
        "before=1000000000000",
        "limit=0",
        "limit=101",
        "limit=1_0",
        "limit=",
        "limit=5&limit=5",
        "before=5&before=6",
        "limit=99999999999999999999999",
    ],
)
async def test_an_invalid_window_is_refused(ann: Person, bob: Person, query: str) -> None:
    group = (await ann.sent("one", bob))["message_group_uuid"]
    answer = await ann.client.get(f"/api/messages/{group}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")


@pytest.mark.parametrize(
    "uuid", ["nonsense", "0193e1c4a8f07d6e9b1f2f6c1c1d7a10", "{0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10}", "1"]
)
async def test_an_id_that_is_no_uuid_is_refused(ann: Person, uuid: str) -> None:
    answer = await ann.client.get(f"/api/messages/{uuid}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-parameter")


async def test_a_non_member_gets_the_answer_of_a_missing_group(ann: Person, bob: Person, eve: Person) -> None:
    group = (await ann.sent("private", bob))["message_group_uuid"]
    for path in ("/api/messages/{}", "/api/message_groups/{}"):
        foreign, unknown = await eve.client.get(path.format(group)), await eve.client.get(path.format(uuid4()))
        assert foreign.status_code == unknown.status_code == 404
        assert {**foreign.json(), "instance": ""} == {**unknown.json(), "instance": ""}
