"""openapi: the HTTP contract."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import SecretStr

from app.cli.failures import Failure, output_errors_explained
from app.cli.openapi.document import openapi_document
from app.cli.options import examples
from app.main import create_app
from app.settings import Settings

ANY: Final[dict[str, Any]] = {
    "environment": "test",
    "database_url": SecretStr("postgresql://nobody@localhost/nothing"),
    "cognito_issuer_url": "https://issuer.example.com",
    "cognito_client_ids": ("any",),
}
"""Settings for the document, which says nothing of where it is served: any do."""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "openapi",
    epilog=examples("openapi > openapi.json", "openapi --output openapi.json", "openapi --check openapi.json"),
)
async def openapi(
    output: Annotated[Path | None, typer.Option(help="A file in place of standard output.")] = None,
    check: Annotated[
        Path | None, typer.Option(exists=True, help="Compare with this file; exit code 1 if it differs.")
    ] = None,
) -> None:
    """Write the OpenAPI document of this version.

    It needs no settings and no engine.
    """
    document = openapi_document(create_app(Settings(**ANY)))
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if check:
        if check.read_text(encoding="utf-8") != text:
            raise Failure(f"{check} is not this version's contract: `cruddur openapi --output {check}` writes it.")
        return
    with output_errors_explained(output):  # awaited like other commands: Typer itself ends with 1 for a closed pipe
        output.write_text(text, encoding="utf-8") if output else print(text, end="")
