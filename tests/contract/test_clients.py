"""Clients are generated as the README says, without a warning or a hand edit; they compile strictly, and they work."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.bootstrap import CONTRACT_NPM, contract_node
from tests.contract.conftest import Live
from tests.contract.tools import DOCUMENT, MYPY, PROGRAMS, PYTHON, node, run, succeeded, tool

OF_OPENAPI_3_1 = ("OpenAPI 3.1 support is still in beta", "Failed to get the schema name: null")
"""What openapi-generator says to any document of this version, whatever is in it."""
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "noImplicitReturns": True,
        "noUnusedLocals": True,
        "module": "nodenext",
        "target": "es2023",
        "lib": ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
        "types": [],
        "outDir": "built",
    }
}


def with_attrs(folder: Path) -> None:
    said = succeeded(tool("openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none",
                          "--output-path", folder / "cruddur_client", "--fail-on-warning"))  # fmt: skip
    assert "arning" not in said


def with_pydantic(folder: Path) -> None:
    said = succeeded(tool("openapi-generator-cli", "generate", "--generator-name", "python", "--input-spec", DOCUMENT,
                          "--package-name", "cruddur_client", "--output", folder))  # fmt: skip
    warnings = [line for line in said.splitlines() if "WARN" in line or "ERROR" in line]
    assert not [line for line in warnings if not any(known in line for known in OF_OPENAPI_3_1)]


def with_fetch(folder: Path) -> None:
    said = succeeded(node("openapi-typescript", DOCUMENT, "--output", folder / "schema.ts", cwd=folder))
    assert "⚠" not in said


def with_hey_api(folder: Path) -> None:
    said = succeeded(node("openapi-ts", "--input", DOCUMENT, "--output", folder / "client", cwd=folder))
    assert "warn" not in said.lower()


def environment(live: Live) -> dict[str, str]:
    return {
        "SERVICE_URL": live.url,
        "TOKEN": live.ann.token,
        "NEWCOMER_TOKEN": live.newcomer(),
        "PEER": live.bob.handle,
        "PEER_TOKEN": live.bob.token,
        "GROUP": live.group,
    }


def mypy(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run(MYPY, "--config-file", "", "--python-executable", PYTHON, *arguments, cwd=cwd)


STRICT = ("--strict", "--follow-imports=silent")
CHECKS = {
    # Its client.py, the same for every document, calls __exit__ in a way that strict checking refuses.
    "attrs_client": (*STRICT, "-p", "cruddur_client.models", "-p", "cruddur_client.api"),
    # It is made for mypy's usual checks.
    "pydantic_client": ("-p", "cruddur_client"),
}
PYTHON_CLIENTS = {"attrs_client": with_attrs, "pydantic_client": with_pydantic}
TYPESCRIPT_CLIENTS = {"openapi_fetch": with_fetch, "hey_api": with_hey_api}


@pytest.mark.parametrize("name", PYTHON_CLIENTS)
async def test_a_client_in_python(name: str, live: Live, tmp_path: Path) -> None:
    await asyncio.to_thread(PYTHON_CLIENTS[name], tmp_path)
    script = shutil.copy(PROGRAMS / f"{name}.py", tmp_path)
    shutil.copy(PROGRAMS / "sse.py", tmp_path)
    # What uses the client is checked strictly against the client's types, which must be sound in themselves.
    succeeded(await asyncio.to_thread(mypy, *CHECKS[name], cwd=tmp_path))
    succeeded(await asyncio.to_thread(mypy, *STRICT, script, cwd=tmp_path))
    said = succeeded(await asyncio.to_thread(run, PYTHON, "-W", "error", script, cwd=tmp_path, **environment(live)))
    assert said == "", "nothing is left open"


@pytest.mark.parametrize("name", TYPESCRIPT_CLIENTS)
async def test_a_client_in_typescript(name: str, live: Live, tmp_path: Path) -> None:
    await asyncio.to_thread(prepare, TYPESCRIPT_CLIENTS[name], name, tmp_path)
    succeeded(await asyncio.to_thread(node, "tsc", "--project", tmp_path, cwd=tmp_path))
    script = tmp_path / "built" / f"{name}.js"
    succeeded(await asyncio.to_thread(run, contract_node(), script, cwd=tmp_path, **environment(live)))


def prepare(generate: Callable[[Path], None], name: str, folder: Path) -> None:
    """A front end's folder: the packages, the generated code, and what uses it."""
    (folder / "node_modules").symlink_to(CONTRACT_NPM / "node_modules")
    generate(folder)
    for file in (f"{name}.ts", "checks.ts", "sse.ts"):
        shutil.copy(PROGRAMS / file, folder)
    (folder / "package.json").write_text("{}")
    (folder / "tsconfig.json").write_text(json.dumps(TSCONFIG))
