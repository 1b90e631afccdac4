"""Measure the service against its bars, and against what else can be had.

Each part starts what it needs, measures in turns and stops it. A figure is the median of its rounds, with the least
and the greatest of them. The results go into a folder: bench.json, bench.md and bench.png.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvloop

from scripts.bootstrap import ROOT
from scripts.engines.process import EngineError
from tests.benchmarks import attack, groups, growth, peers, process, query, report, routes, sizing, streams
from tests.benchmarks.figures import Figure, say
from tests.benchmarks.load import RequestFailed
from tests.benchmarks.options import Options
from tests.benchmarks.processes import Machine

Part = Callable[[Options], Coroutine[None, None, list[Figure]]]

PARTS: Final[Mapping[str, Part]] = {
    "query": query.measure,
    "routes": routes.measure,
    "peers": peers.measure,
    "growth": growth.measure,
    "groups": groups.measure,
    "process": process.measure,
    "streams": streams.measure,
    "attack": attack.measure,
}


def main() -> None:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"one of: {', '.join(PARTS)}")
    parser.add_argument("--output", type=Path, help="the folder of the results (default: a new one in .data/bench)")
    parser.add_argument("--rounds", type=int, default=5, help="the rounds of each part (default: 5)")
    parser.add_argument("--valkey", action="store_true", help="give the service a Valkey, as two processes need it")
    parser.add_argument("--long", action="store_true", help="let a log grow to a million messages (ten minutes more)")
    parser.add_argument("--markdown", action="store_true", help="end with the tables in Markdown")
    arguments = parser.parse_args()
    at = datetime.now(UTC)
    folder = arguments.output or ROOT / ".data" / "bench" / f"{at:%Y-%m-%dT%H%M%S}"
    options = Options(arguments.rounds, with_valkey=arguments.valkey, is_long=arguments.long)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        parts = {name: run(name, options) for name in arguments.only or PARTS}
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: what was started is stopped, and nothing is written.")
    if sizes := sizing.size(parts.get("routes", ())):
        say("sizes …", *report.lines(sizes), "")
        parts["sizes"] = sizes
    say(report.summary(parts), "")
    report.save(folder, parts, Machine.this(), at)
    if arguments.markdown:
        say("", report.markdown(parts, Machine.this(), at))
    say("", f"Written to {folder}")


def run(name: str, options: Options) -> list[Figure]:
    """Run a part, and print its figures."""
    started, figures = time.monotonic(), list[Figure]()
    say(f"{name} …")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(PARTS[name](options))
    except (RequestFailed, EngineError) as failure:
        say(f"  {name} failed, and the other parts go on: {failure}")
    say(*report.lines(figures), f"  {time.monotonic() - started:.0f} s", "")
    return figures


if __name__ == "__main__":
    main()
