"""get-conversation, list-conversations, scan, token, doctor, openapi: what people read."""

import asyncio
import json
import secrets
from pathlib import Path
from uuid import uuid4

import pytest

from app.gateways.postgres import open_postgres
from app.users.models import NewUser
from app.users.store import UserStore
from tests.cli.conftest import Place


async def numbers(place: Place, *arguments: str) -> list[int]:
    ended = await place.done("get-conversation", "juniper", "osman", "--json", *arguments)
    return [record["number"] for record in ended.records]


async def test_a_conversation_is_read_newest_page_first_and_oldest_line_first(stock: Place) -> None:
    ended = await stock.done("get-conversation", "@Juniper", "osman", "--limit", "3")
    header, *lines = ended.out.splitlines()
    assert header.split() == ["number", "sent", "by", "message"]
    assert [line.split()[0] for line in lines] == ["124", "125", "126"]
    assert "Juniper Vale" in lines[-1]
    assert "older ones with --before 124" in ended.err
    assert "1 call, 0.5 read units: on demand $0.062" in ended.err


async def test_a_page_lies_before_after_or_around_a_number(stock: Place) -> None:
    windows = ("--before", "11"), ("--after", "11"), ("--around", "50")
    pages = await asyncio.gather(*(numbers(stock, *window, "--limit", "3") for window in windows))
    assert pages == [[8, 9, 10], [12, 13, 14], [49, 50, 51]]


async def test_a_group_by_its_uuid_is_the_same_group(stock: Place) -> None:
    first, *_ = (await stock.done("get-conversation", "osman", "juniper", "--json")).records
    again, *_ = (await stock.done("get-conversation", first["message_group_uuid"], "--json")).records
    assert first == again


async def test_times_are_in_the_local_zone(stock: Place) -> None:
    here, there = [
        (await stock.done("get-conversation", "juniper", "osman", "--limit", "1", TZ=zone)).out
        for zone in ("UTC", "Asia/Tokyo")
    ]
    assert here != there


async def test_an_unknown_user_or_group_is_exit_code_1(stock: Place) -> None:
    nothing = "00000000-0000-4000-8000-000000000000"
    commands = (
        "get-conversation juniper nobody_here",
        "list-conversations nobody_here",
        f"get-conversation {nothing}",
        f"export {nothing}",
    )
    runs = await asyncio.gather(*(stock.run(*command.split()) for command in commands))
    assert [(ended.code, ended.out) for ended in runs] == [(1, "")] * len(commands)


async def test_a_handle_is_folded_as_the_service_folds_it(stock: Place, tmp_path: Path) -> None:
    """U+212A KELVIN SIGN becomes a k in lower case, and is another letter all the same."""
    tail = secrets.token_hex(6)
    async with open_postgres(stock.settings) as postgres:
        await UserStore(postgres).add_all([NewUser(uuid4(), f"kim_{tail}", "Kim", f"sub-{tail}")])
    local = {"ENVIRONMENT": "local", "DATA_DIR": str(tmp_path)}
    commands: dict[str, dict[str, str]] = {"list-conversations": {}, "token": local}
    for command, changes in commands.items():
        assert (await stock.run(command, f"@KIM_{tail}", **changes)).code == 0
        ended = await stock.run(command, f"\N{KELVIN SIGN}im_{tail}", **changes)
        assert (ended.code, "no user with the handle" in ended.complaint) == (1, True), ended


async def test_an_inbox_is_read_newest_first(stock: Place) -> None:
    ended = await stock.done("list-conversations", "juniper", "--json")
    records = ended.records
    assert {record["handle"] for record in records} == {"osman", "priya", "theo", None}
    assert [record["last_at"] for record in records] == sorted((r["last_at"] for r in records), reverse=True)
    assert "1 call, 0.5 read units" in ended.err
    human = (await stock.done("list-conversations", "juniper", "--limit", "1")).out
    assert len(human.splitlines()) == 2


async def test_an_inbox_shows_what_its_user_has_made_of_it(stock: Place) -> None:
    records = {
        record["handle"]: record for record in (await stock.done("list-conversations", "juniper", "--json")).records
    }
    assert {handle: record["pin_position"] for handle, record in records.items()} == {
        "osman": 1,
        "priya": None,
        "theo": None,
    }
    assert "pinned 1" in (await stock.done("list-conversations", "juniper")).out
    assert "muted" in (await stock.done("list-conversations", "priya")).out
    archived = (await stock.done("list-conversations", "theo", "--folder", "archive", "--json")).records
    assert [(record["handle"], record["folder"]) for record in archived] == [("osman", "archive")]
    listed = (await stock.done("list-conversations", "theo", "--json")).records
    assert {record["handle"] for record in listed} == {"juniper", "priya"}


async def test_a_scan_finds_everything_once(stock: Place) -> None:
    ended = await stock.done("scan", "--json", "--segments", "5")
    assert len(ended.records) == 191 + 24 + 22 + 2 + 7 + 1  # the pins of a user
    assert len({(r["entity"], r.get("group_uuid"), r.get("number"), r.get("user_uuid")) for r in ended.records}) == len(
        ended.records
    )
    assert "247 items read, 247 match." in ended.err


async def test_a_scan_is_filtered(stock: Place) -> None:
    counts = {
        "entity=inbox_row": 22,
        "entity=message number<3": 18,
        "entity!=message": 55,
        "entity=change": 24,
        "entity=head": 2,
        "entity=member role=admin": 1,
        "text~turnip": 5,
        "number=126": 1,
        "created_at>2000": 215,
        "created_at<2000": 0,
    }
    commands = [["--filter", *" --filter ".join(tests.split()).split()] for tests in counts]
    runs = await asyncio.gather(*(stock.done("scan", "--json", *command) for command in commands))
    assert [len(ended.records) for ended in runs] == list(counts.values())


async def test_a_scan_stops_at_its_limit(stock: Place) -> None:
    ended = await stock.done("scan", "--limit", "5")
    assert len(ended.out.splitlines()) == 6
    assert "Stopped at 5" in ended.err


async def test_control_characters_of_texts_are_spelled_out(empty: Place, tmp_path: Path, stock: Place) -> None:
    file = tmp_path / "group.jsonl"
    await stock.done("export", "juniper", "osman", "--output", str(file))
    first = next(line for line in file.read_text().splitlines() if '"entity":"message"' in line)
    line = json.loads(first) | {"text": "\x1b[31mred\x07\u202eback\nsecond [bold]line"}
    end = {"entity": "end", "messages": 1, "inbox_rows": 0, "users": 0}
    file.write_text(f"{json.dumps(line)}\n{json.dumps(end)}\n")
    await empty.done("import", str(file))
    ended = await empty.done("get-conversation", "juniper", "osman")
    assert "\\u001b[31mred\\u0007\\u202eback ⏎ second [bold]line" in ended.out


@pytest.mark.usefixtures("stock")  # whose people are asked for
async def test_an_empty_table_is_no_failure(empty: Place) -> None:
    assert (await empty.done("scan", "--json")).out == ""
    assert "has no message groups" in (await empty.done("list-conversations", "juniper")).err
    assert (await empty.done("verify")).out.endswith("Everything fits.\n")


async def test_tokens_are_for_local_use(stock: Place, tmp_path: Path) -> None:
    ended = await stock.run("token", "juniper")
    assert ended.code == 4
    here = {"ENVIRONMENT": "local", "DATA_DIR": str(tmp_path)}
    ended = await stock.done("token", "juniper", **here)
    assert ended.out.count(".") == 2
    assert (await stock.run("token", "nobody_here", **here)).code == 1


async def test_the_doctor_finds_all_well_or_says_what_to_do(stock: Place, engines: Place) -> None:
    ended = await stock.run("doctor", "--json")  # the key server may have no keys yet
    assert {r["check"] for r in ended.records if not r["ok"]} <= {"token keys"}
    assert [r["check"] for r in ended.records] == [
        "settings",
        "dynamodb",
        "table",
        "index",
        "postgres",
        "schema",
        "clock",
        "token keys",
        "valkey",
    ]
    ended = await engines.run("doctor", DATABASE_URL="", COGNITO_ISSUER_URL="")
    assert ended.code == 1
    assert "COGNITO_ISSUER_URL is not set" in ended.out
    assert "`cruddur schema-load` creates it" in ended.out


async def test_the_contract_needs_no_settings(tmp_path: Path) -> None:
    nowhere = Place()
    file = tmp_path / "openapi.json"
    await nowhere.done("openapi", "--output", str(file))
    assert json.loads(file.read_text())["info"]["title"] == "cruddur-messages"
    await nowhere.done("openapi", "--check", str(file))
    file.write_text("{}")
    assert (await nowhere.run("openapi", "--check", str(file))).code == 1
