"""What is bought, what was used and throttled, and which operations used it: `capacity report`."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.cli.capacity import plot
from app.cli.capacity.service_metrics import Counted, Unreadable, read_counters
from app.cli.capacity.target import EXIT_CODES, is_strange_to, opened
from app.cli.capacity.throughput import Capacity, Series, Throughput
from app.cli.capacity.views import operation_records, show_operations, show_report, usage_record
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.local_service import local_service_url
from app.cli.options import Json, examples
from app.cli.target import read_settings
from app.settings import MetricsSettings, TableSettings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "report",
    epilog=examples(
        "capacity report",
        "capacity report --hours 24 --png usage.png",
        "capacity report --service http://10.0.1.7:8000 --service http://10.0.1.8:8000 --json",
    )
    + EXIT_CODES,
)
def report(
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 455, help="How far back to look.")] = 3,
    service: Annotated[
        list[str] | None, typer.Option(help="A process of the service; several are added up.", metavar="URL")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw it into this file, too.", metavar="FILE")] = None,
    json: Json = False,
) -> Code:
    """What is bought for the table and its index, what was used of it, what was throttled, and which operations use it.

    Used and throttled are CloudWatch's, some minutes late. A peak is an average over one step of the picture. Units by
    operation are the service's own counters, which begin anew with each of its processes: name all of them with
    --service (METRICS_TOKEN in the environment opens those of production). Without it, a running scripts/up is asked.
    """
    asyncio.run(_report(Console(json=json), hours=hours, png=png, addresses=service or ()))
    return Code.DONE


async def _report(console: Console, *, hours: float, png: Path | None, addresses: Sequence[str]) -> None:
    settings = read_settings(TableSettings)
    counted = await _counted(console, addresses or [url for url in [local_service_url(settings)] if url])
    async with opened(settings) as (aws, throughput):
        bought = await throughput.capacities()
        if is_blind := await is_strange_to(aws, "cloudwatch", settings):
            console.note("CloudWatch knows nothing of a local engine: what was used and throttled before is not shown.")
        usage = [] if is_blind else await _usage(throughput, bought, timedelta(hours=hours))
    for each in bought:
        console.record(asdict(each) | {"name": each.name} | usage_record(each, usage))
    show_report(console, bought, usage, hours=hours)
    if counted:
        for record in operation_records(counted):
            console.record(record)
        show_operations(console, counted)
    if png:
        _draw(console, png, plot.Picture(f"{throughput.table}, last {hours:g} h", usage, counted))


async def _counted(console: Console, addresses: Sequence[str]) -> Counted | None:
    """Nothing when there is nobody to ask."""
    if not addresses:
        console.note("No scripts/up runs on this table: --service URL shows what each operation of a service uses.")
        return None
    token = read_settings(MetricsSettings).metrics_token
    try:
        return await read_counters(addresses, token=token.get_secret_value() if token else None)
    except Unreadable as error:
        raise Failure(str(error), Code.UNAVAILABLE) from None


async def _usage(throughput: Throughput, bought: list[Capacity], span: timedelta) -> list[Series]:
    end = datetime.now(UTC)
    return await throughput.usage(bought, start=end - span, end=end)


def _draw(console: Console, file: Path, picture: plot.Picture) -> None:
    if not picture.parts():
        raise Failure("Nothing was drawn, as there is nothing to draw")
    try:
        plot.save(file, picture)
    except plot.PlotMissing:
        raise Failure("Drawing needs an extra: pip install 'cruddur-messages[plot]'", Code.USAGE) from None
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", Code.USAGE) from None
    console.note(f"Drawn into {file}")
