"""Environments of the peers, which need other packages than the service does."""

import subprocess
import sys
from pathlib import Path

from scripts.bootstrap import PEERS, ROOT


class PeerMissing(Exception):
    """A peer cannot be had on this machine; the sentence says why."""


def python_of(peer: str) -> Path:
    """Return the Python of a peer's environment, after installing it, or raise PeerMissing."""
    command = (sys.executable, "-m", "scripts.bootstrap", peer)
    setup = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    if setup.returncode != 0:
        reason = setup.stderr.strip().splitlines() or ["no reason given"]
        raise PeerMissing(f"its packages cannot be installed ({reason[0]})")
    return PEERS / peer / "bin" / "python"
