"""The command capacity report: the units that are provisioned, used and throttled, and the operations that use them."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.cli.capacity import plot
from app.cli.capacity.service_metrics import read_metrics
from app.cli.capacity.target import EXIT_CODES, mixes_local_and_aws, open_throughput
from app.cli.capacity.throughput import Series
from app.cli.capacity.views import operation_records, show_operations, show_report, usage_record
from app.cli.console import Console
from app.cli.local_service import local_service_url
from app.cli.options import Json, examples
from app.settings import MetricsSettings, TableSettings, read_settings

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
async def report(
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 455, help="The hours to look back.")] = 3,
    service: Annotated[
        list[str] | None, typer.Option(help="A process of the service; several are added up.", metavar="URL")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw charts into this file, too.", metavar="FILE")] = None,
    json: Json = False,
) -> None:
    """Show the units that are provisioned, used and throttled.

    It shows those of the table, of its index, and of the operations that use them. CloudWatch reports use and
    throttles some minutes late. A peak is an average over one step of the chart. Units by operation are counters of
    the service, which begin at 0 in each of its processes: name all of them with --service (METRICS_TOKEN in the
    environment grants access to those of production). Without it, the service that scripts/up runs is asked.
    """
    settings, console = read_settings(TableSettings), Console(json)
    metrics = None
    if addresses := service or [url for url in [local_service_url(settings)] if url]:
        token = read_settings(MetricsSettings).metrics_token
        metrics = await read_metrics(addresses, token=token.get_secret_value() if token else None)
    else:
        console.note("No scripts/up runs on this table: --service URL shows the units by operation of a service.")
    async with open_throughput(settings) as (aws, throughput):
        capacities = await throughput.capacities()
        usage: list[Series] = []
        if await mixes_local_and_aws(aws, "cloudwatch", settings):
            console.note("CloudWatch has no metrics of a local engine, so past use and throttles are not shown.")
        else:
            end = datetime.now(UTC)
            usage = await throughput.usage(capacities, start=end - timedelta(hours=hours), end=end)
    for each in capacities:
        console.record(asdict(each) | {"name": each.name} | usage_record(each, usage))
    show_report(console, capacities, usage, hours=hours)
    if metrics:
        for record in operation_records(metrics):
            console.record(record)
        show_operations(console, metrics)
    if png:
        plot.save(png, plot.Picture(f"{throughput.table}, last {hours:g} h", usage, metrics))
        console.note(f"Drawn into {png}")
