"""The Postgres gateway: several hosts, passwords that change, and every error that the server's model names."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import boto3
import pytest
import pytest_asyncio

from app.errors import Unavailable
from app.gateways.postgres import connect, open_postgres, unavailable
from app.gateways.postgres.password import password_of
from migrations.postgres import versions
from tests.fixtures.engines import database_of
from tests.http.faulty import broken
from tests.tools.command import cruddur


def hosts_before(url: str, *hosts: str) -> str:
    """The URL with other hosts in front of its own."""
    return url.replace("@", f"@{','.join(hosts)},")


@pytest.mark.parametrize("fault", ["refused", "hanging", "reset", "garbage"])
async def test_the_host_that_works_is_found_behind_one_that_does_not(database_url: str, fault: str) -> None:
    async with broken(fault) as port:
        url = hosts_before(database_url, f"127.0.0.1:{port}") + "?target_session_attrs=primary"
        async with open_postgres(database_of(url)) as postgres:
            for _ in range(3):
                assert await postgres.fetch_row("SELECT 1")


async def test_commands_and_migrations_take_several_hosts(database_url: str) -> None:
    url = hosts_before(database_url, "127.0.0.1:1") + "?target_session_attrs=read-write"
    assert all(each.is_applied for each in await asyncio.to_thread(versions, database_of(url)))
    for command in (["migrations"], ["migrate"], ["users", "disable", "nobody_here", "--yes"]):
        ended = await cruddur(*command, env={"ENVIRONMENT": "test", "DATABASE_URL": url})
        assert ended.code == (1 if "users" in command else 0), ended
        assert "Target: local Postgres 127.0.0.1:1, 127.0.0.1:" in ended.err


async def test_a_server_of_the_wrong_kind_is_named(database_url: str) -> None:
    async with open_postgres(database_of(f"{database_url}?target_session_attrs=standby")) as postgres:
        with pytest.raises(Unavailable, match="wanted kind"):
            await postgres.fetch_row("SELECT 1")


class Role:
    """A role whose password is changed by the test."""

    def __init__(self, owner: "asyncpg.Connection[asyncpg.Record]", url: str) -> None:
        self.name = f"role_{secrets.token_hex(4)}"
        self._owner = owner
        parts = urlsplit(url)
        self.url = f"postgresql://{self.name}@{parts.hostname}:{parts.port}{parts.path}"

    async def set_password(self, password: str) -> None:
        await self._owner.execute(f"alter role {self.name} password '{password}'")


@pytest_asyncio.fixture
async def role(empty_database_url: str) -> AsyncIterator[Role]:
    owner = await asyncpg.connect(empty_database_url)
    role = Role(owner, empty_database_url)
    await owner.execute(f"create role {role.name} login password 'first'")
    yield role
    await owner.execute(f"drop role {role.name}")
    await owner.close()


async def test_a_password_file_is_read_again_for_new_connections(role: Role, tmp_path: Path) -> None:
    file = tmp_path / "password"
    settings = database_of(role.url, database_password_file=file)
    async with open_postgres(settings) as postgres:
        with pytest.raises(Unavailable, match="cannot be read") as error:
            await postgres.fetch_row("SELECT 1")
        assert "DATABASE_PASSWORD_FILE" in error.value.remedy
        file.write_text("first\n")
        assert await postgres.fetch_row("SELECT 1")
        await role.set_password("second")
        async with open_postgres(settings) as other:
            with pytest.raises(Unavailable, match="refuses the role or its password"):
                await other.fetch_row("SELECT 1")
            file.write_text("second")
            assert await other.fetch_row("SELECT 1")
        assert await postgres.fetch_row("SELECT 1")


async def test_the_variables_and_the_password_file_of_libpq_count(
    role: Role, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "first")
    async with open_postgres(database_of(role.url)) as postgres:
        assert await postgres.fetch_row("SELECT 1")
    monkeypatch.delenv("PGPASSWORD")
    parts = urlsplit(role.url)
    file = tmp_path / "pgpass"
    file.touch(mode=0o600)
    async with open_postgres(database_of(f"{role.url}?passfile={file}")) as postgres:
        with pytest.raises(Unavailable):
            await postgres.fetch_row("SELECT 1")
        file.write_text(f"{parts.hostname}:{parts.port}:*:{role.name}:first\n")
        assert await postgres.fetch_row("SELECT 1")


@pytest.mark.parametrize("host", ["db.abc.eu-west-1.rds.amazonaws.com", "10.0.0.5"])
async def test_an_iam_token_is_the_one_that_aws_makes(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    for name, value in {"ACCESS_KEY_ID": "AKIDEXAMPLE", "SECRET_ACCESS_KEY": "secret", "SESSION_TOKEN": "a/b="}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    url = f"postgresql://cruddur@{host}:5432/x?sslmode=require"
    settings = database_of(url, database_iam_auth=True, aws_region="eu-west-1")
    ask = password_of(settings)(host, 5432)
    assert ask
    for _ in range(5):  # the second may change between the two
        token = await ask()  # type: ignore[misc]  # it is asynchronous
        client = boto3.client("rds", region_name="eu-west-1")
        theirs = client.generate_db_auth_token(DBHostname=host, Port=5432, DBUsername="cruddur")
        if token == theirs:
            return
    assert token == theirs


async def test_an_iam_token_needs_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    url = "postgresql://cruddur@127.0.0.1:1/x?sslmode=require"
    async with open_postgres(database_of(url, database_iam_auth=True)) as postgres:
        with pytest.raises(Unavailable):
            await postgres.fetch_row("SELECT 1")


def errors_of_the_server() -> list[type[asyncpg.PostgresError]]:
    kinds = [kind for kind in vars(asyncpg).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, asyncpg.PostgresError) and kind.sqlstate]


@pytest.mark.parametrize("kind", errors_of_the_server(), ids=lambda kind: kind.__name__)
async def test_every_error_of_the_server_is_unavailable_with_a_remedy(kind: type[asyncpg.PostgresError]) -> None:
    assert unavailable(kind("text of the server")).remedy
    assert "text of the server" not in unavailable(kind("text of the server")).explained


@pytest.mark.parametrize("fault", [asyncio.CancelledError, OSError])
async def test_a_connection_that_is_not_returned_is_closed(
    database_url: str, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    opened: list[connect.Connection] = []

    async def fail(connection: connect.Connection) -> bool:
        opened.append(connection)
        raise fault

    monkeypatch.setattr(connect, "_is_pooled", fail)
    with pytest.raises(fault):
        await connect.Connector(database_of(database_url))()
    assert [connection.is_closed() for connection in opened] == [True]
