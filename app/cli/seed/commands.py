"""seed: the stock conversations, or a crowd of any size."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

import typer

from app.cli.batches import batched
from app.cli.console import Advance, Console
from app.cli.failures import Code, Failure
from app.cli.options import Json, Production, Yes, examples
from app.cli.seed.stock import seed as seed_stock
from app.cli.seed.synthetic import Crowd, Group
from app.cli.services import Services, open_services
from app.cli.target import read_settings, require_consent_off_this_machine
from app.gateways.dynamodb import ConditionFailed
from app.gateways.dynamodb.operator import WRITE_BATCH
from app.messaging import items
from app.settings import StoreSettings
from app.users.store import UserStore

app = typer.Typer(rich_markup_mode=None)

AT_ONCE = 8
"""Groups that are written at the same time."""
USERS_AT_ONCE = 1_000


@app.command(
    "seed",
    epilog=examples(
        "seed", "seed --users 100 --groups 1000 --messages 100000", "seed --users 2 --groups 1 --messages 5000 --json"
    ),
)
def seed(
    users: Annotated[int | None, typer.Option(min=0, max=1_000_000, help="People; without groups ten each.")] = None,
    groups: Annotated[int | None, typer.Option(min=0, help="Pairs of people who write to each other.")] = None,
    messages: Annotated[int | None, typer.Option(min=0, help="Messages in all; without it ten a group.")] = None,
    json: Json = False,
    yes: Yes = False,
    production: Production = False,
) -> None:
    """Write four people and their conversations or, with numbers, a crowd of any size.

    The same numbers give the same data. What is there stays as it is, so a seed that was interrupted goes on where it
    stopped when the same command is given again. Handles of a crowd are seed_000000, seed_000001, …
    """
    crowd = None if users is groups is messages is None else _crowd(users, groups, messages)
    settings, console = read_settings(StoreSettings), Console(json)
    require_consent_off_this_machine(settings, "write invented people and messages", yes=yes, production=production)
    asyncio.run(_seed(console, settings, crowd))


def _crowd(users: int | None, groups: int | None, messages: int | None) -> Crowd:
    people = 100 if users is None else users
    pairs = min(people * 10, people * (people - 1) // 2) if groups is None else groups
    crowd = Crowd(people, pairs, pairs * 10 if messages is None else messages)
    if crowd.groups > crowd.most_groups:
        raise Failure(
            f"{people} people make at most {crowd.most_groups} pairs: lower --groups, raise --users.", Code.USAGE
        )
    if crowd.messages < crowd.groups:
        raise Failure("A group has at least one message: raise --messages, or lower --groups.", Code.USAGE)
    if crowd.messages and not crowd.groups:
        raise Failure("Messages need a group to be in: raise --groups.", Code.USAGE)
    return crowd


async def _seed(console: Console, settings: StoreSettings, crowd: Crowd | None) -> None:
    async with open_services(settings) as services:
        if crowd is None:
            console.say(f"There are now {await seed_stock(services.user_store, services.messaging)}.")
            return
        started = time.monotonic()
        await _add_users(services.user_store, crowd)
        with console.progress("Messages", total=crowd.messages) as advance:
            writer = Writer(services, advance)
            await writer.write_all(crowd.conversations())
        _report(console, crowd, writer, time.monotonic() - started)


def _report(console: Console, crowd: Crowd, writer: "Writer", seconds: float) -> None:
    rate = round(writer.written / seconds)
    facts = {"users": crowd.people, "groups": crowd.groups, "messages": writer.written, "groups_kept": writer.kept}
    console.record(facts | {"seconds": round(seconds, 1), "messages_per_second": rate})
    console.say(f"{writer.written:,} messages written in {seconds:.1f} s, {rate:,}/s: {_crowd_in_words(crowd)}.")
    if writer.kept:
        console.say(f"{writer.kept:,} groups were there already and are as they were.")


def _crowd_in_words(crowd: Crowd) -> str:
    return f"{crowd.groups:,} groups of {crowd.people:,} people"


async def _add_users(users: UserStore, crowd: Crowd) -> None:
    for some in batched(crowd.users(), USERS_AT_ONCE):
        await users.add_all(some)


class Writer:
    """Writes groups, a few at the same time, each one's messages in their order and its inbox rows last."""

    def __init__(self, services: Services, advance: Advance) -> None:
        self._table = services.table
        self._store = services.messaging
        self._advance = advance
        self.written = 0
        self.kept = 0

    async def write_all(self, groups: Iterator[Group]) -> None:
        """Write what is not there yet."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(self._work(groups))

    async def _work(self, groups: Iterator[Group]) -> None:
        for group in groups:
            await self._write(group)

    async def _write(self, group: Group) -> None:
        first = await self._first_to_write(group)
        self._advance(first - 1)
        for numbers in batched(range(first, group.size + 1), WRITE_BATCH):
            await self._table.put_all([items.message_item(group.message(number)) for number in numbers])
            self.written += len(numbers)
            self._advance(len(numbers))
        if first <= group.size:
            await self._write_rows(group)
        else:
            self.kept += 1

    async def _first_to_write(self, group: Group) -> int:
        """Behind what an earlier run has surely written: everything if its rows are there, else its whole batches."""
        if await self._store.inbox_row(group.other, group.uuid):
            return group.size + 1
        newest = await self._store.newest_messages(group.uuid, limit=1, consistent=True)
        end = newest[0].number if newest else 0
        return max(1, end - WRITE_BATCH + 1)

    async def _write_rows(self, group: Group) -> None:
        last = group.message(group.size)
        for user, peer in group.members:
            with suppress(ConditionFailed):
                await self._table.put(items.new_inbox_row(last, user=user, peer=peer))
