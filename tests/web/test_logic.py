"""Run the tests of the page's logic in Node, without a browser."""

import asyncio
import re

import pytest

from app.http.page import FOLDER
from scripts.bootstrap import ROOT, contract_node
from tests.contract.tools import run, succeeded

PROGRAMS = ROOT / "tests" / "web" / "programs"
ENVIRONMENT = {"PAGE": str(FOLDER), "TZ": "Europe/Berlin", "LC_ALL": "en_GB.UTF-8"}


@pytest.mark.parametrize(
    ("name", "count"), [("page", 36), ("changes", 9), ("vanishing", 7), ("groups", 10), ("presence", 6)]
)
async def test_every_test_of_the_logic_passes(name: str, count: int) -> None:
    program = PROGRAMS / f"{name}.test.js"
    ended = await asyncio.to_thread(run, contract_node(), "--test", program, environment=ENVIRONMENT)
    output = succeeded(ended)
    assert re.search(rf"\bpass {count}\b", output), output
