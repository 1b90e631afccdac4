"""The AWS services that the capacity commands call, and the table that they work on."""

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
    "\n\nExit codes: 0 done, 1 no table, 2 wrong options, 3 AWS unavailable or refuses, 4 not confirmed."
)


async def mixes_local_and_aws(aws: "Aws", service: str, settings: TableSettings) -> bool:
    """Return whether the table is on this machine and the service is AWS's, which may have another of its name."""
    return is_local(settings) and await aws.is_amazon(service)


@asynccontextmanager
async def open_throughput(settings: TableSettings) -> AsyncIterator[tuple["Aws", Throughput]]:
    """Open AWS's services, after saying on standard error where the table is."""
    from app.cli.services import open_announced_aws  # noqa: PLC0415  # 0.2 s, which plan and --help do without

    async with open_announced_aws(settings) as aws:
        try:
            yield aws, Throughput(aws, settings.dynamodb_table)
        except NotFound:
            raise Failure(f"There is no table {settings.dynamodb_table}: `cruddur schema-load` creates it") from None
