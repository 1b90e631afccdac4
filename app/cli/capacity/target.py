"""Where the commands for units work, and how that is reached."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from app.cli.capacity.throughput import Throughput
from app.cli.failures import Failure
from app.cli.target import is_local
from app.errors import NotFound
from app.settings import TableSettings

if TYPE_CHECKING:
    from app.gateways.aws import Aws

EXIT_CODES: Final = (
    "\n\n\b\nExit codes: 0 done, 1 the table is not there, 2 wrong options, 3 AWS is away or refuses, 4 not confirmed."
)


async def is_strange_to(aws: "Aws", service: str, settings: TableSettings) -> bool:
    """Whether the table is on this machine while the service is the real one, which may know another by its name."""
    from app.gateways.aws import is_amazon  # noqa: PLC0415  # slow to load

    return is_local(settings) and is_amazon(await aws.endpoint(service))


@asynccontextmanager
async def opened(settings: TableSettings) -> AsyncIterator[tuple["Aws", Throughput]]:
    from app.cli.services import announce_table  # noqa: PLC0415  # slow to load, and --help and plan do without
    from app.gateways.aws import open_aws  # noqa: PLC0415  # slow to load

    await announce_table(settings)
    async with open_aws(settings) as aws:
        try:
            yield aws, Throughput(aws, settings.dynamodb_table)
        except NotFound:
            raise Failure(f"There is no table {settings.dynamodb_table}: `cruddur schema-load` creates it") from None
