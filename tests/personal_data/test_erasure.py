"""Erasing a user: at once for everybody, resumed by any process after any write, and proved at its end."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.auth.tokens import Claims
from app.cache import Caches
from app.concurrency import TaskSet
from app.errors import AccountErased, AppError
from app.gateways.dynamodb import Put, Query, StoredItem, Table
from app.messaging import items
from app.messaging.changes import Changes
from app.messaging.clock import now
from app.messaging.erasure_store import MemberErasureStore
from app.messaging.groups.service import Groups
from app.messaging.models import Draft, Message, direct_group_uuid
from app.messaging.service import Messaging
from app.messaging.store import MessagingStore
from app.personal_data.erasures import Erasures
from app.personal_data.sweep import SweepTools
from app.settings import Settings
from app.users.account_watch import AccountWatch
from app.users.errors import UserNotFound
from app.users.models import DELETED_USER, Erasure, NewUser
from app.users.service import Users
from app.users.store import UserStore
from tests.fixtures.app import NewPerson, Person, Service, running
from tests.http.problem import problem_of
from tests.messaging.test_change_properties import DAY, DyingClient
from tests.tools.processes import DIRECTORY, raw_client

HOLD = timedelta(days=30)
THUMB = "👍"


def sweeper(service: Service, *, calls: int = 10**9, quiet_seconds: float = 0) -> tuple[Erasures, DyingClient, TaskSet]:
    """Return a process that sweeps, and dies after a number of calls of the table."""
    client, tasks = DyingClient(raw_client(service), calls=calls, share=0, seed=0), TaskSet()
    named: Any = client
    table = Table(named, service.state["table"].name)
    store = MessagingStore(table)
    messaging = Messaging(store, DIRECTORY, message_max_length=100, tasks=tasks)
    changes = Changes(messaging, store, tasks=tasks, edit_window=DAY, delete_window=DAY, shows_edits=True)
    erasures = UserStore(service.state["postgres"]).erasures
    groups = Groups(messaging, store, DIRECTORY, max_members=100, tasks=tasks)
    tools = SweepTools(
        MemberErasureStore(table),
        changes,
        erasures,
        groups.leave,
        writes_per_second=10_000,
        quiet_seconds=quiet_seconds,
    )
    return Erasures(service.state["users"], tools, handle_hold=HOLD, removes_messages=False), client, tasks


async def marked(service: Service, person: Person, *, removes_messages: bool = False) -> Erasure:
    """Erase a user as a process that dies right after the mark."""
    store = UserStore(service.state["postgres"])
    (user,) = await store.by_uuids([person.uuid])
    return await service.state["users"].erase(user, handle_hold=HOLD, removes_messages=removes_messages)


async def stored_under(service: Service, partition: str) -> list[StoredItem]:
    return await service.state["table"].query(Query("#pk = :pk", {":pk": partition}, consistent=True))


async def stored_of(service: Service, user: UUID) -> list[StoredItem]:
    return await stored_under(service, f"USR#{user}")


async def erased(person: Person, **query: str) -> dict[str, Any]:
    answer = await person.client.delete("/api/users/me", params={"handle": person.handle, **query})
    assert answer.status_code == 202, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def test_an_erased_user_is_gone_at_once_for_everybody(ann: Person, bob: Person) -> None:
    group = ann.group_with(bob)
    await ann.sent("hello", bob)
    await bob.sent("hi", ann)
    answer = await erased(ann)
    assert answer["messages"] == "keep"
    problem_of(await ann.client.get("/api/users/me"), 403, "account-erased")
    problem_of(await ann.client.get("/api/message_groups"), 403, "account-erased")
    body = {"handle": ann.handle, "display_name": "Ann"}
    problem_of(await ann.client.post("/api/users", json=body), 403, "account-erased")
    problem_of(await ann.client.delete("/api/users/me", params={"handle": ann.handle}), 403, "account-erased")
    (row,) = await bob.inbox()
    assert (row["display_name"], row["handle"]) == ("Deleted user", None)
    shown = [(each["message"], each["display_name"]) for each in await bob.get(f"/api/messages/{group}")]
    assert shown == [("hello", "Deleted user"), ("hi", bob.display_name)]
    problem_of(await bob.client.get(f"/api/users/@{ann.handle}/short"), 404, "user-not-found")
    problem_of(await bob.send("there?", ann), 404, "user-not-found")
    assert ann.handle not in {each["handle"] for each in await bob.get("/api/users", q=ann.handle)}


async def test_only_the_own_handle_confirms(ann: Person, bob: Person) -> None:
    for handle in (bob.handle, "", "x" * 64):
        problem_of(await ann.client.delete("/api/users/me", params={"handle": handle}), 422, "handle-differs")
    assert (await ann.get("/api/users/me"))["handle"] == ann.handle


async def test_a_held_handle_is_free_after_its_time(service: Service, ann: Person, new_person: NewPerson) -> None:
    store = UserStore(service.state["postgres"])
    await marked(service, ann)
    other = await new_person("other")
    sub = str(uuid4())
    assert await store.add(sub=sub, handle=ann.handle, display_name="A") is None
    assert await store.add_all([NewUser(uuid4(), ann.handle, "A", sub)]) == 0
    assert await store.add_all([NewUser(ann.uuid, f"n_{uuid4().hex[:20]}", "A", sub)]) == 0
    assert await store.add_all([NewUser(uuid4(), f"n_{uuid4().hex[:20]}", "A", ann.sub)]) == 0
    await service.state["postgres"].fetch(
        "UPDATE erasures SET handle_held_until = now() WHERE user_uuid = $1", ann.uuid
    )
    assert await store.add(sub=sub, handle=ann.handle, display_name="A")
    assert await store.by_handle(other.handle)


async def test_registration_waits_for_a_deletion_that_runs_at_the_same_time(service: Service, ann: Person) -> None:
    """The condition of the INSERT would have been read before the mark: the trigger looks after the wait."""
    store = UserStore(service.state["postgres"])
    connection = await service.state["postgres"]._pool.acquire()  # noqa: SLF001  # a transaction that stays open
    try:
        await connection.execute("BEGIN")
        await connection.execute("DELETE FROM users WHERE uuid = $1", ann.uuid)
        adding = asyncio.create_task(store.add(sub=str(uuid4()), handle=ann.handle, display_name="A"))
        await asyncio.sleep(0.2)
        await connection.execute(
            """
            INSERT INTO erasures (user_uuid, subject_digest, handle_digest, handle_held_until, removes_messages)
            VALUES ($1, sha256($2), sha256($3), now() + interval '1 day', false)
            """,
            ann.uuid,
            ann.sub.encode(),
            ann.handle.encode(),
        )
        await connection.execute("COMMIT")
        assert await adding is None
    finally:
        await service.state["postgres"]._pool.release(connection)  # noqa: SLF001


async def test_postgres_keeps_neither_name_nor_handle_nor_subject(service: Service, ann: Person) -> None:
    await marked(service, ann)
    for table in ("users", "search_keys", "erasures"):
        rows = await service.state["postgres"].fetch(f"SELECT {table}::text AS text FROM {table}")  # noqa: S608
        for row in rows:
            assert ann.handle not in row["text"]
            assert ann.sub not in row["text"]


async def world_of(ann: Person, bob: Person, cleo: Person) -> None:
    """Ann's groups: with Bob messages, an edit and reactions of both, with Cleo a message; and a block."""
    group = ann.group_with(bob)
    for text in ("one", "two", "three"):
        await ann.sent(text, bob)
    await bob.sent("four", ann)
    assert (
        await ann.client.patch(f"/api/messages/{group}/2", json={"message": "2"}, headers={"if-match": '"1"'})
    ).status_code == 200
    for person, number in ((ann, 4), (bob, 1), (ann, 1)):
        assert (await person.client.put(f"/api/messages/{group}/{number}/reactions/{THUMB}")).status_code == 200
    await cleo.sent("hello", ann)


async def check_erased(service: Service, ann: Person, bob: Person, *, removes_messages: bool) -> None:
    group = ann.group_with(bob)
    assert await stored_of(service, ann.uuid) == []
    messages = await bob.get(f"/api/messages/{group}")
    assert [each["number"] for each in messages] == [1, 2, 3, 4]
    assert messages[3]["reactions"] == []
    if removes_messages:
        assert [each["message"] for each in messages] == ["", "", "", "four"]
        assert all(each["deleted_at"] for each in messages[:3])
        assert not [
            item for item in await stored_under(service, f"MSG#{group}") if "2" in item.get("text", {}).values()
        ]
    else:
        assert [each["message"] for each in messages] == ["one", "2", "three", "four"]
        assert messages[0]["reactions"] == [{"emoji": THUMB, "count": 1, "me": True}]
    problem_of(await bob.send("there?", group), 403, "cannot-message")
    newest = await MessagingStore(service.state["table"]).changes.newest_change(group)
    assert newest
    row = await bob.get(f"/api/message_groups/{group}")
    async with asyncio.timeout(10):  # the page above has begun to mend a row that a process has left behind
        while row["change_number"] < newest.number:
            await asyncio.sleep(0.01)
            row = await bob.get(f"/api/message_groups/{group}")
    assert (row["change_number"], row["handle"]) == (newest.number, None)
    synced = (await bob.client.post("/api/sync", json={"groups": {}})).json()
    assert [each["change_number"] for each in synced["groups"]] == [newest.number]
    changes = await bob.get(f"/api/messages/{group}/changes", limit=100)
    assert [each["change_number"] for each in changes] == list(range(1, newest.number + 1))


@pytest.mark.parametrize("removes_messages", [False, True])
@examples(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deaths=st.lists(st.integers(0, 60), max_size=4))
async def test_a_sweep_ends_the_same_after_any_deaths(
    service: Service, new_person: NewPerson, deaths: list[int], removes_messages: bool
) -> None:
    ann, bob, cleo = [await new_person(name) for name in ("ann", "bob", "cleo")]
    await world_of(ann, bob, cleo)
    await service.state["table"].put(Put({**items.block_key(ann.uuid, uuid4())}))
    erasure = await marked(service, ann, removes_messages=removes_messages)
    for calls in deaths:
        process, client, tasks = sweeper(service, calls=calls)
        sweep = asyncio.ensure_future(process.sweep(erasure))
        death = asyncio.ensure_future(client.died.wait())
        await asyncio.wait([sweep, death], return_when=asyncio.FIRST_COMPLETED)
        for task in (sweep, death):
            task.cancel()
        await asyncio.gather(sweep, death, return_exceptions=True)
        await tasks.drain(0)
    process, *_ = sweeper(service)
    await process.sweep(erasure)
    await check_erased(service, ann, bob, removes_messages=removes_messages)
    stored = await UserStore(service.state["postgres"]).erasures.of_user(ann.uuid)
    assert stored
    assert stored.finished_at


async def test_a_planted_leftover_is_found_by_the_last_look(service: Service, ann: Person, bob: Person) -> None:
    erasures = UserStore(service.state["postgres"]).erasures
    await ann.sent("hello", bob)
    erasure = await marked(service, ann)
    process, *_ = sweeper(service)
    assert (await process.sweep(erasure))["groups"] == 1
    await service.state["table"].put(Put({"pk": f"USR#{ann.uuid}", "sk": "SETTINGS"}))
    await service.state["table"].put(Put({**items.block_key(ann.uuid, bob.uuid)}))
    again = await erasures.of_user(ann.uuid)
    assert again
    counts = await process.sweep(again)
    assert (counts["groups"], counts["items"]) == (1, 2)
    assert await stored_of(service, ann.uuid) == []


async def test_a_first_contact_in_flight_is_swept_too(service: Service, ann: Person, bob: Person) -> None:
    """Bob's process has read Ann's handle before the erasure, and writes while the rows are deleted."""
    erasure = await marked(service, ann)
    process, *_ = sweeper(service)
    await process.sweep(erasure)
    group = direct_group_uuid(ann.uuid, bob.uuid)
    late = Message(group, 1, uuid4(), bob.uuid, "too late", now())
    await service.state["messaging"]._store.start_direct_group(late, peer=ann.uuid)  # noqa: SLF001  # as in flight
    await process.sweep(erasure)
    assert await stored_of(service, ann.uuid) == []
    problem_of(await bob.send("there?", group), 403, "cannot-message")


async def test_sends_while_the_memberships_end_are_either_answered_or_refused(
    service: Service, ann: Person, bob: Person
) -> None:
    """Every message of the erased user that was answered is removed, as it was in the log before the sweep read it."""
    group = ann.group_with(bob)
    await ann.sent("first", bob)
    messaging = service.state["messaging"]

    async def send_until_refused(person: Person) -> int:
        for sent in range(10_000):
            try:
                await messaging.send(Draft(person.uuid, f"{sent}"), group=group, handle=None)
            except AppError:
                return sent
        raise AssertionError("never refused")

    sending = [asyncio.create_task(send_until_refused(person)) for person in (ann, bob)]
    await asyncio.sleep(0.1)
    erasure = await marked(service, ann, removes_messages=True)
    process, *_ = sweeper(service, quiet_seconds=0.5)
    await process.sweep(erasure)
    sent = await asyncio.gather(*sending)
    assert await stored_of(service, ann.uuid) == []
    stored = [items.to_message(item) for item in await stored_under(service, f"MSG#{group}") if "N#" in item["sk"]["S"]]
    assert sum(message.user_uuid == bob.uuid for message in stored) == sent[1]
    assert all(message.deleted_at for message in stored if message.user_uuid == ann.uuid)


async def test_the_log_of_two_erased_users_is_deleted(service: Service, ann: Person, bob: Person) -> None:
    group = ann.group_with(bob)
    await ann.sent("one", bob)
    await bob.client.put(f"/api/messages/{group}/1/reactions/{THUMB}")
    process, *_ = sweeper(service)
    await process.sweep(await marked(service, ann))
    assert await stored_under(service, f"MSG#{group}")
    await process.sweep(await marked(service, bob))
    assert await stored_under(service, f"MSG#{group}") == []
    assert await stored_of(service, bob.uuid) == []


async def test_work_that_a_dead_process_has_left_is_leased_to_another(service: Service, ann: Person) -> None:
    erasures = UserStore(service.state["postgres"]).erasures
    erasure = await marked(service, ann)
    assert await erasures.lease() != erasure  # this process has it
    await service.state["postgres"].fetch("UPDATE erasures SET due_at = '2000-01-01' WHERE user_uuid = $1", ann.uuid)
    found = await asyncio.gather(*(erasures.lease() for _ in range(8)))
    assert found.count(erasure) <= 1  # the service that runs beside this test may have been faster
    assert erasure not in await asyncio.gather(*(erasures.lease() for _ in range(8)))


async def test_a_process_that_stops_leaves_its_sweep_to_the_next(
    service: Service, settings: Settings, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ann.sent("one", bob)
    async with (
        running(settings) as first,
        first.client(authorization=f"Bearer {ann.token}") as client,
    ):
        answer = await client.delete("/api/users/me", params={"handle": ann.handle})
        assert answer.status_code == 202
    assert await stored_of(service, ann.uuid)  # its sweep has not come to the rows
    await service.state["postgres"].fetch("UPDATE erasures SET due_at = now() WHERE user_uuid = $1", ann.uuid)
    monkeypatch.setattr("app.main.lifespan.SweepTools", partial(SweepTools, quiet_seconds=0.1))
    monkeypatch.setattr("app.personal_data.erasures.POLL_INTERVAL", 0.1)
    async with running(settings):
        for _ in range(300):
            if not await stored_of(service, ann.uuid):
                break
            await asyncio.sleep(0.2)
    assert await stored_of(service, ann.uuid) == []


async def test_another_process_forgets_the_name_without_valkey(service: Service, ann: Person) -> None:
    store = UserStore(service.state["postgres"])
    users = Users(store, Caches(TaskSet()))
    watch = AccountWatch(store, users.discard_accounts)
    await watch.poll()
    claims = Claims(ann.sub, "web", datetime.now(UTC) + timedelta(hours=1))
    assert (await users.names([ann.uuid]))[ann.uuid].handle == ann.handle
    assert await users.uuid_of_handle(ann.handle) == await users.uuid_of(claims) == ann.uuid
    await marked(service, ann)
    await watch.poll()
    assert (await users.names([ann.uuid]))[ann.uuid] == DELETED_USER
    with pytest.raises(UserNotFound):
        await users.uuid_of_handle(ann.handle)
    with pytest.raises(AccountErased):
        await users.uuid_of(claims)
