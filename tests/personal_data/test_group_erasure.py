"""Erasing a member of groups of several: the user leaves each, and what no member can see any more is deleted."""

import asyncio
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.gateways.dynamodb import Delete, Put
from app.messaging.clock import now
from app.messaging.groups.creation import first_row
from app.messaging.groups.member_items import member_key, new_member, new_row
from app.messaging.groups.models import Member, Role, SystemEvent, SystemEventType, new_group_uuid
from app.messaging.models import Message, MessageKind
from app.users.models import Erasure
from app.users.store import UserStore
from tests.fixtures.app import NewPerson, Person, Service
from tests.messaging.test_groups import create
from tests.personal_data.test_erasure import THUMB, marked, stored_of, stored_under, sweeper


class World:
    """Ann's groups: one that she owns, one that she has left, one that all others have left, and one half created."""

    def __init__(self, service: Service, ann: Person, bob: Person, cleo: Person) -> None:
        self.service, self.ann, self.bob, self.cleo = service, ann, bob, cleo
        self.owned = self.left = self.alone = self.unfinished = uuid4()

    async def build(self) -> "World":
        self.owned, self.left, self.alone = [
            UUID((await create(self.ann, self.bob, self.cleo))["uuid"]) for _ in range(3)
        ]
        admin = {"json": {"role": "admin"}}
        answer = await self.ann.client.patch(f"/api/message_groups/{self.owned}/members/{self.cleo.uuid}", **admin)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        for group in (self.owned, self.left, self.alone):
            number = (await self.ann.sent("of Ann", group))["number"]
            await self.bob.sent("of Bob", group)
            for person, at in ((self.ann, number + 1), (self.bob, number)):
                assert (await person.client.put(f"/api/messages/{group}/{at}/reactions/{THUMB}")).status_code == 200
        await self._leave(self.ann, self.left)
        await self._leave(self.bob, self.alone)
        await self._leave(self.cleo, self.alone)
        self.unfinished = await self._half_created()
        return self

    async def _leave(self, person: Person, group: UUID) -> None:
        answer = await person.client.delete(f"/api/message_groups/{group}")
        assert answer.status_code == 200, answer.text

    async def _half_created(self) -> UUID:
        """Write what a process that has ended has written of a group."""
        group, creator = new_group_uuid(self.bob.uuid, uuid4()), self.bob.uuid
        event = SystemEvent(SystemEventType.CREATED, users=(self.ann.uuid,), title="Never")
        first = Message(group, 1, uuid4(), creator, "", now(), MessageKind.SYSTEM, event=event)
        for user in (creator, self.ann.uuid):
            row = first_row(first, user, title="Never", members=2, shows_history=False)
            for put in (new_member(Member(group, user, Role.MEMBER, now(), creator)), new_row(row)):
                await self.service.state["table"].put(put)
        return group

    async def check(self, *, removes_messages: bool) -> None:
        assert await stored_of(self.service, self.ann.uuid) == []
        for group in (self.owned, self.left, self.alone, self.unfinished):
            items_of_group = await stored_under(self.service, f"GRP#{group}")
            assert not [item for item in items_of_group if str(self.ann.uuid) in item["sk"]["S"]]
        for key in (f"GRP#{self.alone}", f"MSG#{self.alone}"):
            assert await stored_under(self.service, key) == []
        for person in (self.bob, self.cleo):
            rows = {item["sk"]["S"] for item in await stored_of(self.service, person.uuid)}
            assert f"GRP#{self.alone}" not in rows
        for group in (self.owned, self.left):
            await self._check_group(group, removes_messages=removes_messages)
        members = await self.bob.get(f"/api/message_groups/{self.owned}/members")
        assert [(each["user_uuid"], each["role"]) for each in members] == [
            (str(self.cleo.uuid), "owner"),
            (str(self.bob.uuid), "member"),
        ]

    async def _check_group(self, group: UUID, *, removes_messages: bool) -> None:
        view = await self.bob.get(f"/api/message_groups/{group}")
        assert view["member_count"] == len(await self.bob.get(f"/api/message_groups/{group}/members")) == 2
        messages = await self.bob.get(f"/api/messages/{group}")
        assert [each["number"] for each in messages] == list(range(1, len(messages) + 1))
        texts = [each["message"] for each in messages if each["event"] is None]
        assert texts == ["" if removes_messages else "of Ann", "of Bob"]
        of_ann, of_bob = [each for each in messages if each["event"] is None]
        assert of_bob["reactions"] == []
        assert bool(of_ann["reactions"]) is not removes_messages
        assert all(each["deleted_at"] is None for each in messages if each["event"])
        assert (await self.bob.sent("we go on", group))["number"] == len(messages) + 1
        assert [row["message"] for row in await self.cleo.inbox() if row["uuid"] == str(group)] == ["we go on"]


@pytest.fixture
async def world(service: Service, new_person: NewPerson) -> World:
    return await World(service, *[await new_person(name) for name in ("ann", "bob", "cleo")]).build()


async def sweep_until_death(service: Service, erasure: Erasure, calls: int) -> bool:
    """Sweep as a process that dies after so many calls of the table, and return whether it came to the end."""
    process, client, tasks = sweeper(service, calls=calls)
    sweep = asyncio.ensure_future(process.sweep(erasure))
    death = asyncio.ensure_future(client.died.wait())
    await asyncio.wait([sweep, death], return_when=asyncio.FIRST_COMPLETED)
    is_done = sweep.done()
    for task in (sweep, death):
        task.cancel()
    outcome, _ = await asyncio.gather(sweep, death, return_exceptions=True)
    assert not isinstance(outcome, Exception), outcome
    await tasks.drain(0)
    return is_done


@pytest.mark.parametrize("removes_messages", [False, True])
async def test_a_sweep_of_processes_that_die_after_each_call_ends_the_same(
    service: Service, world: World, removes_messages: bool
) -> None:
    erasure = await marked(service, world.ann, removes_messages=removes_messages)
    for calls in count(1):
        if await sweep_until_death(service, erasure, calls):
            break
    assert calls > 20
    await world.check(removes_messages=removes_messages)


async def test_a_member_that_is_left_over_is_deleted(service: Service, world: World) -> None:
    table: Any = service.state["table"]
    lost = Member(world.left, world.ann.uuid, Role.MEMBER, now(), world.bob.uuid)
    await table.put(Put({**new_member(lost).item}))
    erasure = await marked(service, world.ann)
    process, *_ = sweeper(service)
    await process.sweep(erasure)
    assert await table.get(member_key(world.left, world.ann.uuid), consistent=True) is None


async def test_a_row_without_a_member_does_not_stop_a_sweep(service: Service, world: World) -> None:
    table: Any = service.state["table"]
    await table.delete(Delete(member_key(world.owned, world.ann.uuid)))
    erasure = await marked(service, world.ann)
    process, *_ = sweeper(service)
    async with asyncio.timeout(30):
        await process.sweep(erasure)
    assert await stored_of(service, world.ann.uuid) == []


async def test_all_members_that_are_erased_leave_nothing(service: Service, world: World) -> None:
    for person in (world.bob, world.cleo, world.ann):
        process, *_ = sweeper(service)
        await process.sweep(await marked(service, person))
    for group in (world.owned, world.left, world.alone, world.unfinished):
        for key in (f"GRP#{group}", f"MSG#{group}"):
            assert await stored_under(service, key) == [], key


async def test_a_user_that_is_added_while_the_sweep_runs_leaves_too(service: Service, world: World) -> None:
    """The process of the admin has read the handle before the erasure."""
    erasure = await marked(service, world.ann)
    groups = service.state["groups"]
    late = UUID((await create(world.bob, world.cleo))["uuid"])
    process, *_ = sweeper(service, quiet_seconds=0.5)
    sweep = asyncio.create_task(process.sweep(erasure))
    await asyncio.sleep(0.2)
    await groups.add(world.bob.uuid, late, [world.ann.uuid])
    await sweep
    await process.sweep(erasure)
    assert await stored_of(service, world.ann.uuid) == []
    members = await world.bob.get(f"/api/message_groups/{late}/members")
    assert {each["user_uuid"] for each in members} == {str(world.bob.uuid), str(world.cleo.uuid)}


async def test_a_user_that_was_erased_is_no_heir_for_long(service: Service, world: World) -> None:
    stored = UserStore(service.state["postgres"]).erasures
    erasures = [await marked(service, person) for person in (world.ann, world.cleo)]
    process, *_ = sweeper(service)
    await asyncio.gather(*map(process.sweep, erasures))
    members = await world.bob.get(f"/api/message_groups/{world.owned}/members")
    assert [(each["user_uuid"], each["role"]) for each in members] == [(str(world.bob.uuid), "owner")]
    found = await stored.of_user(world.ann.uuid)
    assert found
    assert found.finished_at
