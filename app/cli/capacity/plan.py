"""The command capacity plan: the units, storage and cost of a workload."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer

from app.cli.capacity.pricing import Prices, Workload, most_of_account, plan
from app.cli.capacity.views import show_costs, show_plan, show_workload
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, examples
from app.settings import LARGEST_GROUP

PRICE: Final = re.compile(r"([^=]*)=(\d+(?:\.\d+)?)")

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "plan",
    epilog=examples(
        "capacity plan --users 5000 --messages-per-day 20",
        "capacity plan --users 5000 --messages-per-day 20 --group-share 0.3 --group-size 25",
        "capacity plan --users 5000 --messages-per-day 20 --peak 2 --price million-writes=0.705",
    )
    + "\n\nThe formulae: app/cli/capacity/units.py. The prices: app/cli/capacity/pricing.py."
    + " Exit codes: 0 done, 2 wrong options.",
)
def make_plan(
    users: Annotated[int, typer.Option(min=1, help="Users of the service.")],
    messages_per_day: Annotated[float, typer.Option(min=0, help="Messages that a user sends in a day.")],
    text_bytes: Annotated[int, typer.Option(min=1, max=16_000, help="Size of a message's text, on average.")] = 100,
    groups: Annotated[int, typer.Option(min=0, max=200, help="Message groups of a user.")] = 20,
    inbox_pages: Annotated[float, typer.Option(min=0, help="Inboxes that a user opens in a day.")] = 20,
    history_pages: Annotated[float, typer.Option(min=0, help="Pages of 50 messages; each is marked read.")] = 30,
    changes: Annotated[float, typer.Option(min=0, help="Edits, deletions and reactions of a user in a day.")] = 4,
    deliveries: Annotated[float, typer.Option(min=0, help="Delivered markers that a user moves in a day.")] = 20,
    first_contacts: Annotated[float, typer.Option(min=0, help="New conversations of a user in a day.")] = 0.05,
    new_bucket_share: Annotated[
        float, typer.Option(min=0, max=1, help="Sends after ten quiet minutes, a share.")
    ] = 0.3,
    compared_share: Annotated[float, typer.Option(min=0, max=1, help="Sends after the peer's, a share.")] = 0.5,
    group_share: Annotated[
        float, typer.Option(min=0, max=1, help="Messages and groups that are of several members, a share.")
    ] = 0,
    group_size: Annotated[int, typer.Option(min=2, max=LARGEST_GROUP, help="Members of a group of several.")] = 10,
    mentions: Annotated[float, typer.Option(min=0, help="Members that a message in such a group mentions.")] = 0.2,
    peak: Annotated[float, typer.Option(min=1, help="The busiest time, as a multiple of the day's average.")] = 4,
    busiest_group: Annotated[float, typer.Option(min=0, help="Messages a second in one group.")] = 1,
    busiest_user: Annotated[float, typer.Option(min=0, help="Messages a second from and to one user.")] = 1,
    utilisation: Annotated[float, typer.Option(min=10, max=100, help="Per cent of the provisioned units in use.")] = 70,
    months: Annotated[int, typer.Option(min=1, max=120, help="Months after which storage is reported.")] = 12,
    price: Annotated[
        list[str] | None, typer.Option(help="A price in place of an assumed one.", metavar="NAME=DOLLARS")
    ] = None,
    json: Json = False,
) -> Code:
    """Show what a workload takes, and the cheaper billing mode.

    It is shown in units, storage and dollars. The command needs neither an engine nor AWS. Prices are assumptions
    (list prices of us-east-1): --price replaces one of million-writes, million-reads, write-hour, read-hour,
    stored-gb, free-gb, backup-gb, traffic-gb.
    """
    workload = Workload(
        users=users,
        messages=messages_per_day,
        text_bytes=text_bytes,
        groups=groups,
        inbox_pages=inbox_pages,
        history_pages=history_pages,
        changes=changes,
        deliveries=deliveries,
        first_contacts=first_contacts,
        new_bucket_share=new_bucket_share,
        compared_share=compared_share,
        group_share=group_share,
        group_size=group_size,
        mentions=mentions,
        peak=peak,
        busiest_group=busiest_group,
        busiest_user=busiest_user,
    )
    prices = _prices(price or [])
    planned = plan(workload, prices, utilisation=utilisation / 100, months=months)
    console = Console(json=json)
    most = most_of_account(prices)
    more = {"recommendation": planned.recommendation, "prices": asdict(prices), "most_of_account": asdict(most)}
    console.record(asdict(planned) | more)
    show_workload(console, workload)
    show_plan(console, planned)
    show_costs(console, planned, months=months)
    console.say(
        f"An account that uses up its limits takes {most.requests:,.2f} a month for units, {most.traffic:,.2f} for"
        f" traffic,\nand {most.storage:,.2f} for storage, which stays: {most.total:,.2f} in its first month."
    )
    return Code.DONE


def _prices(given: Sequence[str]) -> Prices:
    changed: dict[str, float] = {}
    for text in given:
        if not (match := PRICE.fullmatch(text)):
            raise Failure(f"--price {text}: write NAME=DOLLARS, such as million-writes=0.625", Code.USAGE)
        changed[match[1].replace("-", "_")] = float(match[2])
    prices = asdict(Prices())
    if unknown := changed.keys() - prices.keys():
        known = ", ".join(sorted(prices)).replace("_", "-")
        raise Failure(f"There is no price called {', '.join(sorted(unknown))}, but {known}", Code.USAGE)
    return Prices(**prices | changed)
