"""The service and what could be had in its place, one process each, in turns: messages, inbox and send."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.benchmarks import flask_server, prosody, synapse
from tests.benchmarks.environments import PeerMissing, python_of
from tests.benchmarks.figures import Figure, Rounds, say
from tests.benchmarks.load import AT_ONCE, Connect, Rate, Request, connections, rate
from tests.benchmarks.options import Options
from tests.benchmarks.processes import Server
from tests.benchmarks.routes import WARM_UP, reads, send
from tests.benchmarks.world import GROUPS, World, new_users, open_world, serve, write_inbox

PAGE, INBOX, SEND = "20 messages", f"inbox of {GROUPS}", "send"
OURS = "ours"


@dataclass(frozen=True, slots=True)
class Subject:
    """A server and the requests to measure, by name."""

    name: str
    server: Server
    requests: Mapping[str, Request]
    connect: Connect = connections

    async def rates(self, *, seconds: float = 1.0) -> dict[tuple[str, str], Rate]:
        """Load the server with each request in turn."""
        return {
            (self.name, name): await rate(self.server, request, seconds=seconds, connect=self.connect)
            for name, request in self.requests.items()
        }


async def measure(options: Options) -> list[Figure]:
    """Return the CPU and the throughput of each, and the ratios of the service's to them."""
    rounds = Rounds()
    async with open_world() as world, AsyncExitStack() as stack:
        subjects = await open_subjects(world, stack)
        for subject in subjects:
            await subject.rates(seconds=WARM_UP)
        for number in range(options.rounds):
            rates: dict[tuple[str, str], Rate] = {}
            for subject in subjects:
                rates |= await subject.rates()
            add_round(rounds, rates)
            say(f"  round {number + 1} of {options.rounds}")
    return rounds.figures()


def add_round(rounds: Rounds, rates: Mapping[tuple[str, str], Rate]) -> None:
    """Add the rates of a round, then the ratios of the service's to each of the others'."""
    for (name, call), each in rates.items():
        rounds.add(f"{call}, {name}", "CPU", "µs", each.cpu * 1e6)
        rounds.add(f"{call}, {name}", "requests", "/s", each.per_second)
    for (name, call), theirs in rates.items():
        if name != OURS:
            ours = rates[OURS, call.partition(" by ")[0]]
            rounds.add(f"{call}, {name}", "our CPU against it", "×", ours.cpu / theirs.cpu)
            rounds.add(f"{call}, {name}", "our throughput against it", "×", ours.per_second / theirs.per_second)


async def open_subjects(world: World, stack: AsyncExitStack) -> list[Subject]:
    """Start the service, and those of its peers that can be had here."""
    user, *peers = new_users(1 + GROUPS)
    groups, owner = await write_inbox(world, user, peers), world.account(user)
    server = await stack.enter_async_context(serve(world))
    requests = reads(owner, groups) | {SEND: send(owner, groups[:AT_ONCE])}
    ours = Subject(OURS, server, {name: requests[name] for name in (PAGE, INBOX, SEND)})
    inbox = [(user, peer, str(group)) for peer, group in zip(peers, groups, strict=True)]
    subjects = [ours]
    openers: dict[str, Callable[[], Awaitable[list[Subject]]]] = {
        "Flask": lambda: open_flask(world, stack, ours, inbox),
        "Synapse": lambda: open_synapse(world, stack),
        "Prosody": lambda: open_prosody(world, stack),
    }
    for name, opener in openers.items():
        try:
            subjects += await opener()
        except PeerMissing as missing:
            say(f"  without {name}: {missing}")
    return subjects


async def open_flask(world: World, stack: AsyncExitStack, ours: Subject, inbox: flask_server.Inbox) -> list[Subject]:
    """Start the Flask service twice, as tutorials write it and with a client that it keeps. It is asked as ours is."""
    python = await asyncio.to_thread(python_of, "flask")
    await asyncio.to_thread(flask_server.write_table, world, python, inbox)
    return [
        Subject(name, await stack.enter_async_context(server), ours.requests)
        for name, server in {
            "Flask": flask_server.serve_flask(world, python),
            "Flask with a client kept": flask_server.serve_flask(world, python, keeps_client=True),
        }.items()
    ]


async def open_synapse(world: World, stack: AsyncExitStack) -> list[Subject]:
    """Start Synapse on a database of the same Postgres."""
    python = await asyncio.to_thread(python_of, "synapse")
    url = world.settings.database_url.get_secret_value()
    homeserver = await stack.enter_async_context(synapse.serve_synapse(world.folder, python, url))
    return [Subject("Synapse", homeserver.server, await synapse.fill(homeserver))]


async def open_prosody(world: World, stack: AsyncExitStack) -> list[Subject]:
    """Start Prosody, whose archive is in a database of the same Postgres."""
    url = world.settings.database_url.get_secret_value()
    server = await stack.enter_async_context(prosody.serve_prosody(world.folder, url))
    return [Subject("Prosody", server, {SEND: lambda _: prosody.MESSAGE}, prosody.xmpp_connections)]
