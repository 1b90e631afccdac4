"""The state of other processes."""

import time
from pathlib import Path


def is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie does not, though it stays in the process table without a reaper."""
    stat = Path("/proc", str(pid), "stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_for_end(*pids: int, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < deadline, f"still running: {alive}"
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [below for child in children for below in descendants(child)]
