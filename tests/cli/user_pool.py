"""An emulated user pool beside a database, for the commands that compare them."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg

from tests.fixtures.emulator import AwsEmulator
from tests.tools.command import Ended, cruddur


@dataclass
class UserPool:
    """A user pool, a database, and the command line with the settings of both."""

    emulator: AwsEmulator
    id: str
    database_url: str
    database: "asyncpg.Connection[asyncpg.Record]"

    @property
    def environment(self) -> dict[str, str]:
        return self.emulator.environment | {
            "ENVIRONMENT": "test",
            "DATABASE_URL": self.database_url,
            "INSECURE_ALLOWED": "DATABASE_URL",  # tests of production use this database
        }

    async def run(self, *arguments: str, typed: str = "", **env: str) -> Ended:
        return await cruddur(*arguments, "--pool", self.id, env=self.environment | env, typed=typed)

    def account(self, handle: str, **attributes: str) -> str:
        """Add an account to the pool and return its sub."""
        sub = str(uuid4())
        self.emulator.add_users(self.id, [{"preferred_username": handle, "sub": sub, **attributes}])
        return sub

    async def users(self, *rows: str) -> None:
        """Add users to Postgres as the boot camp's seed did, with an invented sub."""
        await self.database.executemany(
            "INSERT INTO users (handle, display_name, cognito_user_id) VALUES ($1, $1, 'MOCK-' || $1)",
            [(handle,) for handle in rows],
        )

    async def subs(self) -> dict[str, str]:
        """Return the subs in Postgres, by handle."""
        return await self.texts("SELECT handle, cognito_user_id FROM users")

    async def texts(self, sql: str) -> dict[str, str]:
        """Return the first two columns."""
        return {row[0]: row[1] for row in await self.database.fetch(sql)}


def findings(ended: Ended) -> dict[str | None, str]:
    """Return the findings by handle."""
    return {record["handle"]: record["finding"] for record in ended.records if "finding" in record}


def summary(ended: Ended) -> dict[str, Any]:
    return ended.records[-1]  # type: ignore[no-any-return]
