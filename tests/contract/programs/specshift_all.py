"""Run by the Python that has specshift: compares OLD with each NEW; prints a list of findings for each, as JSON."""

import json
import sys
from pathlib import Path

from specshift.differ import diff_specs

NEW_VARIANT = ": A variant has been added to"
"""Whether that breaks anybody depends on whether the union is closed, which breaking.py knows."""


def findings(old: str, new: str) -> list[str]:
    changes = diff_specs(json.loads(Path(old).read_bytes()), json.loads(Path(new).read_bytes())).changes
    said = {f"{change.location}: {change.message}" for change in changes if change.severity.value != "info"}
    return sorted(finding for finding in said if NEW_VARIANT not in finding)


if __name__ == "__main__":
    sys.stdout.write(json.dumps([findings(sys.argv[1], new) for new in sys.argv[2:]]))
