"""Edits, deletions and reactions over HTTP: which member may make them, what they leave, and what repetition does."""

import asyncio
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from app.gateways.dynamodb import Query, unmarshal_item
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of


def place_of(message: dict[str, Any]) -> str:
    return f"/api/messages/{message['message_group_uuid']}/{message['number']}"


async def edit(person: Person, message: dict[str, Any], text: str, *, version: int = 1, **body: Any) -> httpx.Response:
    headers = {"if-match": f'"{version}"'}
    return await person.client.patch(place_of(message), json={"message": text, **body}, headers=headers)


async def react(person: Person, message: dict[str, Any], emoji: str, method: str = "PUT") -> httpx.Response:
    return await person.client.request(method, f"{place_of(message)}/reactions/{quote(emoji)}")


async def stored(service: Service, message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all items of the log that the message is in."""
    query = Query("#pk = :pk", {":pk": f"MSG#{message['message_group_uuid']}"}, consistent=True)
    return [unmarshal_item(item) for item in await service.state["table"].query(query)]


async def test_an_edit_replaces_the_text_for_both_and_leaves_it_read_or_unread(ann: Person, bob: Person) -> None:
    message = await ann.sent("helo", bob)
    answer = (await edit(ann, message, "hello")).json()
    assert (answer["message"], answer["version"], answer["change_number"]) == ("hello", 2, 1)
    assert answer["edited_at"] >= message["created_at"]
    for person, unread in ((ann, 0), (bob, 1)):
        (group,) = await person.inbox()
        assert (group["message"], group["unread_count"], group["change_number"]) == ("hello", unread, 1)
        (read,) = await person.get(f"/api/messages/{message['message_group_uuid']}")
        assert read == answer == await person.get(place_of(message))
        assert await person.get(f"{place_of(message)}/edits") == [
            {"version": 1, "message": "helo", "created_at": message["created_at"]}
        ]


async def test_earlier_texts_are_listed_the_newest_first(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    for version, text in enumerate(["two", "three", "four"], 1):
        await edit(ann, message, text, version=version)
    edits = await bob.get(f"{place_of(message)}/edits")
    assert [(each["version"], each["message"]) for each in edits] == [(3, "three"), (2, "two"), (1, "one")]


async def test_a_repeated_edit_is_applied_once_and_answered_as_the_message_stands(ann: Person, bob: Person) -> None:
    message, uuid = await ann.sent("helo", bob), str(uuid4())
    first, again = [(await edit(ann, message, "hello", uuid=uuid)).json() for _ in range(2)]
    assert first == again
    await edit(ann, message, "hello!", version=2)
    assert (await edit(ann, message, "hello", uuid=uuid)).json()["message"] == "hello!"
    problem_of(await edit(ann, message, "other", uuid=uuid), 409, "uuid-taken")
    changes = await ann.get(f"/api/messages/{message['message_group_uuid']}/changes")
    assert [(change["change_number"], change["message"]) for change in changes] == [(1, "hello"), (2, "hello!")]


async def test_an_edit_of_another_version_changes_nothing(ann: Person, bob: Person) -> None:
    message = await ann.sent("helo", bob)
    await edit(ann, message, "hello")
    for version in (1, 3):
        problem_of(await edit(ann, message, "bye", version=version), 412, "version-differs")
    assert (await bob.get(place_of(message)))["message"] == "hello"


async def test_an_edit_needs_if_match_and_a_text(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    problem_of(await ann.client.patch(place_of(message), json={"message": "x"}), 422, "invalid-parameter")
    for text, code in ((" ", "message-blank"), ("x" * 1025, "message-too-long"), ("\0x", "message-malformed")):
        problem_of(await edit(ann, message, text), 422, code)
    assert (await edit(ann, message, "one")).json() == message, "the text that it has is no change"


async def test_a_message_takes_fifty_edits(ann: Person, bob: Person) -> None:
    message = await ann.sent("0", bob)
    for version in range(1, 51):
        assert (await edit(ann, message, f"{version}", version=version)).status_code == 200
    problem_of(await edit(ann, message, "51", version=51), 409, "edit-limit")
    assert len(await bob.get(f"{place_of(message)}/edits")) == 50


async def test_a_deletion_leaves_number_sender_and_times_and_nothing_else_in_the_table(
    service: Service, ann: Person, bob: Person
) -> None:
    message = await ann.sent("secret one", bob)
    for version, text in enumerate(["secret two", "secret three"], 1):
        await edit(ann, message, text, version=version)
    await react(bob, message, "👍")
    answer = (await ann.client.delete(place_of(message))).json()
    assert (answer["message"], answer["reactions"]) == ("", [])
    assert {name: answer[name] for name in ("number", "user_uuid", "created_at")} == {
        name: message[name] for name in ("number", "user_uuid", "created_at")
    }
    assert answer["deleted_at"]
    assert (await ann.client.delete(place_of(message))).json() == answer
    assert await bob.get(place_of(message)) == answer
    assert await bob.get(f"{place_of(message)}/edits") == []
    assert [group["message"] for group in await bob.inbox()] == [""]
    assert "secret" not in str(await stored(service, message))
    assert "r_" not in str(await stored(service, message))
    changes = await bob.get(f"/api/messages/{message['message_group_uuid']}/changes")
    assert [(change["type"], change["message"]) for change in changes] == [
        ("edit", None),
        ("edit", None),
        ("react", None),
        ("delete", None),
    ]


async def test_a_deleted_message_cannot_be_changed(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    await ann.client.delete(place_of(message))
    problem_of(await edit(ann, message, "two"), 409, "message-deleted")
    problem_of(await react(bob, message, "👍"), 409, "message-deleted")
    assert (await react(bob, message, "👍", "DELETE")).status_code == 200


async def test_a_send_that_is_repeated_after_its_edit_or_deletion_adds_no_message(ann: Person, bob: Person) -> None:
    uuid = str(uuid4())
    message = await ann.sent("one", bob, uuid=uuid)
    await edit(ann, message, "two")
    assert (await ann.sent("one", bob, uuid=uuid))["message"] == "two"
    await ann.client.delete(place_of(message))
    again = await ann.sent("one", bob, uuid=uuid)
    assert (again["number"], again["message"]) == (1, "")
    assert await bob.numbers(message["message_group_uuid"]) == [1]


async def test_previews_follow_the_last_message_only(ann: Person, bob: Person) -> None:
    first = await ann.sent("one", bob)
    await ann.sent("two", bob)
    await edit(ann, first, "ONE")
    assert [group["message"] for group in await bob.inbox()] == ["two"]
    await ann.client.delete(place_of(first))
    assert [group["message"] for group in await bob.inbox()] == ["two"]


async def test_reactions_are_counted_and_listed_with_their_members(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    for person, emoji in ((ann, "👍"), (bob, "👍"), (bob, "🎉"), (bob, "🎉")):
        assert (await react(person, message, emoji)).status_code == 200
    assert (await ann.get(place_of(message)))["reactions"] == [
        {"emoji": "👍", "count": 2, "me": True},
        {"emoji": "🎉", "count": 1, "me": False},
    ]
    people = await ann.get(f"{place_of(message)}/reactions")
    assert sorted((each["emoji"], each["handle"]) for each in people) == sorted(
        [("👍", ann.handle), ("👍", bob.handle), ("🎉", bob.handle)]
    )
    for _ in range(2):
        answer = (await react(bob, message, "👍", "DELETE")).json()
    assert answer["reactions"] == [{"emoji": "🎉", "count": 1, "me": True}, {"emoji": "👍", "count": 1, "me": False}]
    changes = await ann.get(f"/api/messages/{message['message_group_uuid']}/changes")
    assert [change["type"] for change in changes] == ["react", "react", "react", "unreact"]


@pytest.mark.parametrize("emoji", ["❤", "❤️"])
async def test_an_emoji_is_one_reaction_however_it_is_written(ann: Person, bob: Person, emoji: str) -> None:
    message = await ann.sent("one", bob)
    await react(ann, message, "❤️")
    await react(bob, message, emoji)
    assert (await ann.get(place_of(message)))["reactions"] == [{"emoji": "❤️", "count": 2, "me": True}]


@pytest.mark.parametrize("emoji", ["👍🏽", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇫🇷", "1️⃣", "🏳️‍🌈", "☺"])
async def test_each_emoji_of_unicode_is_a_reaction(ann: Person, bob: Person, emoji: str) -> None:
    message = await ann.sent("one", bob)
    assert (await react(bob, message, emoji)).status_code == 200
    assert (await ann.get(place_of(message)))["reactions"][0]["emoji"].replace("\ufe0f", "") == emoji.replace(
        "\ufe0f", ""
    )
    assert (await react(bob, message, emoji, "DELETE")).json()["reactions"] == []


@pytest.mark.parametrize("text", ["a", "ok", "👍👍", "👍a", "🏽x", "\u200d", "…", "🇫", "<b>", "'"])
async def test_another_text_is_not_a_reaction(ann: Person, bob: Person, text: str) -> None:
    message = await ann.sent("one", bob)
    problem_of(await react(bob, message, text), 422, "not-an-emoji")
    assert (await ann.get(place_of(message)))["change_number"] == 0


async def test_a_member_has_five_reactions_to_a_message(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    for emoji in "😀😁😂😃😄":
        assert (await react(bob, message, emoji)).status_code == 200
    problem_of(await react(bob, message, "😅"), 409, "reaction-limit")
    assert (await react(ann, message, "😅")).status_code == 200
    assert (await react(bob, message, "😀", "DELETE")).status_code == 200
    assert (await react(bob, message, "😅")).status_code == 200


async def test_a_message_that_is_not_there_is_404(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    missing = message | {"number": 2}
    problem_of(await ann.client.get(place_of(missing)), 404, "message-not-found")
    problem_of(await edit(ann, missing, "two"), 404, "message-not-found")
    problem_of(await ann.client.delete(place_of(missing)), 404, "message-not-found")
    problem_of(await react(ann, missing, "👍"), 404, "message-not-found")
    problem_of(await ann.client.get(f"{place_of(message)[:-1]}0"), 422, "invalid-parameter")


async def test_reactions_and_edits_at_the_same_moment_lose_nothing(ann: Person, bob: Person) -> None:
    message = await ann.sent("first", bob)
    emojis = ["😀", "😁", "😂", "😃", "😄"]
    calls = [react(person, message, emoji) for person in (ann, bob) for emoji in emojis for _ in range(3)]
    calls += [edit(ann, message, f"{at}") for at in range(14)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] * 31 + [412] * 13
    message = await bob.get(place_of(message))
    assert [(each["emoji"], each["count"]) for each in message["reactions"]] == [(emoji, 2) for emoji in emojis]
    assert (message["version"], message["change_number"]) == (2, 11)
    changes = await bob.get(f"/api/messages/{message['message_group_uuid']}/changes")
    assert [change["change_number"] for change in changes] == list(range(1, 12))
    for person in (ann, bob):
        assert [group["change_number"] for group in await person.inbox()] == [11]


async def test_changes_are_listed_in_pages(ann: Person, bob: Person) -> None:
    message = await ann.sent("one", bob)
    for emoji in "😀😁😂😃😄":
        await react(bob, message, emoji)
    path: str | None = f"/api/messages/{message['message_group_uuid']}/changes?limit=2"
    numbers = []
    while path:
        answer = await ann.client.get(path)
        numbers.append([change["change_number"] for change in answer.json()])
        path = answer.links.get("next", {}).get("url")
    assert numbers == [[1, 2], [3, 4], [5]]


async def test_a_reply_quotes_the_message_as_it_stands(ann: Person, bob: Person) -> None:
    first = await ann.sent("one", bob)
    reply = await bob.sent("two", ann, reply_to=1)
    quote_of_first = {
        "number": 1,
        "user_uuid": str(ann.uuid),
        "display_name": ann.display_name,
        "handle": ann.handle,
        "message": "one",
        "deleted_at": None,
        "expires_at": None,
        "is_hidden": False,
    }
    assert reply["reply"] == quote_of_first
    assert (await ann.get(place_of(reply)))["reply"] == quote_of_first
    await edit(ann, first, "ONE")
    (alone,) = await ann.get(f"/api/messages/{first['message_group_uuid']}", after=1)
    assert alone["reply"]["message"] == "ONE"
    deleted = (await ann.client.delete(place_of(first))).json()
    messages = await bob.get(f"/api/messages/{first['message_group_uuid']}")
    assert messages[1]["reply"] == quote_of_first | {"message": "", "deleted_at": deleted["deleted_at"]}
