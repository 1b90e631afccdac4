"""Children: logged, waited for with a deadline, ended even when they do not want to."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.engines.process import Child, EngineError
from tests.scripts.processes import is_running, wait_for_end

SLEEPER = (sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(60)")
STARTER = """
import sys
from pathlib import Path
from scripts.engines.process import Child
child = Child("sleeper", Path(sys.argv[1]))
child.start("/bin/sleep", "60")
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child("sleeper", tmp_path / "logs" / "sleeper.log")


def test_the_output_of_a_child_is_in_its_log(child: Child) -> None:
    child.start(*SLEEPER)
    child.wait_until(lambda: "hello" in child.log.read_text(), seconds=60)
    child.stop(seconds=60)
    assert child.exit_code() == -signal.SIGTERM


def test_a_hanging_child_is_killed(child: Child) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    child.start(sys.executable, "-c", f"{deaf}; {SLEEPER[-1]}")
    child.wait_until(lambda: "hello" in child.log.read_text(), seconds=60)
    child.stop(seconds=0.1)
    assert child.exit_code() == -signal.SIGKILL


def test_stopping_is_repeatable_and_needs_no_start(child: Child) -> None:
    child.stop(seconds=0)
    child.start("/bin/true")
    child.wait(seconds=60)
    child.stop(seconds=0)


def test_a_child_that_ends_while_starting_is_reported_with_the_end_of_its_log(child: Child) -> None:
    child.start("/bin/sh", "-c", "echo 'no such folder'; exit 3")
    with pytest.raises(EngineError, match=r"sleeper ended while starting \(3\)[^$]*\| no such folder"):
        child.wait_until(lambda: False, seconds=60)


def test_a_child_that_does_not_get_ready_is_reported(child: Child) -> None:
    child.start(*SLEEPER)
    with pytest.raises(EngineError, match="not ready after"):
        child.wait_until(lambda: False, seconds=0.1)
    child.stop(seconds=60)


def test_a_command_that_takes_too_long_is_ended(child: Child) -> None:
    child.start("/bin/sleep", "60")
    with pytest.raises(EngineError, match="took longer"):
        child.wait(seconds=0.1)
    assert child.exit_code() is not None


def test_a_large_log_is_put_aside(child: Child) -> None:
    child.log.parent.mkdir()
    child.log.write_bytes(b"old\n" * 3_000_000)
    child.start("/bin/true")
    child.wait(seconds=60)
    assert child.log.stat().st_size == 0
    assert child.log.with_suffix(".log.1").stat().st_size == 12_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, tmp_path / "log"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    wait_for_end(pid)
