"""The page's scripts agree with the contract: they are checked against types generated from the OpenAPI document."""

import asyncio
import json
from pathlib import Path
from typing import Any

from app.http.page import FOLDER
from tests.contract.tools import DOCUMENT, node, succeeded

OPTIONS: dict[str, Any] = {
    "allowJs": True,
    "checkJs": True,
    "strict": True,
    "noEmit": True,
    "noUncheckedIndexedAccess": True,
    "noImplicitReturns": True,
    "target": "es2023",
    "lib": ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "types": [],
    "skipDefaultLibCheck": True,
}


def check(folder: Path, sources: Path) -> str:
    """Return the type checker's errors in the scripts of a folder."""
    contract = folder / "contract.d.ts"
    succeeded(node("openapi-typescript", DOCUMENT, "--output", contract))
    project = {
        "compilerOptions": OPTIONS | {"paths": {"contract": [str(contract)]}},
        "include": [str(sources / "**" / name) for name in ("*.js", "*.d.ts")],
        "exclude": [str(sources / "vendor" / "*.js"), str(sources / "bundle" / "*.js")],
    }
    (folder / "tsconfig.json").write_text(json.dumps(project))
    return node("tsc", "--project", folder / "tsconfig.json", "--pretty", "false").stdout


async def test_the_scripts_have_no_type_errors(tmp_path: Path) -> None:
    assert await asyncio.to_thread(check, tmp_path, FOLDER) == ""


async def test_a_property_missing_from_the_contract_is_an_error(tmp_path: Path) -> None:
    sources = tmp_path / "static"
    sources.mkdir()
    (sources / "types.d.ts").write_text((FOLDER / "types.d.ts").read_text())
    (sources / "wrong.js").write_text(
        '/** @param {import("./types.js").Message} message */\nexport const wrong = (message) => message.text;\n'
    )
    assert "Property 'text' does not exist" in await asyncio.to_thread(check, tmp_path, sources)
