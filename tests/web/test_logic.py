"""Run the tests of the page's logic in Node, without a browser."""

import asyncio
import re

from app.http.page import FOLDER
from scripts.bootstrap import ROOT, contract_node
from tests.contract.tools import run, succeeded

PROGRAM = ROOT / "tests" / "web" / "programs" / "page.test.js"
ENVIRONMENT = {"PAGE": str(FOLDER), "TZ": "Europe/Berlin", "LC_ALL": "en_GB.UTF-8"}


async def test_every_test_of_the_logic_passes() -> None:
    ended = await asyncio.to_thread(run, contract_node(), "--test", PROGRAM, environment=ENVIRONMENT)
    output = succeeded(ended)
    assert re.search(r"\bpass 25\b", output), output
