"""Users: registration, names, look-ups and search."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.auth.issuer import LocalIssuer
from app.users.errors import HandleReserved, NameReserved
from app.users.name_rules import NameRules, skeleton
from app.users.store import UserStore
from tests.fixtures.app import NewPerson, Person, Service
from tests.http.problem import problem_of


class Door:
    """People with valid tokens and no users yet."""

    def __init__(self, service: Service, issuer: LocalIssuer) -> None:
        self._service = service
        self._issuer = issuer
        self.clients: list[httpx.AsyncClient] = []

    def newcomer(self) -> httpx.AsyncClient:
        token = self._issuer.token(str(uuid4()), time.time())
        self.clients.append(self._service.client(authorization=f"Bearer {token}"))
        return self.clients[-1]


@pytest.fixture
async def door(service: Service, issuer: LocalIssuer) -> AsyncIterator[Door]:
    door = Door(service, issuer)
    yield door
    for client in door.clients:
        await client.aclose()


def new_handle(prefix: str = "h") -> str:
    return f"{prefix}_{uuid4().hex[:12]}"


async def register(client: httpx.AsyncClient, handle: str, display_name: str = "New User") -> httpx.Response:
    return await client.post("/api/users", json={"handle": handle, "display_name": display_name})


async def test_registration_creates_a_user_and_may_be_repeated(door: Door) -> None:
    client, handle = door.newcomer(), new_handle()
    problem_of(await client.get("/api/users/me"), 403, "unknown-user")
    first = await register(client, handle)
    user = first.json()
    assert (first.status_code, user["handle"], user["display_name"]) == (200, handle, "New User")
    assert set(user) == {"uuid", "handle", "display_name", "created_at", "about"}
    assert abs(datetime.fromisoformat(user["created_at"]) - datetime.now(UTC)) < timedelta(seconds=30)
    assert (await register(client, handle)).json() == (await client.get("/api/users/me")).json() == user


async def test_me_is_the_callers_user(ann: Person) -> None:
    me = await ann.get("/api/users/me")
    assert (me["uuid"], me["handle"], me["display_name"]) == (str(ann.uuid), ann.handle, "Ann")


@pytest.mark.parametrize("change", ["handle", "display_name"])
async def test_a_registration_with_other_content_is_refused_and_changes_nothing(ann: Person, change: str) -> None:
    before = await ann.get("/api/users/me")
    body = {"handle": ann.handle, "display_name": "Ann", change: new_handle()}
    problem_of(await ann.client.post("/api/users", json=body), 409, "already-registered")
    assert await ann.get("/api/users/me") == before


async def rename(client: httpx.AsyncClient, display_name: str) -> httpx.Response:
    return await client.patch("/api/users/me", json={"display_name": display_name})


async def test_a_new_name_shows_at_once_and_nothing_else_changes(ann: Person, bob: Person) -> None:
    before = await ann.get("/api/users/me")
    await ann.sent("hi", bob)
    assert (await bob.inbox())[0]["display_name"] == "Ann"
    for name in ("Anna", "Ännchen", "Ännchen"):
        answer = await rename(ann.client, f" {name}\u200b ")
        assert (answer.status_code, answer.json()) == (200, before | {"display_name": name})
        assert (await bob.inbox())[0]["display_name"] == (await ann.get("/api/users/me"))["display_name"] == name
    assert (await register(ann.client, ann.handle, "Ännchen")).json() == before | {"display_name": "Ännchen"}


async def test_a_rename_takes_a_name_and_nothing_else(ann: Person, door: Door) -> None:
    for body, pointer in (
        ({"display_name": ""}, "/display_name"),
        ({"display_name": "x" * 51}, "/display_name"),
        ({"display_name": "x", "handle": "other"}, ""),
        ({"display_name": None}, "/display_name"),
    ):
        problem = problem_of(await ann.client.patch("/api/users/me", json=body), 422, "invalid-body")
        assert [defect["pointer"] for defect in problem["errors"]] == [pointer]
    problem_of(await rename(door.newcomer(), "Nobody"), 403, "unknown-user")
    assert (await ann.get("/api/users/me"))["display_name"] == "Ann"


async def test_a_taken_handle_is_refused_and_leaves_no_user(door: Door, ann: Person) -> None:
    client = door.newcomer()
    problem_of(await register(client, ann.handle), 409, "handle-taken")
    problem_of(await client.get("/api/users/me"), 403, "unknown-user")
    assert (await register(client, new_handle())).status_code == 200


async def test_a_handle_that_32_accounts_race_for_goes_to_exactly_one(door: Door) -> None:
    handle, clients = new_handle(), [door.newcomer() for _ in range(32)]
    answers = await asyncio.gather(*(register(client, handle) for client in clients))
    winners = [answer for answer in answers if answer.status_code == 200]
    assert len(winners) == 1
    for answer in answers:
        if answer is not winners[0]:
            problem_of(answer, 409, "handle-taken")
    states = await asyncio.gather(*(client.get("/api/users/me") for client in clients))
    assert sorted(state.status_code for state in states) == [200] + [403] * 31


async def test_32_concurrent_registrations_of_an_account_get_the_same_answer(door: Door) -> None:
    handle, client = new_handle(), door.newcomer()
    answers = await asyncio.gather(*(register(client, handle) for _ in range(32)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)


async def test_of_32_concurrent_handles_of_an_account_a_single_handle_is_kept(door: Door) -> None:
    client = door.newcomer()
    answers = await asyncio.gather(*(register(client, new_handle()) for _ in range(32)))
    kept = [answer.json() for answer in answers if answer.status_code == 200]
    assert kept == [(await client.get("/api/users/me")).json()]
    assert {answer.json()["code"] for answer in answers if answer.status_code != 200} == {"already-registered"}


@pytest.mark.parametrize(
    "handle",
    [
        "",
        "ab",
        "a" * 31,
        "Upper",
        "with space",
        "dash-ed",
        "dot.ted",
        "@at",
        "ünïcode",
        "a\u0301bc",
        "\u212aelvin",
        "abc\n",
        "abc\0",
        "a/b/c",
        "аbc",
        "abc\u200b",
        "１２３",
        "../..",
        "%61bc",
        "null\t",
    ],
)
async def test_a_malformed_handle_is_refused(door: Door, handle: str) -> None:
    problem = problem_of(await register(door.newcomer(), handle), 422, "invalid-body")
    assert [defect["pointer"] for defect in problem["errors"]] == ["/handle"]


@pytest.mark.parametrize("handle", ["{}", "___{}", "0{}", "{}" + "_" * 17])
async def test_well_formed_handles_are_accepted(door: Door, handle: str) -> None:
    filled = handle.format(uuid4().hex[:13])
    assert (await register(door.newcomer(), filled)).json()["handle"] == filled


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  Ann  ", "Ann"),
        ("A\u202enn\u202c", "Ann"),
        ("\u2066A\u2069nn\u200e\u200f\u061c", "Ann"),
        ("A\u200bn\u200cn\u200d\ufeff\u2060", "Ann"),
        ("A\x00n\x07n\x1b[31m", "Ann[31m"),
        ("A\nn\r\nn\u2028\u2029\x85", "Ann"),
        ("A\U000e0041nn\ue000", "Ann"),
        ("Amélie  de la Tour", "Amélie  de la Tour"),
        ("阿梅莉 🙂 שרה", "阿梅莉 🙂 שרה"),
        ("ශ්‍රී 👩‍💻", "ශ්‍රී 👩‍💻"),
        ("<b>&amp;", "<b>&amp;"),
        ("x" * 50, "x" * 50),
        ("🙂" * 50, "🙂" * 50),
        ("\u200b" * 50 + "x" * 50, "x" * 50),
    ],
)
async def test_display_names_lose_invisible_characters(door: Door, sent: str, kept: str) -> None:
    client, handle = door.newcomer(), new_handle()
    user = (await register(client, handle, sent)).json()
    assert user["display_name"] == kept
    assert (await register(client, handle, sent)).json() == (await register(client, handle, kept)).json() == user


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\t\n",
        "\u3000\u00a0",
        "\u200b\u200d",
        "\u202e",
        "\0",
        "\ufeff",
        "x" * 51,
        "🙂" * 51,
        "x" * 201,
        "\u200b" * 201,
        "\u3164",
        "\u115f\u1160",
        "\uffa0",
        "\u2800",
        "\u034f",
        "\ufe0f\u180b",
    ],
)
async def test_a_display_name_that_is_invisible_or_too_long_is_refused(door: Door, name: str) -> None:
    client = door.newcomer()
    problem = problem_of(await register(client, new_handle(), name), 422, "invalid-body")
    assert [defect["pointer"] for defect in problem["errors"]] == ["/display_name"]
    problem_of(await client.get("/api/users/me"), 403, "unknown-user")


RESERVED = (
    "admin", "adm1n", "adrnin", "ad_m_in", "_admin_", "admin_01", "0fficial", "support", "supp0rt", "support_team",
    "root",
    "cruddur", "cruddur_support", "thecruddurteam", "system", "moderator", "help", "he1p", "lnfo", "noreply2024",
)  # fmt: skip
RESERVED_NAMES = (
    "Admin", "ADMlN", "Аdmin", "ТЕАМ", "Ａｄｍｉｎ", "𝐒𝐮𝐩𝐩𝐨𝐫𝐭", "Ådmin", "S u p p o r t", "Cruddur Support", "Help!",
    "Deleted user", "🛡 Official Support ✅", "·Root·", "The System", "|nfo", "Moderator 7",
)  # fmt: skip
MISLEADING_NAMES = ("@juniper", "＠juniper", "Juniper (@juniper)", "Jυniper", "Оsman Tarhan", "ΔX", "Ꭰavid", "Anո")
PLAIN_NAMES = (
    "Anna Root", "Amélie Laurent", "Nguyễn Văn A", "Łukasz", "O'Neil", "Zoë", "Иван Петров", "Иван Ivanov", "Ὀδυσσεύς",
    "Հայկ", "李小龙", "田中 Taro", "Taroさん", "김 K-pop", "محمد", "शिवा", "ᏣᎳᎩ", "Modest", "Robot 7", "🌨️ X", "…",
)  # fmt: skip


@pytest.mark.parametrize("handle", RESERVED)
async def test_a_reserved_handle_is_refused(door: Door, handle: str) -> None:
    client = door.newcomer()
    problem = problem_of(await register(client, handle), 422, "handle-reserved")
    assert [defect["pointer"] for defect in problem["errors"]] == ["/handle"]
    problem_of(await client.get("/api/users/me"), 403, "unknown-user")


@pytest.mark.parametrize(
    ("name", "code"),
    [*((name, "name-reserved") for name in RESERVED_NAMES), *((name, "name-misleading") for name in MISLEADING_NAMES)],
)
async def test_a_name_that_passes_for_another_is_refused(door: Door, ann: Person, name: str, code: str) -> None:
    problem = problem_of(await register(door.newcomer(), new_handle(), name), 422, code)
    assert [defect["pointer"] for defect in problem["errors"]] == ["/display_name"]
    problem_of(await ann.client.patch("/api/users/me", json={"display_name": name}), 422, code)
    assert (await ann.get("/api/users/me"))["display_name"] == "Ann"


@pytest.mark.parametrize("name", PLAIN_NAMES)
async def test_names_of_all_scripts_are_accepted(ann: Person, name: str) -> None:
    answer = await ann.client.patch("/api/users/me", json={"display_name": name})
    assert (answer.status_code, answer.json()["display_name"]) == (200, name)


async def test_an_account_with_a_reserved_handle_goes_on(service: Service, issuer: LocalIssuer) -> None:
    sub, store = str(uuid4()), UserStore(service.state["postgres"])
    await store.add(sub=sub, handle="support", display_name="Support")
    async with service.client(authorization=f"Bearer {issuer.token(sub, time.time())}") as client:
        user = (await client.get("/api/users/me")).json()
        assert user["handle"] == "support"
        assert (await register(client, "support", "Support")).json() == user
        problem_of(await register(client, "admin", "Support"), 409, "already-registered")


@given(name=st.text(max_size=50), handle=st.from_regex(r"[a-z0-9_]{3,30}", fullmatch=True))
@example(name="", handle="___")
def test_a_skeleton_is_stable_and_no_name_crashes_the_rules(name: str, handle: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name) or "rn" in skeleton(name)
    rules = NameRules([handle])
    assert isinstance(rules.refusal(handle=handle, display_name="X"), HandleReserved)
    assert isinstance(rules.refusal(display_name=handle.upper()), NameReserved)
    rules.refusal(handle=handle, display_name=name)


async def short(person: Person, handle: str) -> httpx.Response:
    return await person.client.get(httpx.URL("http://service.test", raw_path=f"/api/users/@{handle}/short".encode()))


async def test_a_user_is_found_by_handle_regardless_of_case(ann: Person, bob: Person) -> None:
    expected = {"uuid": str(bob.uuid), "handle": bob.handle, "display_name": "Bob"}
    for handle in (bob.handle, bob.handle.upper(), bob.handle.title()):
        assert (await short(ann, handle)).json() == expected


@pytest.mark.parametrize(
    "handle",
    [
        "nobody_at_all",
        "x",
        "x" * 31,
        "x" * 2000,
        "%00",
        "%FF",
        "a%20b",
        "%25",
        "___",
        "b%C3%B6b",
        "%E2%84%AAelvin",
        "'--",
        "%0A",
    ],
)
async def test_an_unknown_handle_is_not_found(ann: Person, handle: str) -> None:
    problem_of(await short(ann, handle), 404, "user-not-found")


async def test_a_handle_of_look_alike_letters_is_not_found(ann: Person, door: Door) -> None:
    """The Kelvin sign becomes a k in lower case, and handles are ASCII."""
    tail = uuid4().hex[:12]
    assert (await register(door.newcomer(), f"kim_{tail}")).status_code == 200
    assert (await short(ann, f"KIM_{tail}")).status_code == 200
    problem_of(await short(ann, f"%E2%84%AAim_{tail}"), 404, "user-not-found")
    assert await ann.get("/api/users", q=f"@\u212aim_{tail}") == []
    body = {"message": "x", "handle": f"\u212aim_{tail}"}
    problem_of(await ann.client.post("/api/messages", json=body), 404, "user-not-found")


@pytest.fixture
async def crowd(door: Door) -> tuple[str, list[str]]:
    """Return the common prefix and the handles of 25 users."""
    stem = f"c{uuid4().hex[:8]}"
    handles = [f"{stem}_{number:02d}" for number in range(23)] + [f"{stem}x1", f"{stem}0z"]
    answers = await asyncio.gather(*(register(door.newcomer(), handle) for handle in handles))
    assert {answer.status_code for answer in answers} == {200}
    return stem, sorted(handles)


async def search(person: Person, **query: Any) -> list[str]:
    return [user["handle"] for user in await person.get("/api/users", **query)]


async def test_search_is_by_prefix_regardless_of_case_and_without_wildcards(
    ann: Person, crowd: tuple[str, list[str]]
) -> None:
    stem, handles = crowd
    assert await search(ann, q=stem, limit=100) == handles
    assert await search(ann, q=stem.upper(), limit=100) == await search(ann, q=f"@{stem}", limit=100) == handles
    assert await search(ann, q=f"{stem}_", limit=100) == [handle for handle in handles if "_" in handle]
    assert await search(ann, q=f"{stem}_1") == [f"{stem}_1{digit}" for digit in range(10)]
    assert await search(ann, q=f"{stem}_11") == [f"{stem}_11"]
    assert await search(ann, q=stem[1:]) == []
    for wildcard in ("%", f"{stem}%", f"{stem}*", "_" * 30, f"{stem}_1~", f"{stem} ", f"{stem}\0", "'", "\\"):
        assert await search(ann, q=wildcard) == []


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 100])
async def test_pages_of_a_search_show_every_user_once(ann: Person, crowd: tuple[str, list[str]], limit: int) -> None:
    stem, handles = crowd
    answer = await ann.client.get("/api/users", params={"q": f"@{stem.upper()}", "limit": limit})
    seen = [user["handle"] for user in answer.json()]
    while "next" in answer.links:
        assert len(answer.json()) == limit
        answer = await ann.client.get(answer.links["next"]["url"])
        seen += [user["handle"] for user in answer.json()]
    assert seen == handles


async def test_an_empty_search_lists_all(ann: Person, new_person: NewPerson) -> None:
    first = await new_person("0000")
    assert (
        (await search(ann))[:1]
        == (await search(ann, q=""))[:1]
        == (await search(ann, q="@", limit=1))
        == [first.handle]
    )
    assert len(await search(ann, limit=1)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        "limit=1&limit=1",
        "q=a&q=b",
        "cursor=A",
        "cursor=a%00",
        "cursor=" + "a" * 31,
        "q=" + "a" * 52,
    ],
)
async def test_a_wrong_search_is_refused(ann: Person, query: str) -> None:
    problem_of(await ann.client.get(f"/api/users?{query}"), 422, "invalid-parameter")


async def test_other_users_see_neither_subject_nor_mail_nor_time(ann: Person, bob: Person) -> None:
    (found,) = await ann.get("/api/users", q=bob.handle)
    assert set(found) == set((await short(ann, bob.handle)).json()) == {"uuid", "handle", "display_name"}
    assert set(await ann.get(f"/api/users/@{bob.handle}")) == {*found, "about"}


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        (
            "Anna Maria Berg",
            ["Anna", "maria", "BERG", "berg an", "anna maria b", "maria be", "berg maria", "anna berg"],
        ),
        ("María del Carmen García López", ["maria garcia l", "lopez maria", "garcía carmen", "del l", "carmen garcia"]),
        ("Amélie O'Hara-Łuczak", ["amelie", "AMÉLIE", "o'hara", "ohar", "hara", "lucz", "łucz"]),
        ("Юлия Ёлкина", ["юлия", "ЕЛК", "ёлкина ю"]),
        ("Ελένη Παπαδοπούλου", ["ελενη", "ΠΑΠΑ"]),
        ("山田 太郎", ["山", "太郎"]),
        ("김 서연", ["서", "김 서"]),
        ("Nguyễn Thị Hương", ["nguyen", "thi huong"]),
        ("Zoë (they)", ["zoe", "they"]),
    ],
)
async def test_search_finds_a_user_by_any_word_of_the_name(
    door: Door, ann: Person, name: str, texts: list[str]
) -> None:
    handle = f"s_{uuid4().hex[:12]}"
    assert (await register(door.newcomer(), handle, name)).status_code == 200
    found = {text: handle in await everything_found(ann, text) for text in texts}
    assert found == {text: text != "ohar" for text in texts}
    assert handle not in await everything_found(ann, f"@{name[:3]}")


async def everything_found(person: Person, text: str) -> list[str]:
    answer = await person.client.get("/api/users", params={"q": text, "limit": 100})
    found = answer.json()
    while "next" in answer.links:
        answer = await person.client.get(answer.links["next"]["url"])
        found += answer.json()
    handles = [user["handle"] for user in found]
    assert len(handles) == len(set(handles))
    return handles


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
async def test_pages_of_a_search_by_name_show_every_user_once(door: Door, ann: Person, limit: int) -> None:
    mark = "q" + uuid4().hex[:8]
    names = [f"{mark} {mark}x", f"Alice {mark}", f"{mark}", f"{mark} Zoe", f"Bob {mark}a {mark}b", "Other"]
    handles = [f"{mark}_{n}" for n in range(3)] + [f"n{n}_{mark}" for n in range(3)]
    answers = [await register(door.newcomer(), handle, name) for handle, name in zip(handles, names, strict=True)]
    assert {answer.status_code for answer in answers} == {200}
    answer = await ann.client.get("/api/users", params={"q": mark, "limit": limit})
    seen = [user["handle"] for user in answer.json()]
    while "next" in answer.links:
        answer = await ann.client.get(answer.links["next"]["url"])
        seen += [user["handle"] for user in answer.json()]
    assert sorted(seen) == sorted(handles[:-1])


async def test_a_new_name_is_found_and_the_old_one_is_not(ann: Person) -> None:
    old, new = uuid4().hex[:12], uuid4().hex[:12]
    for name in (f"Before {old}", f"After {new}"):
        assert (await ann.client.patch("/api/users/me", json={"display_name": name})).status_code == 200
    assert await search(ann, q=old) == []
    assert await search(ann, q=new) == [ann.handle]
