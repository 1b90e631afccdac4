"""The engines: what was written survives a kill, and root never runs Postgres as root."""

import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from app.gateways.dynamodb import Put, open_table
from app.settings import Settings
from migrations.dynamodb_table import create_table
from scripts import bootstrap
from scripts.engines.dynamodb import DynamoDB, Dynoxide, Ministack
from scripts.engines.postgres import Drop, Postgres, binaries
from scripts.engines.process import Engine, EngineError, stop_all
from tests.tools.stored import plain

IS_ROOT = os.geteuid() == 0
ITEM = {"pk": "USR#1", "sk": "SETTINGS", "number": 7}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A new Postgres folder, made once and then copied: making it takes most of a start."""
    with TemporaryDirectory(prefix="cruddur-") as folder:
        engine = Postgres(Path(folder), durable=False)
        engine.start()
        engine.wait_until_ready()
        engine.stop()
        yield engine.folder


@pytest.fixture
def empty() -> Iterator[Path]:
    """A data folder that the user nobody can enter, as scripts/up makes it."""
    with TemporaryDirectory(prefix="cruddur-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def data(empty: Path, cluster: Path) -> Path:
    """A data folder as the first start leaves it."""
    shutil.copytree(cluster, empty / "postgres")
    return empty


@pytest.fixture
def run() -> Iterator[Callable[[Engine], None]]:
    """Starts engines, and ends them after the test."""
    engines: list[Engine] = []

    def start(engine: Engine) -> None:
        engines.append(engine)
        engine.start()
        engine.wait_until_ready()

    yield start
    stop_all(engines)


def others_may_enter(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def drops() -> list[object]:
    nobody_can = others_may_enter(binaries())
    return [
        pytest.param("namespace", marks=pytest.mark.skipif(not IS_ROOT, reason="not root")),
        pytest.param("nobody", marks=pytest.mark.skipif(not (IS_ROOT and nobody_can), reason="out of nobody's reach")),
    ]


async def query(engine: Postgres, sql: str) -> object:
    connection = await asyncpg.connect(engine.address)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.mark.parametrize("drop", ["auto", *drops()])
async def test_postgres_recovers_from_a_kill(data: Path, run: Callable[[Engine], None], drop: Drop) -> None:
    engine = Postgres(data, drop=drop)
    run(engine)
    await query(engine, "create table kept as select 7 as number")
    os.kill(engine.child.pid, signal.SIGKILL)
    again = Postgres(data, drop=drop)
    run(again)
    assert await query(again, "select number from kept") == 7


@pytest.mark.skipif(not IS_ROOT or sys.platform != "linux", reason="only root has to drop")
@pytest.mark.parametrize(("drop", "user"), [("namespace", 0), ("nobody", 65534)])
def test_the_data_folder_changes_hands_when_the_drop_does(
    data: Path, run: Callable[[Engine], None], drop: Drop, user: int
) -> None:
    if drop == "nobody" and not others_may_enter(binaries()):
        pytest.skip("out of nobody's reach")
    first = Postgres(data, durable=False)
    run(first)
    first.stop()
    run(Postgres(data, durable=False, drop=drop))
    owners = {path.stat().st_uid for path in (data / "postgres").rglob("*")}
    assert owners == {user}


@pytest.mark.skipif(not IS_ROOT, reason="only root has to drop")
def test_a_folder_that_the_user_nobody_cannot_reach_is_one_line(empty: Path) -> None:
    closed = empty / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EngineError, match="the user nobody cannot reach"):
        Postgres(closed, drop="nobody").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_a_lock_file_that_names_another_program_does_not_block(data: Path, run: Callable[[Engine], None]) -> None:
    engine = Postgres(data, durable=False)
    run(engine)
    engine.stop()
    (data / "postgres" / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n1\n")
    again = Postgres(data, durable=False)
    run(again)
    assert await query(again, "select 1") == 1


async def test_an_orphan_on_the_same_folder_is_ended_first(data: Path, run: Callable[[Engine], None]) -> None:
    orphan, engine = Postgres(data, durable=False), Postgres(data, durable=False)
    run(orphan)
    run(engine)
    assert await query(engine, "select 1") == 1
    assert orphan.child.exit_code() is not None


def test_an_interrupted_first_start_is_made_anew(empty: Path, run: Callable[[Engine], None]) -> None:
    (empty / "postgres.new" / "cluster").mkdir(parents=True)
    run(Postgres(empty, durable=False))
    assert not (empty / "postgres.new").exists()


async def test_postgres_requires_its_password(data: Path, run: Callable[[Engine], None]) -> None:
    engine = Postgres(data, durable=False)
    run(engine)
    assert stat.S_IMODE((data / "postgres" / "password").stat().st_mode) == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host="127.0.0.1", port=engine.port, user="cruddur", database="postgres", password="no")


async def test_durable_means_that_every_commit_is_on_disk(data: Path, run: Callable[[Engine], None]) -> None:
    engine = Postgres(data)
    run(engine)
    assert [await query(engine, f"show {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")] == [
        "on",
        "on",
        "on",
    ]


def settings(engine: Engine) -> Settings:
    return Settings(
        environment="test",
        database_url="postgresql://nobody@127.0.0.1/nothing",
        dynamodb_endpoint_url=engine.address,
        cognito_issuer_url="http://127.0.0.1/local",
        cognito_client_ids="local",
    )


@pytest.mark.usefixtures("dynamodb_program")
async def test_dynoxide_keeps_its_data_after_a_kill(empty: Path, run: Callable[[Engine], None]) -> None:
    await check_that_it_keeps_its_data(Dynoxide, signal.SIGKILL, empty, run)


@pytest.mark.skipif(not bootstrap.MINISTACK.exists(), reason="ministack is set up with LOCAL_DYNAMODB=ministack only")
async def test_ministack_keeps_its_data_when_it_is_stopped(empty: Path, run: Callable[[Engine], None]) -> None:
    await check_that_it_keeps_its_data(Ministack, signal.SIGTERM, empty, run)


async def check_that_it_keeps_its_data(
    kind: type[DynamoDB], how: signal.Signals, data: Path, run: Callable[[Engine], None]
) -> None:
    engine, again = kind(data), kind(data)
    run(engine)
    assert await create_table(settings(engine))
    async with open_table(settings(engine)) as table:
        await table.transact([Put(ITEM)])
    engine.child.stop(how, seconds=5)
    run(again)
    async with open_table(settings(again)) as table:
        assert plain(await table.get({"pk": "USR#1", "sk": "SETTINGS"})) == ITEM
