"""The command seed: the stock conversations, or synthetic ones in any number."""

import time
from typing import Annotated

import typer

from app.cli.batches import batched
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.seed.several import several_groups
from app.cli.seed.stock import seed as seed_stock
from app.cli.seed.synthetic import SyntheticData
from app.cli.seed.writer import Writer, write_several
from app.cli.services import Services, open_services, require_own_table
from app.cli.target import require_consent_off_this_machine
from app.settings import LARGEST_GROUP, StoreSettings, read_settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)

USERS_AT_ONCE = 1_000
MESSAGES_OF_SEVERAL = 10
"""Messages of a synthetic group of several users."""


@app.command(
    "seed",
    epilog=examples(
        "seed",
        "seed --users 100 --groups 1000 --messages 100000",
        "seed --conversation 50000",
        "seed --inbox 2000 --messages 6000 --json",
        "seed --users 200 --several 50 --group-size 20",
    ),
)
async def seed(
    users: Annotated[int | None, typer.Option(min=0, max=1_000_000, help="Users; by default 100.")] = None,
    groups: Annotated[int | None, typer.Option(min=0, help="Pairs of users; by default ten times the users.")] = None,
    messages: Annotated[int | None, typer.Option(min=0, help="Messages in all; by default ten of each group.")] = None,
    conversation: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="One conversation of so many messages.")
    ] = None,
    inbox: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="One inbox of so many groups, that of seed_000000.")
    ] = None,
    several: Annotated[
        int,
        typer.Option(min=0, max=100_000, help="Groups of several users, beside those of two, of ten messages each."),
    ] = 0,
    group_size: Annotated[int, typer.Option(min=2, max=LARGEST_GROUP, help="Members of a group of several.")] = 10,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Write five users with their conversations or, with numbers, synthetic ones.

    Synthetic are users and groups in any number, one long conversation or one large inbox. The same numbers give the
    same data. Existing items are kept, so that the same command goes on after an interruption. Handles of synthetic
    users are seed_000000, seed_000001, …
    """
    data = _chosen(users, groups, messages, conversation, inbox)
    if several and (data is None or data.users < group_size):
        raise Failure(f"Groups of {group_size} users need so many: raise --users, or lower --group-size.", Code.USAGE)
    settings, console = read_settings(StoreSettings), Console(json)
    require_consent_off_this_machine(settings, "write invented users and messages", yes=yes, production=production)
    async with open_services(settings) as services:
        await require_own_table(services.table)
        if data is None:
            console.say(f"There are now {await seed_stock(services.user_store, services.messaging)}.")
        else:
            await _write_synthetic(console, services, data)
            for group in several_groups(data.users, several, group_size, MESSAGES_OF_SEVERAL):
                await write_several(services, group)
            if several:
                console.say(f"There are now {several:,} groups of {group_size} members.")


def _chosen(
    users: int | None, groups: int | None, messages: int | None, conversation: int | None, inbox: int | None
) -> SyntheticData | None:
    """Return the data that the options ask for, None for the stock conversations, or raise a Failure."""
    if conversation is inbox is None:
        return None if users is groups is messages is None else _synthetic(users, groups, messages)
    if (conversation is not None and (inbox, messages) != (None, None)) or (users, groups) != (None, None):
        raise Failure("--conversation stands alone, and --inbox with --messages only.", Code.USAGE)
    if conversation is not None:
        return SyntheticData(2, 1, conversation)
    size = inbox or 0
    data = SyntheticData(size + 1, size, size * 10 if messages is None else messages, is_one_inbox=True)
    return _require_messages(data)


def _require_messages(data: SyntheticData) -> SyntheticData:
    if data.messages < data.groups:
        raise Failure("A group has at least one message: raise --messages, or lower the number of groups.", Code.USAGE)
    return data


def _synthetic(users: int | None, groups: int | None, messages: int | None) -> SyntheticData:
    """Return the data of these sizes, with defaults for those that are not given, or raise a Failure."""
    user_count = 100 if users is None else users
    group_count = min(user_count * 10, user_count * (user_count - 1) // 2) if groups is None else groups
    data = SyntheticData(user_count, group_count, group_count * 10 if messages is None else messages)
    if data.groups > data.most_groups:
        raise Failure(
            f"{user_count} users make at most {data.most_groups} pairs: lower --groups, or raise --users.", Code.USAGE
        )
    if data.messages and not data.groups:
        raise Failure("Messages need a group to be in: raise --groups.", Code.USAGE)
    return _require_messages(data)


async def _write_synthetic(console: Console, services: Services, data: SyntheticData) -> None:
    started = time.monotonic()
    for batch in batched(data.new_users(), USERS_AT_ONCE):
        await services.user_store.add_all(batch)
    with console.progress("Messages", total=data.messages) as advance:
        writer = Writer(services, advance)
        await writer.write_all(data.conversations())
    seconds = time.monotonic() - started
    rate = round(writer.written / seconds)
    facts = {"users": data.users, "groups": data.groups, "messages": writer.written, "groups_kept": writer.kept}
    console.record(facts | {"seconds": round(seconds, 1), "messages_per_second": rate})
    size = f"{data.groups:,} groups of {data.users:,} users"
    console.say(f"{writer.written:,} messages written in {seconds:.1f} s, {rate:,}/s: {size}.")
    if writer.kept:
        console.say(f"{writer.kept:,} groups were there already and were kept.")
