"""schemathesis with all its checks, following links: what the document says holds for thousands of made-up requests."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.contract.conftest import Live
from tests.contract.tools import DOCUMENT, PROGRAMS, succeeded, tool

EXAMPLES, SOAK_EXAMPLES = 20, 400
"""For each operation and phase; 400 make a run of more than 5,000 cases."""


def config(live: Live, examples: int) -> str:
    """Real handles and groups among the made-up ones, so that calls get past 404."""
    handles, groups = json.dumps([live.ann.handle, live.bob.handle]), json.dumps([live.group])
    return f"""\
base-url = "{live.url}"
hooks = {json.dumps(str(PROGRAMS / "schemathesis_hooks.py"))}
continue-on-failure = true
headers = {{ Authorization = "Bearer {live.ann.token}" }}

[dictionaries]
numbers = {{ values = [1, 2, 3, 5, 8, 12] }}
handles = {{ values = {handles} }}
groups = {{ values = {groups} }}

[parameters]
"path.handle" = {{ dictionary = "handles", probability = 0.5 }}
"path.message_group_uuid" = {{ dictionary = "groups", probability = 0.7 }}
"body.number" = {{ dictionary = "numbers", probability = 0.7 }}
"body.handle" = {{ dictionary = "handles", probability = 0.5 }}
"body.message_group_uuid" = {{ dictionary = "groups", probability = 0.7 }}

[generation]
deterministic = true
max-examples = {examples}

[checks.positive_data_acceptance]
# 412 if another request has edited the message meanwhile.
expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422", "429", "503"]

[checks.negative_data_rejection]
# As by default, and that it is too large, which is known before what is in it.
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]

[[operations]]
include-operation-id = "stream_events"
# A stream does not end: it is read up to its first event.
max-stream-events = 1
request-timeout = 5
"""


@pytest.mark.soak
async def test_no_made_up_request_finds_a_contradiction(live: Live, tmp_path: Path, is_soak: bool) -> None:
    examples = SOAK_EXAMPLES if is_soak else EXAMPLES
    (tmp_path / "schemathesis.toml").write_text(config(live, examples))
    ended = await asyncio.to_thread(
        tool,
        "schemathesis",
        "--config-file",
        tmp_path / "schemathesis.toml",
        "run",
        DOCUMENT,
        "--checks",
        "all",
        "--phases",
        "examples,coverage,fuzzing,stateful",
        "--suppress-health-check",
        "all",
        "--no-color",
        cwd=tmp_path,
        seconds=30 * examples,  # for a machine that has other work, too; a request has a limit of its own
    )
    said = succeeded(ended)
    cases = re.search(r"(\d+) generated", said)
    assert cases
    assert int(cases[1]) > 10 * examples
