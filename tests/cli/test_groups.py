"""Commands for groups of several members: scan names their items, and a copied table is the same."""

from app.cli.seed.synthetic import user_uuid
from tests.cli.conftest import Place
from tests.cli.groups import world_of

USERS = [user_uuid(number) for number in range(6)]


async def test_a_scan_names_heads_and_members(empty: Place) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
    (head,) = (await empty.done("scan", "--filter", "entity=head", "--json")).records
    shown = {name: head[name] for name in ("group_uuid", "title", "member_count", "systems", "shows_history")}
    assert shown == {
        "group_uuid": str(group),
        "title": "Greenhouse",
        "member_count": 3,
        "systems": [1, 2, 4, 5, 6, 7, 8],
        "shows_history": True,
    }
    members = (await empty.done("scan", "--filter", "entity=member", "--json")).records
    assert {(each["user_uuid"], each["role"]) for each in members} == {
        (str(USERS[0]), "owner"),
        (str(USERS[1]), "admin"),
        (str(USERS[2]), "member"),
    }
    told = (await empty.done("scan", "--filter", "role=owner", "--filter", "entity=member")).out.split()
    assert told[-2:] == [str(USERS[0]), "owner"]
