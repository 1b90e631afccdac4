"""Databases of peers, beside the service's in one Postgres."""

import asyncpg


async def create_database(url: str, name: str) -> None:
    """Create an empty database with the collation C, which Synapse demands."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    finally:
        await connection.close()
