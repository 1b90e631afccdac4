"""get-conversation, list-conversations and members for groups of several: titles, roles, system messages in words."""

from app.cli.seed.synthetic import user_uuid
from tests.cli.conftest import Place
from tests.cli.groups import world_of

USERS = [user_uuid(number) for number in range(6)]


async def test_system_messages_are_lines(empty: Place) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
        await world.groups.leave(USERS[0], group)
    ended = await empty.done("get-conversation", str(group))
    told = [" ".join(line.split()[3:]) for line in ended.out.splitlines()[1:]]
    assert told == [
        'Seed 0 [created "Allotment" with Seed 1, Seed 2, Seed 3]',
        "Seed 0 [made Seed 1 admin]",
        "Seed 3 I go",
        "Seed 3 [left]",
        "Seed 1 [added Seed 4]",
        "Seed 1 [removed Seed 4]",
        'Seed 0 [renamed the group "Greenhouse"]',
        "Seed 0 [lets new members read earlier messages]",
        "Seed 2 hello",
        "Seed 0 [left, and made Seed 1 owner]",
    ]
    records = (await empty.done("get-conversation", str(group), "--json")).records
    assert records[4]["event"] == {"type": "added", "users": [str(USERS[4])], "title": None, "role": None}
    assert records[2]["event"] is None


async def test_an_inbox_has_the_titles_of_groups(empty: Place) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
        renamed = await world.create(USERS[0], USERS[2], title="New")
    records = (await empty.done("list-conversations", "seed_000002", "--json")).records
    shown = [(each["message_group_uuid"], each["kind"], each["display_name"], each["role"]) for each in records]
    assert shown == [(str(renamed), "group", "New", "member"), (str(group), "group", "Greenhouse", "member")]
    assert [each["member_count"] for each in records] == [2, 3]
    told = (await empty.done("list-conversations", "seed_000002")).out
    assert "Greenhouse" in told
    assert "[group changed]" in told


async def test_members_are_shown_with_their_roles(empty: Place) -> None:
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
    records = (await empty.done("members", str(group), "--json")).records
    assert [(each["handle"], each["role"], each["added_by"]) for each in records] == [
        ("seed_000000", "owner", str(USERS[0])),
        ("seed_000001", "admin", str(USERS[0])),
        ("seed_000002", "member", str(USERS[0])),
    ]
    ended = await empty.done("members", str(group))
    assert "Greenhouse: 3 members." in ended.err
    assert "Seed 1 @seed_000001" in ended.out
    unknown = await empty.run("members", "00000000-0000-8000-8000-000000000000")
    assert (unknown.code, "no group of several members" in unknown.complaint) == (1, True)


async def test_a_read_of_a_group_is_logged_for_all_people_concerned(empty: Place) -> None:
    """An export shows messages of former members, too."""
    await empty.done("seed", "--users", "6", "--groups", "0")
    async with world_of(empty) as world:
        group = await world.group_of_all(USERS)
    present, ever = {0, 1, 2}, {0, 1, 2, 3, 4}
    concerned = {
        f"members {group}": present,
        f"get-conversation {group} --limit 1": present,
        f"get-conversation {group}": ever,
        f"export {group}": ever,
        "export --user seed_000002": ever,
        "list-conversations seed_000002": present,
        "users export seed_000002": ever,
    }
    for command, people in concerned.items():
        reason = f"{command} in {empty.table_name}"
        await empty.done(*command.split(), "--reason", reason)
        for number in range(6):
            entries = (await empty.done("audit", "list", f"seed_{number:06d}", "--limit", "1000", "--json")).records
            assert (number in people) == (reason in {each["reason"] for each in entries}), (command, number)
