"""A user that does not share typing is not shown as typing, and not shown others that do: in any process, at once."""

from typing import Any

import pytest

from tests.fixtures.app import Person
from tests.realtime.conftest import Live


async def share(live: Live, person: Person, typing: bool) -> None:
    changed = await live.call(person, "PATCH", "/api/users/me/settings", server=0, json={"typing": typing})
    assert changed["typing"] == typing


async def type_in(live: Live, person: Person, group: Any) -> None:
    assert await live.call(person, "POST", f"/api/message_groups/{group}/typing") == {"expires_in": 15}


@pytest.mark.parametrize("private", ["typing", "watching"])
async def test_no_typing_reaches_either_while_one_of_them_shares_none(
    live: Live, ann: Person, bob: Person, private: str
) -> None:
    """Bob types on one server while Ann listens on the other. The message that follows comes after the typing."""
    group = (await live.send(ann, bob))["message_group_uuid"]
    withdrawing = bob if private == "typing" else ann
    await share(live, withdrawing, False)
    async with live.listener(ann).listening() as of_ann:
        await type_in(live, bob, group)
        await live.send(bob, ann, "after it")
        await of_ann.until_told("message")
        assert not of_ann.of("typing")
        await share(live, withdrawing, True)
        await live.send(bob, ann, "with which the throttle begins anew")
        await type_in(live, bob, group)
        await of_ann.until_told("typing", user_uuid=str(bob.uuid), is_typing=True)
