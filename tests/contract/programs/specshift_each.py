"""Run by the Python that has specshift: compares OLD with each NEW of standard input; prints its findings, as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from specshift.differ import diff_specs

NEW_VARIANT = ": A variant has been added to"
"""Whether that breaks anybody depends on whether the union is closed, which breaking.py knows."""


def findings(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    changes = diff_specs(old, new).changes
    said = {f"{change.location}: {change.message}" for change in changes if change.severity.value != "info"}
    return sorted(finding for finding in said if NEW_VARIANT not in finding)


if __name__ == "__main__":
    old = Path(sys.argv[1]).read_bytes()
    for line in sys.stdin:
        new = Path(line.rstrip("\n")).read_bytes()
        sys.stdout.write(json.dumps(findings(json.loads(old), json.loads(new))) + "\n")
        sys.stdout.flush()
