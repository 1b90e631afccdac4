"""CPU of DynamoDB clients for a Query of 20 items: the service's, stock aioboto3, aiodynamo, and a bare call."""

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.environments import PeerMissing, python_of
from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.options import Options
from tests.benchmarks.unit import run_client, serve_answer


async def measure(options: Options) -> list[Figure]:
    """Return the CPU of a Query by each client, and the ratios to the service's client."""
    rounds = Rounds()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        async with serve_answer(Path(folder)) as address:
            clients = {
                "bare call": stack.enter_context(run_client("bare", address)),
                "ours": stack.enter_context(run_client("service", address)),
                "aioboto3": stack.enter_context(run_client("service", address, "aioboto3")),
            }
            try:
                python = await asyncio.to_thread(python_of, "aiodynamo")
                clients["aiodynamo"] = stack.enter_context(run_client("aiodynamo", address, python=python))
            except PeerMissing as missing:
                say(f"  without aiodynamo: {missing}")
            for number in range(2 * options.rounds):
                cpu = {name: await asyncio.to_thread(client.cpu) * 1e6 for name, client in clients.items()}
                for name, value in cpu.items():
                    rounds.add(name, "CPU", "µs", value)
                    if name != "ours":
                        rounds.add(name, "ours against it", "×", cpu["ours"] / value)
                say(f"  round {number + 1} of {2 * options.rounds}")
    return rounds.figures()
