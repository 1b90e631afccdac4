"""Options that several commands share, with one name and one explanation."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, one object a line.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Production = Annotated[
    bool, typer.Option("--production", help="Allow a target that is not a local engine; asks all the same.")
]


def examples(*lines: str) -> str:
    """Return an epilog with these command lines, which the help does not wrap."""
    return "\n".join(["\b", "Examples:", *(f"  cruddur {line}" for line in lines)])
