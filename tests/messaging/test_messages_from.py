"""The setting messages_from: users that may start a group with a user, and what refused users learn."""

import pytest

from tests.fixtures.app import NewPerson, Person, Service
from tests.http.problem import anonymised, problem_of
from tests.messaging.test_capacity import Metered

SETTINGS = "/api/users/me/settings"


async def let_write(person: Person, who: str) -> None:
    answer = await person.client.patch(SETTINGS, json={"messages_from": who})
    assert (answer.status_code, answer.json()["messages_from"]) == (200, who)


@pytest.mark.parametrize("who", ["contacts", "nobody"])
async def test_a_stranger_is_refused_as_by_a_block_and_groups_go_on(
    who: str, ann: Person, bob: Person, new_person: NewPerson
) -> None:
    stranger, blocked = await new_person("stranger"), await new_person("blocked")
    await ann.sent("before", bob)
    await let_write(ann, who)
    refused = await stranger.send("hello", ann)
    problem_of(refused, 403, "cannot-message")
    assert (await ann.client.put(f"/api/users/@{blocked.handle}/block")).status_code == 200
    assert anonymised(refused) == anonymised(await blocked.send("hello", ann))
    assert len(await ann.inbox()) == 1
    await bob.sent("in a group that is there", ann)
    await ann.sent("to anyone", stranger)
    assert (await stranger.sent("and back", ann))["number"] == 2
    await let_write(ann, "everyone")
    assert (await (await new_person("another")).sent("hello", ann))["number"] == 1


async def test_other_values_are_refused_and_the_default_is_everyone(ann: Person) -> None:
    assert (await ann.get(SETTINGS))["messages_from"] == "everyone"
    for wrong in ("", "Everyone", "none", None, True, 1, ["everyone"]):
        problem_of(await ann.client.patch(SETTINGS, json={"messages_from": wrong}), 422, "invalid-body")
    await let_write(ann, "contacts")
    answer = await ann.client.patch(SETTINGS, json={"receipts": False})
    assert answer.json() == await ann.get(SETTINGS)
    assert (answer.json()["receipts"], answer.json()["messages_from"]) == (False, "contacts")


async def test_only_the_first_message_of_a_group_reads_the_setting(service: Service) -> None:
    metered = Metered(service)
    async with metered.meter.measure() as spent:
        await metered.send()
    assert spent.calls == ["GetItem", "GetItem", "TransactWriteItems"]
    assert (spent.write_units, spent.read_units) == (10, 2), spent
    async with metered.meter.measure() as spent:
        await metered.send()
    assert spent.calls == ["GetItem", "PutItem", "UpdateItem", "UpdateItem"]
