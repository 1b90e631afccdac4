"""The doctor's checks of Valkey: role, memory, commands and channels, with the account of the documentation."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from scripts.engines.valkey import Valkey as Engine
from tests.cli.conftest import Place
from tests.fixtures.engines import running_valkey
from tests.tools.valkey_cluster import running_cluster

ACCOUNT = re.search(r"^ACL SETUSER .*$", Path("docs/operations.md").read_text(), re.MULTILINE)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with running_valkey() as engine:
        yield engine


async def checks(place: Place, url: str) -> dict[str, tuple[bool, str]]:
    """Return what the doctor says of Valkey, by check."""
    ended = await place.run("doctor", "--json", VALKEY_URL=url)
    return {r["check"]: (r["ok"], r["detail"]) for r in ended.records if r["check"].startswith("valkey")}


def admin(engine: Engine) -> Redis:
    return Redis.from_url(engine.address, protocol=2)


async def test_a_good_server_is_described(stock: Place, engine: Engine) -> None:
    found = await checks(stock, engine.address)
    assert {ok for ok, _ in found.values()} == {True}, found
    assert re.fullmatch(r"valkey [0-9.]+, a primary", found["valkey"][1])
    assert found["valkey memory"][1] == "at most 67,108,864 bytes, allkeys-lru"


async def test_a_cluster_is_described(stock: Place) -> None:
    with running_cluster() as cluster:
        found = await checks(stock, cluster.address)
    assert {ok for ok, _ in found.values()} == {True}, found
    assert found["valkey"][1].endswith("a cluster")


async def test_the_documented_account_is_enough_and_none_of_it_too_much(stock: Place, engine: Engine) -> None:
    assert ACCOUNT
    password = secrets.token_hex(8)
    with admin(engine) as client:
        client.execute_command(*ACCOUNT[0].replace("PASSWORD", password).split())
        url = f"redis://cruddur:{password}@127.0.0.1:{engine.port}"
        found = await checks(stock, url)
        assert {ok for ok, _ in found.values()} == {True}, found
        client.execute_command("ACL", "SETUSER", "cruddur", "-zadd")
        is_ok, detail = (await checks(stock, url))["valkey commands"]
        assert not is_ok
        assert "'zadd' command: grant the account" in detail
        client.execute_command("ACL", "SETUSER", "cruddur", "+zadd", "-ssubscribe", "-info")
        found = await checks(stock, url)
        assert found["valkey channels"][0] is False
        assert found["valkey memory"] == (
            True,
            "the account may not ask (INFO): make sure that maxmemory-policy is allkeys-lru",
        )


async def test_a_replica_a_full_policy_and_a_wrong_address_have_a_remedy(stock: Place, engine: Engine) -> None:
    with admin(engine) as client:
        client.execute_command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        client.execute_command("REPLICAOF", "127.0.0.1", 1)
        found = await checks(stock, engine.address)
    assert "it is a replica" in found["valkey"][1]
    assert "set allkeys-lru" in found["valkey memory"][1]
    assert "it is a replica" in found["valkey commands"][1]
    found = await checks(stock, "redis://127.0.0.1:1")
    assert {ok for ok, _ in found.values()} == {False}
    assert "nothing listens at this address" in found["valkey"][1]
    found = await checks(stock, engine.address.replace("redis://:", "redis://:x"))
    assert "check user and password" in found["valkey"][1]
