"""capacity report of what each API operation used: real processes of the service count, the command adds up."""

import fcntl
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from app.settings import Settings
from migrations.dynamodb_table import INDEX
from tests.fixtures.app import Person
from tests.tools.command import Ended, cruddur
from tests.tools.servers import Server, environment, servers

TOKEN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest_asyncio.fixture
async def pair(settings: Settings) -> AsyncIterator[list[Server]]:
    """Two processes before their first request, which do not check themselves either: that takes units."""
    async with servers(settings, 2, constants={"app.http.readiness.START_DELAY": 3600}) as started:
        yield started


async def report(settings: Settings, *arguments: str, **env: str) -> Ended:
    return await cruddur("capacity", "report", *arguments, env=environment(settings) | env)


def operations(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended
    return {record["operation"]: record for record in ended.records if "operation" in record}


async def talk(server: Server, one: Person, other: Person, count: int) -> None:
    headers = {"authorization": f"Bearer {one.token}"}
    async with httpx.AsyncClient(base_url=server.address, headers=headers, trust_env=False, timeout=60) as client:
        for _ in range(count):
            body = {"message": "Lunch?", "handle": other.handle}
            (await client.post("/api/messages", json=body)).raise_for_status()
        (await client.get("/api/message_groups")).raise_for_status()


async def test_metrics_of_processes_are_added_up(
    settings: Settings, pair: list[Server], ann: Person, bob: Person
) -> None:
    await talk(pair[0], ann, bob, 3)
    await talk(pair[1], bob, ann, 2)
    published = operations(await report(settings, "--json", "--service", pair[0].address, "--service", pair[1].address))
    sent, listed = published["send_message"], published["list_message_groups"]
    assert [name for name in published if name != "other"] == ["send_message", "list_message_groups"]
    assert (sent["requests"], listed["requests"]) == (5, 2)
    assert sent["write"] == {"table": 8 + 4 * 3, INDEX: 2}  # 10 WCU for the first contact, 3 for each of the others
    assert sent["write_a_request"] == 22 / 5
    assert sent["write_share"] == 22 / (22 + units(published, "write"))
    assert listed["read"] == {"table": 2 * 0.5}
    assert listed["read_share"] == 1 / (1 + sent["read"]["table"] + units(published, "read"))


def units(published: dict[str, Any], kind: str) -> float:
    """Return the units outside of requests, which a check of readiness has taken or not yet."""
    return sum(published["other"][kind].values()) if "other" in published else 0


async def test_operations_are_shown_with_their_shares(
    settings: Settings, pair: list[Server], ann: Person, bob: Person, tmp_path: Path
) -> None:
    await talk(pair[0], ann, bob, 1)
    file = tmp_path / "units.png"
    arguments = ("--service", f"{pair[0].address}/", "--service", pair[0].address, "--png", str(file))
    shown = await report(settings, *arguments)
    assert shown.code == 0, shown
    (row,) = (line.split() for line in shown.out.splitlines() if line.startswith("send_message"))
    assert row[1] == "1"
    assert [row[5], *row[7:]] == ["10", "10", "2", "0"], shown.out
    assert "1 process, since" in shown.out
    assert file.read_bytes().startswith(b"\x89PNG")


async def test_a_service_without_use_has_no_operations(settings: Settings, pair: list[Server]) -> None:
    shown = await report(settings, "--service", pair[0].address)
    assert (shown.code, shown.out.splitlines()[-1]) == (0, "Nothing was used.")


async def test_the_service_of_scripts_up_is_asked_if_it_uses_this_table(
    settings: Settings, pair: list[Server], ann: Person, bob: Person, tmp_path: Path
) -> None:
    await talk(pair[0], ann, bob, 1)
    published = environment(settings) | {"PORT": str(pair[0].port)}
    with (tmp_path / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (tmp_path / "running.json").write_text(json.dumps(published))
        shown = await report(settings, "--json", DATA_DIR=str(tmp_path))
        (tmp_path / "running.json").write_text(json.dumps(published | {"DYNAMODB_TABLE": "another"}))
        other = await report(settings, "--json", DATA_DIR=str(tmp_path))
    assert "send_message" in operations(shown)
    assert operations(other) == {}
    assert "--service URL shows the units by operation" in other.err


async def test_metrics_that_need_a_token_are_read_with_it(settings: Settings) -> None:
    secret = settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    async with servers(secret, 1) as [server]:
        ended = await report(settings, "--service", server.address)
        assert (ended.code, "METRICS_TOKEN" in ended.complaint) == (3, True), ended
        assert (await report(settings, "--service", server.address, METRICS_TOKEN=TOKEN)).code == 0


@pytest.mark.parametrize(
    ("address", "words"), [("http://127.0.0.1:9", "does not answer"), ("nonsense", "does not answer")]
)
async def test_an_address_without_a_server_is_one_line(settings: Settings, address: str, words: str) -> None:
    ended = await report(settings, "--service", address)
    assert (ended.code, ended.out, words in ended.complaint) == (3, "", True), ended


async def test_an_address_of_another_server_is_one_line(settings: Settings, pair: list[Server]) -> None:
    ended = await report(settings, "--service", f"{pair[0].address}/docs")
    assert (ended.code, "has no metrics" in ended.complaint) == (3, True), ended
