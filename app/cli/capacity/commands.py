"""The commands capacity set and autoscale: the read and write units of the table and its index."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from itertools import product
from typing import Annotated, Any

import typer

from app.cli.capacity import plan as capacity_plan
from app.cli.capacity import report as capacity_report
from app.cli.capacity.target import EXIT_CODES, mixes_local_and_aws, open_throughput
from app.cli.capacity.throughput import AUTO_SCALING, DIRECTIONS, Capacity, Direction, Scaling, Throughput
from app.cli.capacity.views import show_change, show_scalings
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.target import require_consent_off_this_machine
from app.settings import MOST_UNITS, TableSettings, read_settings

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(capacity_plan.app)
app.add_typer(capacity_report.app)


@app.callback(epilog=examples("capacity plan --users 5000 --messages-per-day 20", "capacity report --hours 24"))
def capacity() -> None:
    """Report, plan, set and autoscale the units of the table and its index."""


def _units_option(help_text: str) -> Any:
    return typer.Option(min=1, max=MOST_UNITS, show_default="unchanged", help=help_text)


@app.command(
    "set",
    epilog=examples("capacity set --read 20 --write 40", "capacity set --index-write 10", "capacity set --on-demand")
    + EXIT_CODES,
)
async def set_units(
    read: Annotated[int | None, _units_option("RCU of the table.")] = None,
    write: Annotated[int | None, _units_option("WCU of the table.")] = None,
    index_read: Annotated[int | None, _units_option("RCU of the index.")] = None,
    index_write: Annotated[int | None, _units_option("WCU of the index.")] = None,
    on_demand: Annotated[bool, typer.Option("--on-demand", help="Pay per request, for table and index.")] = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> None:
    """Provision units for table and index, or switch to on demand.

    Units that are not named stay. DynamoDB works on the change for some minutes. It allows four changes of the
    billing mode in 24 hours, and a few decreases of units a day. Auto scaling, where it is on, changes the units
    again: see capacity autoscale.
    """
    wanted = {"read": read, "write": write, "index_read": index_read, "index_write": index_write}
    units = {name: count for name, count in wanted.items() if count is not None}
    if on_demand == bool(units):
        raise Failure("Name units (--read, --write, --index-read, --index-write), or --on-demand", Code.USAGE)
    settings, console = read_settings(TableSettings), Console(json)
    async with open_throughput(settings) as (_, throughput):
        before = await throughput.capacities()
        after = [_wanted(each, units) for each in before]
        show_change(console, before, after)
        if before == after:
            console.say("Nothing to change.")
        else:
            action = f"change the capacity of {throughput.table}"
            require_consent_off_this_machine(settings, action, yes=yes, production=production)
            await throughput.provision(before, after)
            console.say("Accepted. `cruddur capacity report` shows when it is done.")
    for each in after:
        console.record(asdict(each) | {"name": each.name, "changed": each not in before})


def _wanted(capacity: Capacity, units: dict[str, int]) -> Capacity:
    """Return the capacity with the units that are named, or on demand if none is."""
    if not units:
        return replace(capacity, on_demand=True, read=0, write=0)
    prefix = "index_" if capacity.index else ""
    read, write = units.get(f"{prefix}read", capacity.read), units.get(f"{prefix}write", capacity.write)
    if not read or not write:
        raise Failure("The table is on demand: name all of --read, --write, --index-read and --index-write", Code.USAGE)
    return replace(capacity, on_demand=False, read=read, write=write)


class Resource(StrEnum):
    """The resource whose units are scaled."""

    TABLE = "table"
    INDEX = "index"
    BOTH = "both"


class UnitKind(StrEnum):
    """The units that are scaled."""

    READ = "read"
    WRITE = "write"
    BOTH = "both"


@app.command(
    "autoscale",
    epilog=examples(
        "capacity autoscale",
        "capacity autoscale --min 5 --max 200 --target 70",
        "capacity autoscale --of index --units write --min 2 --max 50",
        "capacity autoscale --remove",
    )
    + EXIT_CODES,
)
async def autoscale(
    of: Annotated[Resource, typer.Option(help="The resource.")] = Resource.BOTH,
    units: Annotated[UnitKind, typer.Option(help="Its units.")] = UnitKind.BOTH,
    least: Annotated[int | None, typer.Option("--min", min=1, max=MOST_UNITS, help="The least units.")] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, max=MOST_UNITS, help="The most units.")] = None,
    target: Annotated[float, typer.Option(min=20, max=90, help="Per cent of the units in use.")] = 70,
    remove: Annotated[bool, typer.Option("--remove", help="End it; units stay as they are.")] = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> None:
    """Let provisioned units follow the load.

    This is target tracking, for table and index separately. Without --min and --max, or --remove, it shows the
    policies. Repeatable: the newest bounds count. The first policy of an account needs the permission
    iam:CreateServiceLinkedRole.
    """
    if remove and (least or most):
        raise Failure("Either --remove, or --min and --max", Code.USAGE)
    if (least is None) != (most is None) or (least or 0) > (most or 0):
        raise Failure("Give --min and --max, the first not above the second", Code.USAGE)
    command = AutoscaleCommand(Console(json), of, units, yes=yes, production=production)
    await command.run(remove=remove, bounds=(least, most) if least and most else None, target=target)


class AutoscaleCommand:
    """A run of the command, which changes the auto scaling that is meant and shows all of it."""

    def __init__(self, console: Console, of: Resource, units: UnitKind, *, yes: bool, production: bool) -> None:
        self._console = console
        self._of = of
        self._units = units
        self._consent = {"yes": yes, "production": production}
        self._settings = read_settings(TableSettings)

    async def run(self, *, remove: bool, bounds: tuple[int, int] | None, target: float) -> None:
        async with open_throughput(self._settings) as (aws, throughput):
            if await mixes_local_and_aws(aws, AUTO_SCALING, self._settings):
                raise Failure("A local engine is not scaled: this is for a table at AWS")
            capacities = await throughput.capacities()
            if remove:
                await self.disable(throughput, [each.index for each in capacities[1:]])
            elif bounds:
                await self.enable(throughput, capacities, bounds, target)
            scalings = await throughput.scalings([each.index for each in capacities[1:]])
        show_scalings(self._console, scalings)

    async def enable(
        self, throughput: Throughput, capacities: Sequence[Capacity], bounds: tuple[int, int], target: float
    ) -> None:
        if capacities[0].on_demand:
            raise Failure("The table is on demand, without units to scale: `cruddur capacity set` provisions some")
        self._require_consent(f"let the units of {throughput.table} follow the load")
        for each, direction in product(capacities, DIRECTIONS):
            if self._is_meant(each.index, direction):
                await throughput.enable_autoscaling(Scaling(each.index, direction, *bounds, target))

    async def disable(self, throughput: Throughput, indexes: Sequence[str]) -> None:
        found = [each for each in await throughput.scalings(indexes) if self._is_meant(each.index, each.direction)]
        if found:
            self._require_consent(f"end auto scaling of {throughput.table}")
        for each in found:
            await throughput.disable_autoscaling(each)

    def _is_meant(self, index: str, direction: Direction) -> bool:
        is_resource = self._of in {Resource.BOTH, Resource.INDEX if index else Resource.TABLE}
        return is_resource and self._units in {UnitKind.BOTH, direction.lower()}

    def _require_consent(self, action: str) -> None:
        require_consent_off_this_machine(self._settings, action, **self._consent)
