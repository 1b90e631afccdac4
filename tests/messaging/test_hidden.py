"""Messages that a member has deleted for oneself, over HTTP: no path shows them, and no other member learns of it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.app import Person
from tests.http.problem import problem_of
from tests.messaging.test_changes import edit, place_of, react

SECRET = "the secret that is hidden"


async def hide(person: Person, message: dict[str, Any]) -> httpx.Response:
    return await person.client.delete(place_of(message), params={"for": "me"})


async def answers(person: Person, group: str, number: int) -> dict[str, httpx.Response]:
    """Return every answer that might show the message."""
    place, client = f"/api/messages/{group}", person.client
    known = {"groups": {group: {"number": 0, "version": 0, "change_number": 0}}}
    return {
        "newest": await client.get(place),
        "before": await client.get(place, params={"before": number + 1}),
        "after": await client.get(place, params={"after": number - 1} if number > 1 else {}),
        "around": await client.get(place, params={"around": number}),
        "one": await client.get(f"{place}/{number}"),
        "edits": await client.get(f"{place}/{number}/edits"),
        "reactions": await client.get(f"{place}/{number}/reactions"),
        "changes": await client.get(f"{place}/changes"),
        "inbox": await client.get("/api/message_groups"),
        "group": await client.get(f"/api/message_groups/{group}"),
        "sync": await client.post("/api/sync", json=known),
    }


async def shown(person: Person, group: str, number: int, text: str = SECRET) -> set[str]:
    """Return the names of the answers that show a text."""
    found = await answers(person, group, number)
    assert {answer.status_code for answer in found.values()} == {200}
    return {name for name, answer in found.items() if text in answer.text}


@pytest.mark.parametrize("is_sender", [True, False])
async def test_a_hidden_message_is_in_no_answer_to_its_user_and_in_all_to_the_other(
    ann: Person, bob: Person, is_sender: bool
) -> None:
    message = await ann.sent(SECRET, bob)
    group = message["message_group_uuid"]
    await edit(ann, message, f"{SECRET}, edited")
    await react(bob, message, "👍")
    await ann.sent("a reply", bob, reply_to=1)
    before = {name: answer.text for name, answer in (await answers(ann if not is_sender else bob, group, 1)).items()}
    hider, other = (ann, bob) if is_sender else (bob, ann)
    blank = (await hide(hider, message)).json()
    assert (blank["is_hidden"], blank["message"], blank["reactions"], blank["reply"]) == (True, "", [], None)
    assert blank["number"] == 1
    assert await shown(hider, group, 1) == set()
    replies = (await hider.get(f"/api/messages/{group}"))[1]["reply"]
    assert (replies["message"], replies["is_hidden"]) == ("", True)
    assert await hider.get(f"{place_of(message)}/reactions") == []
    after = {name: answer.text for name, answer in (await answers(other, group, 1)).items()}
    assert after == before, "the other member learns nothing"
    await edit(ann, message, f"{SECRET}, edited again", version=2)
    if is_sender:
        return
    assert await shown(hider, group, 1) == set()
    assert "changes" in await shown(other, group, 1)


async def test_a_hidden_message_is_not_unread_and_not_in_the_preview(ann: Person, bob: Person) -> None:
    first, second = [await ann.sent(text, bob) for text in ("one", "two")]
    await hide(bob, second)
    (group,) = await bob.inbox()
    assert (group["message"], group["unread_count"], group["hidden"], group["hide_count"]) == ("", 1, [2], 1)
    assert await bob.get("/api/messages/counter") == {"count": 1, "is_complete": True, "request_count": 0}
    await hide(bob, first)
    (group,) = await bob.inbox()
    assert (group["unread_count"], group["hidden"], group["last_number"]) == (0, [2, 1], 2)
    assert await bob.get("/api/messages/counter") == {"count": 0, "is_complete": True, "request_count": 0}
    await ann.sent("three", bob)
    (group,) = await bob.inbox()
    assert (group["message"], group["unread_count"]) == ("three", 1)
    assert await bob.get("/api/messages/counter") == {"count": 1, "is_complete": True, "request_count": 0}
    answer = await bob.client.put(f"/api/message_groups/{group['uuid']}/read", json={"number": 2})
    assert answer.json()["unread_count"] == 1
    (own,) = await ann.inbox()
    assert (own["message"], own["hidden"], own["hide_count"], own["unread_count"]) == ("three", [], 0, 0)


async def test_a_repeated_call_changes_nothing_more(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    first, again = [(await hide(bob, message)).json() for _ in range(2)]
    assert first == again
    (group,) = await bob.inbox()
    assert (group["hidden"], group["hide_count"], group["version"]) == ([1], 1, 2)


async def test_both_members_may_hide_a_message_and_a_tombstone(ann: Person, bob: Person) -> None:
    message = await ann.sent(SECRET, bob)
    await ann.client.delete(place_of(message))
    for person in (ann, bob):
        blank = (await hide(person, message)).json()
        assert blank["is_hidden"]
        assert blank["deleted_at"]


async def test_a_hidden_message_takes_neither_reactions_nor_edits_of_its_user(ann: Person, bob: Person) -> None:
    message = await ann.sent(SECRET, bob)
    await hide(ann, message)
    problem_of(await edit(ann, message, "x"), 409, "message-deleted")
    problem_of(await react(ann, message, "👍"), 409, "message-deleted")
    assert (await react(bob, message, "👍")).status_code == 200
    assert (await ann.client.delete(place_of(message))).status_code == 200, "it may still be deleted for all"
    assert (await bob.get(place_of(message)))["deleted_at"]


async def test_only_members_hide_messages_that_exist(ann: Person, bob: Person, eve: Person) -> None:
    message = await ann.sent("one", bob)
    problem_of(await hide(eve, message), 404, "group-not-found")
    problem_of(await hide(bob, message | {"number": 2}), 404, "message-not-found")
    problem_of(await hide(bob, message | {"message_group_uuid": str(uuid4())}), 404, "group-not-found")
    problem_of(await bob.client.delete(place_of(message), params={"for": "all"}), 422, "invalid-parameter")


async def test_a_row_keeps_the_last_20_hidden_numbers(ann: Person, bob: Person) -> None:
    messages = [await ann.sent(f"{number}", bob) for number in range(1, 26)]
    for message in [messages[-1], *messages[:-1]]:
        await hide(bob, message)
    (group,) = await bob.inbox()
    assert (group["hide_count"], group["hidden"]) == (25, [25, *range(6, 25)]), "with the last message of the group"
    assert group["unread_count"] == 0
    assert (await edit(ann, messages[-1], SECRET)).status_code == 200
    assert (await bob.inbox())[0]["message"] == ""


async def test_a_page_at_the_first_unread_message_that_is_seen(ann: Person, bob: Person) -> None:
    messages = [await ann.sent(f"{number}", bob) for number in range(1, 10)]
    group = messages[0]["message_group_uuid"]
    assert await bob.numbers(group, at="first_unread", limit=3) == [1, 2]
    await bob.client.put(f"/api/message_groups/{group}/read", json={"number": 3})
    assert await bob.numbers(group, at="first_unread", limit=3) == [3, 4, 5]
    for message in messages[3:5]:
        await hide(bob, message)
    assert await bob.numbers(group, at="first_unread", limit=3) == [5, 6, 7]
    answer = await bob.client.get(f"/api/messages/{group}", params={"at": "first_unread", "limit": 3})
    assert {rel: "before=5" in link["url"] or "after=7" in link["url"] for rel, link in answer.links.items()} == {
        "next": True,
        "prev": True,
    }
    assert await ann.numbers(group, at="first_unread", limit=3) == [7, 8, 9], "without one, the newest"
    for other in ("around", "before", "after"):
        params = {"at": "first_unread", other: "3"}
        problem_of(await bob.client.get(f"/api/messages/{group}", params=params), 422, "invalid-parameter")
    problem_of(await bob.client.get(f"/api/messages/{group}", params={"at": "end"}), 422, "invalid-parameter")
