"""Prepare the stores before a new version serves: `python -m migrations table up`, with the service's settings."""

import argparse
import asyncio

from app.errors import AppError, InvalidSettings, with_hint
from app.settings import StoreSettings, read_settings
from migrations.dynamodb_table import create_table
from migrations.postgres import MigrationFailed, migrate, rollback


def main() -> None:
    """Run the named steps in their order."""
    parser = argparse.ArgumentParser(prog="python -m migrations", description=__doc__)
    parser.add_argument(
        "step", nargs="+", choices=STEPS, help="table: create it in DynamoDB; up, down: migrate Postgres"
    )
    steps = parser.parse_args().step
    try:
        settings = read_settings(StoreSettings)
    except InvalidSettings as error:
        parser.exit(2, f"{error}\n")
    for step in steps:
        try:
            print(STEPS[step](settings), flush=True)
        except (AppError, MigrationFailed) as error:
            parser.exit(1, f"{step}: {with_hint(error)}\n")


def _table(settings: StoreSettings) -> str:
    created = asyncio.run(create_table(settings))
    return f"DynamoDB table {settings.dynamodb_table}: {'created' if created else 'exists'}"


def _up(settings: StoreSettings) -> str:
    migrate(settings)
    return "Postgres schema: up to date"


def _down(settings: StoreSettings) -> str:
    rollback(settings)
    return "Postgres schema: one version back"


STEPS = {"table": _table, "up": _up, "down": _down}

if __name__ == "__main__":
    main()
