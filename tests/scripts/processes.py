"""The state of other processes."""

import time
from pathlib import Path

ENDED = (FileNotFoundError, ProcessLookupError)
"""Errors of reading about a process that ends meanwhile, before its file is open or after."""


def is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie does not, though it stays in the process table without a reaper."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ENDED:
        return False


def wait_for_end(*pids: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < deadline, f"still running: {alive}"
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """Return the children, their children, and so on; Postgres has some that end at any time."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except ENDED:
        return []
    return children + [below for child in children for below in descendants(child)]


def command_of(pid: int) -> str:
    """Return the command line of a process, "" if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except ENDED:
        return ""
