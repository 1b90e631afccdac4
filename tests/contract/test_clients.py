"""Clients are generated as the README says, without a warning or a hand edit; they compile strictly, and they work."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.bootstrap import CONTRACT_NPM, LOCKS, ROOT, contract_node
from tests.contract.conftest import Live
from tests.contract.tools import DOCUMENT, MYPY, PROGRAMS, PYTHON, node, run, succeeded, tool

README = ROOT / "README.md"
JSON = {"application/json": {"schema": {"$ref": "#/components/schemas/It"}}}
MINIMAL = {
    "openapi": "3.1.0",
    "info": {"title": "minimal", "version": "1"},
    "paths": {"/": {"get": {"operationId": "get_it", "responses": {"200": {"description": "It", "content": JSON}}}}},
    "components": {"schemas": {"It": {"type": "object", "properties": {"name": {"type": "string"}}}}},
}
"""What a generator says to this, or makes of it, is no fault of ours."""
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "noImplicitReturns": True,
        "noUnusedLocals": True,
        "module": "nodenext",
        "target": "es2023",
        "lib": ["es2023", "dom", "dom.iterable"],
        "types": [],
        "outDir": "built",
    }
}


def with_attrs(folder: Path, document: Path = DOCUMENT) -> None:
    said = succeeded(tool("openapi-python-client", "generate", "--path", document, "--meta", "none",
                          "--output-path", folder / "cruddur_client", "--fail-on-warning"))  # fmt: skip
    assert "arning" not in said


def with_pydantic(folder: Path) -> None:
    assert warnings_of_pydantic(DOCUMENT, folder) <= warnings_of_pydantic(minimal(folder), folder / "minimal")


def warnings_of_pydantic(document: Path, folder: Path) -> set[str]:
    """That OpenAPI 3.1 support is in beta, and about a schema without name, it says to every document of 3.1."""
    said = succeeded(tool("openapi-generator-cli", "generate", "--generator-name", "python", "--input-spec", document,
                          "--package-name", "cruddur_client", "--output", folder))  # fmt: skip
    return {line for line in said.splitlines() if "WARN" in line or "ERROR" in line}


def minimal(folder: Path) -> Path:
    file = folder / "minimal.json"
    file.write_text(json.dumps(MINIMAL))
    return file


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
    # Its client.py calls __exit__ in a way that mypy refuses; a test below shows that it does so for every document.
    "attrs_client": (*STRICT, "-p", "cruddur_client.models", "-p", "cruddur_client.api"),
    # Its templates, the same for every document, leave methods like __init__ without types, and what these return.
    "pydantic_client": (
        *STRICT,
        "--allow-untyped-defs",
        "--allow-incomplete-defs",
        "--allow-untyped-calls",
        "--no-warn-return-any",
        "--implicit-reexport",
        "-p",
        "cruddur_client",
    ),
}
PYTHON_CLIENTS = {"attrs_client": with_attrs, "pydantic_client": with_pydantic}
ON_NODE = ("openapi-fetch", "openapi-typescript", "@hey-api/openapi-ts", "typescript")
TYPESCRIPT_CLIENTS = {"openapi_fetch": with_fetch, "hey_api": with_hey_api}


@pytest.mark.parametrize("name", PYTHON_CLIENTS)
async def test_a_client_in_python(name: str, live: Live, tmp_path: Path) -> None:
    await asyncio.to_thread(PYTHON_CLIENTS[name], tmp_path)
    script = shutil.copy(PROGRAMS / f"{name}.py", tmp_path)
    shutil.copy(PROGRAMS / "sse.py", tmp_path)
    # What uses the client is checked strictly against the client's types, which must be sound in themselves.
    succeeded(await asyncio.to_thread(mypy, *CHECKS[name], cwd=tmp_path))
    succeeded(await asyncio.to_thread(mypy, *STRICT, script, cwd=tmp_path))
    said = succeeded(
        await asyncio.to_thread(run, PYTHON, "-W", "error", script, cwd=tmp_path, environment=environment(live))
    )
    assert said == "", "nothing is left open"


def test_what_is_not_strict_is_the_same_for_every_document(tmp_path: Path) -> None:
    for folder, document in (("ours", DOCUMENT), ("minimal", minimal(tmp_path))):
        (tmp_path / folder).mkdir()
        with_attrs(tmp_path / folder, document)
    ours, others = ((tmp_path / folder / "cruddur_client" / "client.py") for folder in ("ours", "minimal"))
    assert ours.read_bytes() == others.read_bytes()
    complaints = mypy(*STRICT, "-p", "cruddur_client", cwd=tmp_path / "ours").stdout.splitlines()[:-1]
    assert {complaint.partition(":")[0] for complaint in complaints} == {"cruddur_client/client.py"}


def test_the_readme_has_what_was_tried() -> None:
    """The versions to install, and how to read a stream."""
    readme = README.read_text(encoding="utf-8")
    python = re.findall(r"^(openapi\S+==\S+)$", (LOCKS / "contract.in").read_text(), re.MULTILINE)
    on_node = json.loads((LOCKS / "contract" / "package.json").read_bytes())["dependencies"]
    for package in (*python, *(f"{name}@{on_node[name]}" for name in ON_NODE)):
        assert package in readme
    for file in ("sse.py", "sse.ts"):
        assert (PROGRAMS / file).read_text(encoding="utf-8") in readme


@pytest.mark.parametrize("name", TYPESCRIPT_CLIENTS)
async def test_a_client_in_typescript(name: str, live: Live, tmp_path: Path) -> None:
    await asyncio.to_thread(prepare, TYPESCRIPT_CLIENTS[name], name, tmp_path)
    succeeded(await asyncio.to_thread(node, "tsc", "--project", tmp_path, cwd=tmp_path))
    script = tmp_path / "built" / f"{name}.js"
    succeeded(await asyncio.to_thread(run, contract_node(), script, cwd=tmp_path, environment=environment(live)))


def prepare(generate: Callable[[Path], None], name: str, folder: Path) -> None:
    """A front end's folder: the packages, the generated code, and what uses it."""
    (folder / "node_modules").symlink_to(CONTRACT_NPM / "node_modules")
    generate(folder)
    for file in (f"{name}.ts", "checks.ts", "sse.ts"):
        shutil.copy(PROGRAMS / file, folder)
    (folder / "package.json").write_text("{}")
    (folder / "tsconfig.json").write_text(json.dumps(TSCONFIG))
