"""The contract's tools as programs, each in the environment that the setup made for them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.bootstrap import CONTRACT, CONTRACT_NPM, ROOT, clean_environment, contract_node

DOCUMENT = ROOT / "app" / "openapi.json"
HERE = ROOT / "tests" / "contract"
PROGRAMS = HERE / "programs"
"""Programs that run on Node, or in the environment of the tools."""
PYTHON = CONTRACT / "bin" / "python"
MYPY = ROOT / ".venv" / "bin" / "mypy"


def run(
    *command: str | Path, cwd: Path = ROOT, seconds: float = 120, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return how it ended; its output is text, and its input is empty."""
    given = program_environment() | dict(environment or {})
    return subprocess.run(
        command,
        cwd=cwd,
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def program_environment() -> dict[str, str]:
    """Return the environment variables of a program, with the contract's tools on its path."""
    path = os.pathsep.join([str(CONTRACT / "bin"), str(contract_node().parent), os.environ["PATH"]])
    return clean_environment() | {"PATH": path, "NO_COLOR": "1", "CI": "1"}


def tool(name: str, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program from PyPI, with the options of `run`."""
    return run(CONTRACT / "bin" / name, *arguments, **options)


def node(name: str, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A program from npm."""
    return run(contract_node(), CONTRACT_NPM / "node_modules" / ".bin" / name, *arguments, cwd=cwd)


def succeeded(ended: subprocess.CompletedProcess[str]) -> str:
    """Run the command, which must succeed, and return its output."""
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, f"{said[:10_000]} … {said[-5_000:]}"
    return said
