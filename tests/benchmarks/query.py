"""CPU of DynamoDB clients for a Query of 20 items: the service's, stock aioboto3, aiodynamo, and a bare call."""

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.environments import PeerMissing, python_of
from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.options import Options
from tests.benchmarks.unit import Client, run_client, serve_answer


async def measure(options: Options) -> list[Figure]:
    """Return the CPU of a Query by each client, and the ratios to the service's client."""
    rounds, count = Rounds(), 2 * options.rounds
    with tempfile.TemporaryDirectory() as folder:
        async with serve_answer(Path(folder)) as address:
            with ExitStack() as stack:
                clients = await asyncio.to_thread(open_clients, address, stack)
                for number in range(count):
                    add_round(rounds, {name: await asyncio.to_thread(each.cpu) for name, each in clients.items()})
                    say(f"  round {number + 1} of {count}")
    return rounds.figures()


def open_clients(address: str, stack: ExitStack) -> dict[str, Client]:
    """Start a process for each client that can be had here."""
    clients = {
        "bare call": stack.enter_context(run_client("bare", address)),
        "ours": stack.enter_context(run_client("service", address)),
        "aioboto3": stack.enter_context(run_client("service", address, "aioboto3")),
    }
    try:
        python = python_of("aiodynamo")
        return clients | {"aiodynamo": stack.enter_context(run_client("aiodynamo", address, python=python))}
    except PeerMissing as missing:
        say(f"  without aiodynamo: {missing}")
        return clients


def add_round(rounds: Rounds, seconds: Mapping[str, float]) -> None:
    """Add the CPU seconds of a call by each client, and the ratios of ours to the others'."""
    for name, cpu in seconds.items():
        rounds.add(name, "CPU", "µs", cpu * 1e6)
        if name != "ours":
            rounds.add(name, "ours against it", "×", seconds["ours"] / cpu)
