"""The grants of the documentation are enough for the service and for operators, in roles that own nothing."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from app.auth.issuer import LocalIssuer
from app.settings import Settings
from migrations.postgres import migrate
from tests.cli.conftest import Place
from tests.fixtures.app import running
from tests.fixtures.engines import database_of
from tests.http.faulty import changed
from tests.http.test_misconfigured import role_of

GRANTS = re.findall(r"^GRANT .* TO (\w+);$", Path("docs/operations.md").read_text(), re.MULTILINE)
LINES = re.findall(r"^GRANT .*;$", Path("docs/operations.md").read_text(), re.MULTILINE)


@asynccontextmanager
async def granted(owner: str, documented: str) -> AsyncIterator[str]:
    """The URL of a new role with the grants that the documentation gives to the role of this name."""
    async with role_of(owner, urlsplit(owner).path[1:]) as (role, url):
        connection = await asyncpg.connect(owner)
        for line in LINES:
            if line.endswith(f"TO {documented};"):
                await connection.execute(line.replace(f"TO {documented};", f"TO {role};"))
        await connection.close()
        yield url


async def test_the_grants_are_enough(
    settings: Settings, issuer: LocalIssuer, empty: Place, empty_database_url: str
) -> None:
    assert set(GRANTS) == {"cruddur", "operator"}
    await asyncio.to_thread(migrate, database_of(empty_database_url))
    tokens = [issuer.token(f"{uuid4()}", time.time()) for _ in range(2)]
    table = {"dynamodb_table": empty.table_name}
    async with granted(empty_database_url, "cruddur") as url, granted(empty_database_url, "operator") as operators:
        async with running(changed(settings, database_url=url, **table)) as service:
            ann, bob = (service.client(authorization=f"Bearer {token}") for token in tokens)
            async with ann, bob:
                for client, handle in ((ann, "ann"), (bob, "bob")):
                    answer = await client.post("/api/users", json={"handle": handle, "display_name": handle})
                    assert answer.status_code == 200, answer.text
                assert (await bob.get("/readyz")).json()["status"] == "ok"
                sent = await bob.post("/api/messages", json={"message": "Hello", "handle": "ann"})
                report = {"message_group_uuid": sent.json()["message_group_uuid"], "number": 1, "reason": "spam"}
                answers = [
                    await ann.post("/api/reports", json=report),
                    await ann.patch("/api/users/me", json={"display_name": "Ann"}),
                    await ann.get("/api/users", params={"q": "bo"}),
                    await bob.delete("/api/users/me", params={"handle": "bob"}),
                ]
                assert [answer.status_code for answer in answers] == [200, 200, 200, 202]
        for command in ("reports list", "reports show 1", "reports close 1 --note Done", "audit list ann"):
            await empty.done(*command.split(), DATABASE_URL=operators)
        for command in ("users disabled", "list-conversations ann", "verify", "export --all"):
            await empty.done(*command.split(), DATABASE_URL=operators)
        ended = await empty.run("erase", "--resume", "--all", DATABASE_URL=operators)
        assert ended.code == 3
        await empty.done("erase", "--resume", "--all", DATABASE_URL=url)
