"""Profiles: the lines of users about themselves, and whether a search finds them."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.cli.people import directory
from app.users.models import NewUser
from app.users.store import UserStore
from tests.fixtures.app import Person, Service
from tests.http.problem import problem_of
from tests.users.test_users import everything_found, search


async def change(person: Person, **values: Any) -> httpx.Response:
    return await person.client.patch("/api/users/me", json=values)


async def hide(person: Person, *, is_discoverable: bool = False) -> None:
    answer = await person.client.patch("/api/users/me/settings", json={"is_discoverable": is_discoverable})
    assert (answer.status_code, answer.json()["is_discoverable"]) == (200, is_discoverable), answer.text


async def test_what_a_user_says_is_shown_to_all_and_nothing_else_changes(ann: Person, eve: Person) -> None:
    before = await ann.get("/api/users/me")
    assert before["about"] == ""
    for about in ("Tea.\nBerlin", "Coffee", ""):
        answer = await change(ann, about=about)
        assert (answer.status_code, answer.json()) == (200, before | {"about": about})
        assert (await eve.get(f"/api/users/@{ann.handle.upper()}"))["about"] == about
    assert (await change(ann, about="x", display_name="Anna")).json() == before | {"about": "x", "display_name": "Anna"}
    assert (await change(ann)).json() == before | {"about": "x", "display_name": "Anna"}
    problem_of(await eve.client.get("/api/users/@nobody_at_all"), 404, "user-not-found")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  a  \r\n\n\n b\u2028c ", "a\nb\nc"),
        ("\u202eevil\u202c\u200b\0\x1b", "evil"),
        ("\u200b\n\u3164\n\ufe0f", ""),
        ("👩‍💻 ශ්‍රී", "👩‍💻 ශ්‍රී"),
        ("x" * 160, "x" * 160),
        ("🙂" * 160, "🙂" * 160),
        ("\u200b" * 600 + "x" * 160, "x" * 160),
        ("a\n" * 5, "a\na\na\na\na"),
    ],
)
async def test_it_loses_empty_lines_and_invisible_characters(ann: Person, sent: str, kept: str) -> None:
    assert (await change(ann, about=sent)).json()["about"] == kept


@pytest.mark.parametrize("about", ["x" * 161, "x\n" * 80 + "x", "a\n" * 6, "\u200b" * 801, 1, None, ["x"]])
async def test_too_much_of_it_is_refused(ann: Person, about: Any) -> None:
    problem = problem_of(await change(ann, about=about), 422, "invalid-body")
    assert [defect["pointer"] for defect in problem["errors"]] == ["/about"]
    assert (await ann.get("/api/users/me"))["about"] == ""


async def test_a_hidden_user_is_found_by_the_whole_handle_only(ann: Person, bob: Person) -> None:
    word = f"w{uuid4().hex[:10]}"
    assert (await change(ann, display_name=f"Ann {word}")).status_code == 200
    texts = (word, f"ann {word}", ann.handle, ann.handle[:-1], f"@{ann.handle[:-1]}")
    assert [ann.handle in await everything_found(bob, text) for text in texts] == [True] * 5
    await hide(ann)
    assert [ann.handle in await everything_found(bob, text) for text in texts] == [False] * 5
    assert await search(bob, q=f"@{ann.handle}") == [ann.handle]
    assert ann.handle not in await everything_found(bob, "@")
    assert (await bob.get(f"/api/users/@{ann.handle}"))["display_name"] == f"Ann {word}"
    assert (await bob.send("hi", ann)).status_code == 200
    assert (await change(ann, display_name=f"Anna {word}", about="x")).status_code == 200
    assert await search(bob, q=word) == []
    await hide(ann, is_discoverable=True)
    assert await search(bob, q=word) == await search(bob, q=f"anna {word}") == [ann.handle]


async def test_no_search_that_begins_after_the_answer_finds_a_hidden_user(ann: Person, bob: Person) -> None:
    """While others search all the time, and the name changes."""
    word, is_over = f"w{uuid4().hex[:10]}", asyncio.Event()
    assert (await change(ann, display_name=word)).status_code == 200

    async def go_on(call: Any) -> None:
        while not is_over.is_set():
            await call()

    noise = [
        asyncio.create_task(go_on(lambda: search(bob, q=word))),
        asyncio.create_task(go_on(lambda: change(ann, display_name=word))),
    ]
    for _ in range(10):
        await hide(ann)
        assert not any(await asyncio.gather(search(bob, q=word), search(bob, q=ann.handle)))
        await hide(ann, is_discoverable=True)
        assert await search(bob, q=word) == [ann.handle]
    is_over.set()
    await asyncio.gather(*noise)


async def test_users_are_imported_with_their_profiles(service: Service, ann: Person) -> None:
    store, word = UserStore(service.state["postgres"]), f"w{uuid4().hex[:10]}"
    new = NewUser(uuid4(), f"{word}_x", word, word, about="Tea", is_discoverable=False)
    assert await store.add_all([new]) == 1
    assert await search(ann, q=word) == []
    (user,) = await store.by_uuids([new.uuid])
    assert (user.about, user.is_discoverable) == ("Tea", False)
    everyone = await store.search.by_handle_prefix(word, after="", limit=9, with_hidden=True)
    assert [each.uuid for each in everyone] == [new.uuid]
    assert new.uuid in [user.uuid async for user in directory.users(store)], "users sync must know it"
