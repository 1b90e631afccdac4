"""Options that several commands share, so that they are called and explained the same everywhere."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="For machines: JSON on standard output, one object a line.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Production = Annotated[
    bool, typer.Option("--production", help="Allow it on a target that is not a local engine; it still asks.")
]


def examples(*lines: str) -> str:
    """An epilog that is printed as it stands."""
    return "\n".join(["\b", "Examples:", *(f"  cruddur {line}" for line in lines)])
