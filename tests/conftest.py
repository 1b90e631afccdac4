"""Lists the plugins, and says how many processes share the tests, and that no example is timed."""

import os
import signal
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.tools.forks import serving_forks
from tests.tools.load_once import load_once

settings.register_profile("untimed", deadline=None)  # a loaded machine is no fault
settings.load_profile("untimed")

load_once()

pytest_plugins = [
    "tests.fixtures.engines",
    "tests.fixtures.app",
    "tests.fixtures.contacts",
    "tests.fixtures.emulator",
    "tests.fixtures.event_loop",
    "tests.fixtures.leftovers",
    "tests.fixtures.soak",
]


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are cores, as tests also wait, and at most four, which share the engines."""
    return min(4, (os.cpu_count() or 1) + 1)


def pytest_configure(config: pytest.Config) -> None:
    """Serve forks to all processes of a run, from the first of them; let the processes of tests be interrupted.

    A shell that starts the tests in the background has them ignore SIGINT, and so would all that they start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        run = ExitStack()
        run.enter_context(serving_forks())
        config.add_cleanup(run.close)
