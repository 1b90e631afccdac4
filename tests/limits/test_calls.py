"""The limits of calls: every operation has one, a refusal says what to do, and bystanders notice nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from app.auth.issuer import LocalIssuer
from app.http.readiness import FRESH_SECONDS, Readiness
from app.limits import rates
from app.limits.buckets import Buckets
from app.limits.rates import Rate
from app.realtime.positions import MAX_LENGTH
from app.settings import Settings
from tests.contract.test_document import OPERATIONS
from tests.fixtures.app import Person, Service, running
from tests.http.faulty import changed
from tests.http.problem import problem_of
from tests.tools.clock import Clock

FACTOR = 0.2
Call = Callable[[httpx.AsyncClient, str, Person], Awaitable[httpx.Response]]

CALLS: dict[str, Call] = {
    "list_message_groups": lambda client, _, __: client.get("/api/message_groups"),
    "get_message_group": lambda client, group, _: client.get(f"/api/message_groups/{group}"),
    "mark_read": lambda client, group, _: client.put(f"/api/message_groups/{group}/read", json={"number": 1}),
    "mark_delivered": lambda client, group, _: client.put(f"/api/message_groups/{group}/delivered", json={"number": 1}),
    "list_pinned_message_groups": lambda client, _, __: client.get("/api/users/me/pins"),
    "update_message_group_view": lambda client, group, _: client.patch(
        f"/api/message_groups/{group}/view", json={"is_marked_unread": True}
    ),
    "create_message_group": lambda client, _, other: client.post(
        "/api/message_groups", json={"title": "x", "handles": [other.handle], "uuid": str(UUID(int=1))}
    ),  # repeated, as new groups have a lower limit
    "update_message_group": lambda client, group, _: client.patch(f"/api/message_groups/{group}", json={"title": "x"}),
    "leave_message_group": lambda client, group, _: client.delete(f"/api/message_groups/{group}"),
    "list_members": lambda client, group, _: client.get(f"/api/message_groups/{group}/members"),
    "add_members": lambda client, group, other: client.post(
        f"/api/message_groups/{group}/members", json={"handles": [other.handle]}
    ),
    "update_member": lambda client, group, _: client.patch(
        f"/api/message_groups/{group}/members/{uuid4()}", json={"role": "admin"}
    ),
    "remove_member": lambda client, group, _: client.delete(f"/api/message_groups/{group}/members/{uuid4()}"),
    "accept_request": lambda client, group, _: client.put(f"/api/message_groups/{group}/accept"),
    "decline_request": lambda client, group, _: client.put(f"/api/message_groups/{group}/decline"),
    "list_read_markers": lambda client, group, _: client.get(f"/api/message_groups/{group}/read"),
    "start_typing": lambda client, group, _: client.post(f"/api/message_groups/{group}/typing"),
    "stop_typing": lambda client, group, _: client.delete(f"/api/message_groups/{group}/typing"),
    "send_message": lambda client, group, _: client.post(
        "/api/messages", json={"message": "x", "message_group_uuid": group}
    ),
    "get_message": lambda client, group, _: client.get(f"/api/messages/{group}/1"),
    "list_changes": lambda client, group, _: client.get(f"/api/messages/{group}/changes"),
    "list_edits": lambda client, group, _: client.get(f"/api/messages/{group}/1/edits"),
    "list_reactions": lambda client, group, _: client.get(f"/api/messages/{group}/1/reactions"),
    "list_receipts": lambda client, group, _: client.get(f"/api/messages/{group}/1/receipts"),
    "edit_message": lambda client, group, _: client.patch(
        f"/api/messages/{group}/1", json={"message": "x"}, headers={"if-match": '"1"'}
    ),
    "delete_message": lambda client, group, _: client.delete(f"/api/messages/{group}/1"),
    "add_reaction": lambda client, group, _: client.put(f"/api/messages/{group}/1/reactions/👍"),
    "remove_reaction": lambda client, group, _: client.delete(f"/api/messages/{group}/1/reactions/👍"),
    "count_unread_groups": lambda client, _, __: client.get("/api/messages/counter"),
    "list_messages": lambda client, group, _: client.get(f"/api/messages/{group}"),
    "register_user": lambda client, _, person: client.post(
        "/api/users", json={"handle": person.handle, "display_name": person.display_name}
    ),
    "block_user": lambda client, _, person: client.put(f"/api/users/@{person.handle}/block"),  # oneself: 422
    "unblock_user": lambda client, _, person: client.delete(f"/api/users/@{person.handle}/block"),
    "list_blocks": lambda client, _, __: client.get("/api/users/me/blocks"),
    "search_users": lambda client, _, __: client.get("/api/users", params={"q": "an"}),
    "get_current_user": lambda client, _, __: client.get("/api/users/me"),
    "update_current_user": lambda client, _, __: client.patch("/api/users/me", json={"display_name": "Ann"}),
    "get_settings": lambda client, _, __: client.get("/api/users/me/settings"),
    "update_settings": lambda client, _, __: client.patch("/api/users/me/settings", json={"receipts": True}),
    "export_own_data": lambda client, _, __: client.get("/api/users/me/export"),
    "delete_current_user": lambda client, _, __: client.delete("/api/users/me", params={"handle": "another"}),  # 422
    "list_presence": lambda client, _, __: client.get("/api/users/presence"),
    "get_user": lambda client, _, person: client.get(f"/api/users/@{person.handle}"),
    "get_user_short": lambda client, _, person: client.get(f"/api/users/@{person.handle}/short"),
    "get_direct_group": lambda client, _, person: client.get(f"/api/users/@{person.handle}/message_group"),
    "create_report": lambda client, _, person: client.post(
        "/api/reports", json={"handle": person.handle, "reason": "spam"}
    ),  # 422: it is the caller's own
    "sync_changes": lambda client, _, __: client.post("/api/sync", json={"groups": {}}),
    "stream_events": lambda client, _, __: client.get(
        "/api/events", headers={"last-event-id": "x" * (MAX_LENGTH + 1)}
    ),  # 422
}


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bucket fills up while a test spends: calls take a loaded machine so long that it might never be empty.

    A request would wait for `throughput` in vain, so that has no bound.
    """
    monkeypatch.setattr("app.limits.limits.Buckets", partial(Buckets, clock=Clock()))
    monkeypatch.setattr("app.limits.caller.THROUGHPUT", Rate("throughput", 1e9, 1e9, "units", is_shared=False))


@pytest_asyncio.fixture
async def limited(settings: Settings, ann: Person, bob: Person) -> AsyncIterator[Service]:
    """A service with a fifth of all limits but that of a group of two people."""
    allowances = {"*": FACTOR, str(ann.group_with(bob)): 1_000}
    async with running(changed(settings, allowances=allowances)) as service:
        yield service


def client_of(service: Service, person: Person) -> httpx.AsyncClient:
    return service.client(authorization=f"Bearer {person.token}")


async def admitted(call: Callable[[], Awaitable[httpx.Response]], rate: Rate) -> httpx.Response:
    """Call until a refusal, which comes when it must, and return it."""
    for _ in range(round(rate.burst * FACTOR)):
        answer = await call()
        assert answer.status_code < 500, answer.text
        assert answer.status_code != 429, answer.text
    return await call()


@pytest.mark.parametrize("operation", CALLS)
async def test_every_operation_with_a_token_has_a_limit_of_its_own(
    limited: Service, ann: Person, bob: Person, operation: str
) -> None:
    group = (await ann.sent("hello", bob))["message_group_uuid"]
    rate = rates.OPERATIONS.get(operation, rates.READ)
    async with client_of(limited, ann) as client, client_of(limited, bob) as bystander:
        answer = await admitted(lambda: CALLS[operation](client, group, ann), rate)
        problem = problem_of(answer, 429, "too-many-requests")
        assert rate.name in problem["detail"]
        assert 1 <= int(answer.headers["retry-after"]) <= rate.window + 1
        policy = f'"{rate.name}";q={rate.burst * FACTOR:.0f};w='
        assert answer.headers["ratelimit-policy"].startswith(policy)
        assert answer.headers["ratelimit"].startswith(f'"{rate.name}";r=0;t=')
        assert (await bystander.get("/api/users/me")).status_code == 200


async def test_a_stream_ends_when_its_events_have_taken_their_traffic(
    settings: Settings, ann: Person, bob: Person
) -> None:
    """A thirtieth of 100 MB: about 210 events of 16 kB."""
    allowances = {"*": 1_000_000, ann.sub: 1 / 30}
    big = changed(settings, message_max_length=4_000, allowances=allowances)
    async with running(big) as service, client_of(service, bob) as sender, client_of(service, ann) as client:
        streamed = Streamed(service, ann.token)
        task = asyncio.create_task(streamed.run())
        await streamed.opened.wait()
        body = {"message": "\N{SLIGHTLY SMILING FACE}" * 3_900, "handle": ann.handle}
        async with asyncio.timeout(60):
            while not task.done():  # and no longer: the debt of its last event is repaid in seconds
                assert (await sender.post("/api/messages", json=body)).status_code == 200
        await task
        assert 3_200_000 < streamed.bytes < 3_600_000
        assert "event-traffic" in (await client.get("/api/events")).json()["detail"]
        assert (await client.get("/api/users/me")).status_code == 200


class Streamed:
    """An event stream that is read without a server, as fast as it comes."""

    def __init__(self, service: Service, token: str) -> None:
        self._service = service
        self._token = token
        self.opened = asyncio.Event()
        self.bytes = 0

    async def run(self) -> None:
        """Read until the stream ends."""
        headers = [(b"host", b"service.test"), (b"authorization", b"Bearer " + self._token.encode())]
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": "/api/events", "raw_path": b"/api/events", "query_string": b"", "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("service.test", 80),
            "state": dict(self._service.state),
        }  # fmt: skip
        await self._service.app(scope, asyncio.Event().wait, self._send)  # type: ignore[arg-type]  # nothing to receive

    async def _send(self, message: Any) -> None:
        self.opened.set()
        self.bytes += len(message.get("body", b""))


def test_the_calls_are_all_operations_with_a_token() -> None:
    assert set(CALLS) == {operation["operationId"] for operation in OPERATIONS if operation["security"]}
    assert rates.OPERATIONS.keys() <= CALLS.keys()


async def test_an_answer_says_how_many_calls_are_left(limited: Service, ann: Person) -> None:
    async with client_of(limited, ann) as client:
        answers = [await client.get("/api/users/me") for _ in range(3)]
    assert answers[0].headers["ratelimit-policy"] == '"read";q=20;w=10'
    left = [int(answer.headers["ratelimit"].split(";")[1].removeprefix("r=")) for answer in answers]
    assert left == [19, 18, 17]


async def test_first_contacts_are_limited_and_known_people_are_not(
    limited: Service, ann: Person, new_person: Callable[..., Awaitable[Person]]
) -> None:
    strangers = [await new_person() for _ in range(3)]

    async def send(to: Person) -> httpx.Response:
        return await client.post("/api/messages", json={"message": "hello", "handle": to.handle})

    async with client_of(limited, ann) as client:
        answers = [await send(stranger) for stranger in strangers]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "first-contact" in problem_of(answers[2], 429, "too-many-requests")["detail"]
        assert int(answers[2].headers["retry-after"]) > 200
        assert (await send(strangers[0])).status_code == 200
    assert await strangers[2].inbox() == []


async def test_sends_to_unknown_handles_count_as_look_ups(limited: Service, ann: Person, bob: Person) -> None:
    async with client_of(limited, ann) as client:
        for _ in range(12):
            await client.post("/api/messages", json={"message": "x", "handle": f"nobody_{uuid4().hex[:8]}"})
        answer = await admitted(lambda: client.get(f"/api/users/@{bob.handle}/short"), Rate("look-up", 40, 1 / 9))
        assert "look-up" in answer.json()["detail"]


async def test_a_group_has_a_limit_for_all_its_members(limited: Service, ann: Person, eve: Person) -> None:
    group = (await ann.sent("hello", eve))["message_group_uuid"]
    async with client_of(limited, ann) as one, client_of(limited, eve) as other:
        body = {"message": "x", "message_group_uuid": group}
        answers = await asyncio.gather(*(c.post("/api/messages", json=body) for c in (one, other) * 12))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert any("group-send" in answer.json()["detail"] for answer in refused)


async def test_the_read_units_of_an_account_are_bounded(limited: Service, ann: Person, bob: Person) -> None:
    """A page of 100 messages of 4 kB takes 51 of the 400 units."""
    group = (await ann.sent("hello", bob))["message_group_uuid"]
    for _ in range(100):
        await ann.sent("\N{SLIGHTLY SMILING FACE}" * 1024, group)
    async with client_of(limited, ann) as client, client_of(limited, bob) as bystander:
        answers = [await client.get(f"/api/messages/{group}", params={"limit": 100}) for _ in range(12)]
        pages = [answer for answer in answers if answer.status_code == 200]
        assert 7 <= len(pages) <= 9
        assert "read-capacity" in problem_of(answers[-1], 429, "too-many-requests")["detail"]
        assert 'qu="read-units"' in answers[-1].headers["ratelimit-policy"]
        assert (await bystander.get(f"/api/messages/{group}")).status_code == 200


async def test_the_write_units_of_an_account_are_bounded_with_those_behind_the_answers(
    limited: Service, ann: Person, bob: Person
) -> None:
    """A send of 4 kB takes 7 of the 80 units, a read marker 1."""
    group = (await ann.sent("hello", bob))["message_group_uuid"]
    async with client_of(limited, ann) as client:
        text = "\N{SLIGHTLY SMILING FACE}" * 1024
        sends = [
            await client.post("/api/messages", json={"message": text, "message_group_uuid": group}) for _ in range(11)
        ]
        assert {answer.status_code for answer in sends} == {200}
        marks = [
            await client.put(f"/api/message_groups/{group}/read", json={"number": number}) for number in range(1, 11)
        ]
        assert 3 <= sum(answer.status_code == 200 for answer in marks) <= 6
        assert "write-capacity" in problem_of(marks[-1], 429, "too-many-requests")["detail"]
        assert (await client.get(f"/api/messages/{group}")).status_code == 200


async def test_an_address_has_a_limited_number_of_bad_tokens(limited: Service, ann: Person, bob: Person) -> None:
    async with client_of(limited, ann) as known, client_of(limited, bob) as new, limited.client() as attacker:
        assert (await known.get("/api/users/me")).status_code == 200

        async def guess() -> httpx.Response:
            return await attacker.get("/api/users/me", headers={"authorization": f"Bearer {uuid4().hex}.x.y"})

        answer = await admitted(guess, rates.UNVERIFIED_TOKEN)
        problem_of(answer, 429, "too-many-requests")
        assert (await known.get("/api/users/me")).status_code == 200, "its token was verified before"
        problem_of(await new.get("/api/users/me"), 429, "too-many-requests")


async def test_an_address_has_a_limited_number_of_registrations(limited: Service, issuer: LocalIssuer) -> None:
    async def register() -> httpx.Response:
        token = issuer.token(f"sub-{uuid4()}", time.time())
        async with limited.client(authorization=f"Bearer {token}") as client:
            return await client.post("/api/users", json={"handle": f"r_{uuid4().hex[:12]}", "display_name": "R"})

    answer = await admitted(register, rates.ADDRESS_REGISTRATION)
    assert "address-registration" in answer.json()["detail"]


async def test_the_traffic_of_an_address_without_a_token_is_bounded(limited: Service) -> None:
    sent = 0
    async with httpx.AsyncClient(transport=limited.transport, base_url="http://service.test") as client:
        while (answer := await client.get("/openapi.json")).status_code == 200:
            sent += len(answer.content)
            assert sent < 40e6
        assert sent > 19e6
        problem_of(answer, 429, "too-many-requests")
        assert (await client.get("/healthz")).status_code == 200


async def test_readiness_checks_each_dependency_once_a_second_at_most() -> None:
    pings, moment = 0, 0.0

    async def ping() -> None:
        nonlocal pings
        pings += 1
        await asyncio.sleep(0.01)

    readiness = Readiness({"dynamodb": ping}, lambda: moment + 10)
    answers = await asyncio.gather(*(readiness.check() for _ in range(50)))
    assert (pings, answers[0][0].state) == (1, "ok")
    moment += FRESH_SECONDS
    await readiness.check()
    assert pings == 2


async def test_a_refused_call_is_counted_by_its_limit(limited: Service, ann: Person) -> None:
    async with client_of(limited, ann) as client:
        await admitted(lambda: client.patch("/api/users/me", json={"display_name": "A"}), rates.PROFILE)
        text = (await client.get("/metrics")).text
    assert 'cruddur_limited_calls_total{limit="profile"} 1.0' in text
