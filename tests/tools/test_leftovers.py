"""A failure, and a leak, are reported for the test that has them and for no other."""

import subprocess
import sys
from pathlib import Path

from scripts.bootstrap import ROOT

TESTS = '''
import asyncio
import socket

class Cycle:
    """Only the garbage collector ends it, some time later."""

    def __init__(self):
        self.me, self.socket = self, socket.socket()

async def wait_for_ever():
    with socket.socket():
        await asyncio.Event().wait()

async def test_that_fails():
    cycle, opened, task = Cycle(), socket.socket(), asyncio.create_task(wait_for_ever())
    await asyncio.sleep(0)
    assert cycle is opened

async def test_after_it():
    assert "wait_for_ever" not in str(asyncio.all_tasks())

def test_that_leaks():
    Cycle()

def test_after_that():
    pass

def test_that_fails_last():
    cycle = Cycle()
    assert cycle is None
'''
OPTIONS = (
    "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = session\n"
    "asyncio_default_test_loop_scope = session\nfilterwarnings = error\n"
)


def test_a_failure_and_a_leak_fail_no_neighbour(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(OPTIONS)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "tests.fixtures.leftovers"]
    ran = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True, timeout=60
    )
    summary = [line.split(" - ")[0].replace("tests/test_it.py::test_", "") for line in ran.stdout.splitlines()]
    assert sorted(line for line in summary if line.startswith(("PASSED", "FAILED", "ERROR"))) == [
        "ERROR that_leaks",
        "FAILED that_fails",
        "FAILED that_fails_last",
        "PASSED after_it",
        "PASSED after_that",
        "PASSED that_leaks",
    ]
    assert "2 failed, 3 passed, 1 error" in ran.stdout
    assert "unclosed" not in ran.stderr
