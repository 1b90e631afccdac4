"""Read and write units of the table and its index: plan them, buy them, have them follow the load, and watch them."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated

import typer

from app.cli.capacity import plan as capacity_plan
from app.cli.capacity import report as capacity_report
from app.cli.capacity.target import EXIT_CODES, is_strange_to, opened
from app.cli.capacity.throughput import DIRECTIONS, Capacity, Scaling, Throughput
from app.cli.capacity.views import show_change, show_scalings
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.target import read_settings, require_consent_off_this_machine
from app.settings import TableSettings

Units = Annotated[int | None, typer.Option(min=1, max=40_000, show_default="as it is")]

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(capacity_plan.app)
app.add_typer(capacity_report.app)


@app.callback(epilog=examples("capacity plan --users 5000 --messages-per-day 20", "capacity report --hours 24"))
def capacity() -> None:
    """Report, plan, set and autoscale the read and write units of the table and its index."""


@app.command(
    "set",
    epilog=examples("capacity set --read 20 --write 40", "capacity set --index-write 10", "capacity set --on-demand")
    + EXIT_CODES,
)
def set_units(
    read: Units = None,
    write: Units = None,
    index_read: Units = None,
    index_write: Units = None,
    on_demand: Annotated[bool, typer.Option("--on-demand", help="Pay per request, for table and index.")] = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> Code:
    """Buy units for the table and its index, or go on demand. What is not named stays as it is.

    DynamoDB works on the change for some minutes. It takes a way of paying four times in 24 hours, and fewer units
    only some times a day. Where auto scaling is on, that changes them again: see capacity autoscale.
    """
    wanted = {"read": read, "write": write, "index_read": index_read, "index_write": index_write}
    units = {name: count for name, count in wanted.items() if count is not None}
    if on_demand == bool(units):
        raise Failure("Name units (--read, --write, --index-read, --index-write), or --on-demand", Code.USAGE)
    asyncio.run(_set(Console(json=json), units, yes=yes, production=production))
    return Code.DONE


async def _set(console: Console, units: dict[str, int], *, yes: bool, production: bool) -> None:
    settings = read_settings(TableSettings)
    async with opened(settings) as (_, throughput):
        before = await throughput.capacities()
        after = [_wanted(each, units) for each in before]
        show_change(console, before, after)
        if before == after:
            console.say("Nothing to change.")
        else:
            deed = f"change the capacity of {throughput.table}"
            require_consent_off_this_machine(settings, deed, yes=yes, production=production)
            await throughput.buy(before, after)
            console.say("Taken. `cruddur capacity report` shows when it is done.")
    for each in after:
        console.record(asdict(each) | {"name": each.name, "changed": each not in before})


def _wanted(capacity: Capacity, units: dict[str, int]) -> Capacity:
    """No units at all means on demand."""
    if not units:
        return replace(capacity, on_demand=True, read=0, write=0)
    prefix = "index_" if capacity.index else ""
    read, write = units.get(f"{prefix}read", capacity.read), units.get(f"{prefix}write", capacity.write)
    if not read or not write:
        raise Failure("It is on demand: name all of --read, --write, --index-read and --index-write", Code.USAGE)
    return replace(capacity, on_demand=False, read=read, write=write)


class Which(StrEnum):
    """Of what."""

    TABLE = "table"
    INDEX = "index"
    BOTH = "both"


class Kind(StrEnum):
    """Of which units."""

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
def autoscale(
    of: Annotated[Which, typer.Option(help="Whose units.")] = Which.BOTH,
    units: Annotated[Kind, typer.Option(help="Which of them.")] = Kind.BOTH,
    least: Annotated[int | None, typer.Option("--min", min=1, max=40_000, help="Never fewer units.")] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, max=40_000, help="Never more units.")] = None,
    target: Annotated[float, typer.Option(min=20, max=90, help="Per cent of the units to use.")] = 70,
    remove: Annotated[bool, typer.Option("--remove", help="End it. Units stay as they are then.")] = False,
    yes: Yes = False,
    production: Production = False,
    json: Json = False,
) -> Code:
    """Have provisioned units follow the load (target tracking), for table and index separately.

    Without --min and --max, or --remove, it shows what is set. Repeatable: the newest bounds count. The first time in
    an account needs the permission iam:CreateServiceLinkedRole.
    """
    if remove and (least or most):
        raise Failure("Either --remove, or --min and --max", Code.USAGE)
    if (least is None) != (most is None) or (least or 0) > (most or 0):
        raise Failure("Give --min and --max, the first not above the second", Code.USAGE)
    work = _Autoscale(Console(json=json), of, units, yes=yes, production=production)
    asyncio.run(work.run(remove=remove, bounds=(least, most) if least and most else None, target=target))
    return Code.DONE


class _Autoscale:
    """One run of the command."""

    def __init__(self, console: Console, of: Which, units: Kind, *, yes: bool, production: bool) -> None:
        self._console = console
        self._of = of
        self._units = units
        self._consent = {"yes": yes, "production": production}
        self._settings = read_settings(TableSettings)

    async def run(self, *, remove: bool, bounds: tuple[int, int] | None, target: float) -> None:
        async with opened(self._settings) as (aws, throughput):
            if await is_strange_to(aws, "application-autoscaling", self._settings):
                raise Failure("A local engine is not scaled: this is for a table at AWS")
            bought = await throughput.capacities()
            if remove:
                await self._remove(throughput, bought)
            elif bounds:
                await self._scale(throughput, bought, bounds, target)
            left = await throughput.scalings([each.index for each in bought[1:]])
        for each in left:
            self._console.record(asdict(each))
        show_scalings(self._console, left)

    async def _scale(
        self, throughput: Throughput, bought: Sequence[Capacity], bounds: tuple[int, int], target: float
    ) -> None:
        if bought[0].on_demand:
            raise Failure("The table is on demand, where nothing is to be scaled: `cruddur capacity set` buys units")
        self._ask(f"have the units of {throughput.table} follow the load")
        for each in filter(self._is_meant, bought):
            for direction in DIRECTIONS:
                if self._units in {Kind.BOTH, direction.lower()}:
                    await throughput.scale(Scaling(each.index, direction, *bounds, target))

    async def _remove(self, throughput: Throughput, bought: Sequence[Capacity]) -> None:
        meant = {each.index for each in bought if self._is_meant(each)}
        found = [each for each in await throughput.scalings(sorted(meant - {""})) if each.index in meant]
        wanted = [each for each in found if self._units in {Kind.BOTH, each.direction.lower()}]
        if wanted:
            self._ask(f"end auto scaling of {throughput.table}")
        for each in wanted:
            await throughput.leave(each)

    def _is_meant(self, capacity: Capacity) -> bool:
        return self._of in {Which.BOTH, Which.INDEX if capacity.index else Which.TABLE}

    def _ask(self, deed: str) -> None:
        require_consent_off_this_machine(self._settings, deed, **self._consent)
