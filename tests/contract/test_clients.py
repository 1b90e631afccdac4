"""Clients are generated as docs/clients.md says, without warning or hand edit, compile strictly, and do their work."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.bootstrap import CONTRACT_NPM, LOCKS, ROOT, contract_node
from tests.contract.conftest import Live
from tests.contract.tools import DOCUMENT, MYPY, PROGRAMS, PYTHON, node, program_environment, run, succeeded, tool

GUIDE = ROOT / "docs" / "clients.md"
JSON = {"application/json": {"schema": {"$ref": "#/components/schemas/It"}}}
MINIMAL = {
    "openapi": "3.1.0",
    "info": {"title": "minimal", "version": "1"},
    "paths": {"/": {"get": {"operationId": "get_it", "responses": {"200": {"description": "It", "content": JSON}}}}},
    "components": {"schemas": {"It": {"type": "object", "properties": {"name": {"type": "string"}}}}},
}
"""A minimal document of OpenAPI 3.1: what is generated from it, too, is no fault of ours."""
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
        "skipDefaultLibCheck": True,
        "outDir": "built",
        "rewriteRelativeImportExtensions": True,
    }
}


KNOWN_WARNINGS = (
    "OpenAPI 3.1 support is still in beta.",
    "Failed to get the schema name: null",
    "For (reserved word) cannot be used as model name.",
)
"""Warnings that openapi-generator gives for every document of OpenAPI 3.1, and for the parameter `for`, which gets
another name in Python."""
QUICK_JAVA = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""Options of a Java that runs for some seconds only: they halve what it computes."""


CLIENT_CONFIG = "content_type_overrides:\n  application/jsonl: text/plain\n"
"""Tells openapi-python-client, which leaves out answers of unknown types, that JSON lines are text."""


def with_attrs(folder: Path, document: Path = DOCUMENT) -> None:
    config = folder / "client.yaml"
    config.write_text(CLIENT_CONFIG)
    said = succeeded(
        tool(
            "openapi-python-client",
            "generate",
            "--config",
            config,
            "--path",
            document,
            "--meta",
            "none",
            "--output-path",
            folder / "cruddur_client",
            "--fail-on-warning",
        )
    )
    assert "arning" not in said


def with_pydantic(folder: Path) -> None:
    said = succeeded(
        tool(
            "openapi-generator-cli",
            "generate",
            "--generator-name",
            "python",
            "--input-spec",
            DOCUMENT,
            "--package-name",
            "cruddur_client",
            "--output",
            folder,
            environment=QUICK_JAVA,
        )
    )
    warnings = [line for line in said.splitlines() if "WARN" in line or "ERROR" in line]
    assert not [line for line in warnings if not any(known in line for known in KNOWN_WARNINGS)]


def with_fetch(folder: Path) -> None:
    said = succeeded(node("openapi-typescript", DOCUMENT, "--output", folder / "schema.ts", cwd=folder))
    assert "⚠" not in said


def with_hey_api(folder: Path) -> None:
    said = succeeded(node("openapi-ts", "--input", DOCUMENT, "--output", folder / "client", cwd=folder))
    assert "warn" not in said.lower()


MODELS = {
    "by_pydantic": ("pydantic_v2.BaseModel", "--strict-types", "str", "bytes", "int", "float", "bool"),
    "by_msgspec": ("msgspec.Struct", "--use-msgspec-tagged-unions"),
    "by_typed_dict": ("typing.TypedDict",),
    "by_dataclass": ("dataclasses.dataclass",),
}
"""Modules of models without a client, with the arguments that make them."""


def with_models(folder: Path, module: str) -> None:
    options = ("--use-annotated", "--formatters", "builtin", "--target-python-version", "3.11")
    file = folder / f"{module}.py"
    kind = ("--output-model-type", *MODELS[module])
    succeeded(tool("datamodel-codegen", "--input", DOCUMENT, *options, *kind, "--output", file))


def environment(live: Live) -> dict[str, str]:
    return {
        "SERVICE_URL": live.url,
        "TOKEN": live.ann.token,
        "NEWCOMER_TOKEN": live.newcomer(),
        "PEER": live.bob.handle,
        "PEER_TOKEN": live.bob.token,
        "GROUP": live.group,
    }


STRICT = f"[mypy]\nstrict = True\nfollow_imports = silent\ncache_dir = {ROOT / '.mypy_cache' / 'clients'}\n"
"""The cache is shared: half of a check is that of the libraries, which are the same for several clients."""
CHECKS = {
    # Its client.py calls __exit__ in a way that mypy refuses; a test below shows that it does so for every document.
    "attrs_client": "[mypy-cruddur_client.client]\nignore_errors = True\n",
    # Its templates, the same for every document, leave methods like __init__ without types, and what these return.
    "pydantic_client": (
        "[mypy-cruddur_client.*]\nallow_untyped_defs = True\nallow_incomplete_defs = True\n"
        "allow_untyped_calls = True\nwarn_return_any = False\n"
        "[mypy-cruddur_client.rest]\nimplicit_reexport = True\n"
    ),
}
"""Exceptions of each client's modules from the strict check, in which the program that uses it has none."""
PYTHON_CLIENTS = {"attrs_client": with_attrs, "pydantic_client": with_pydantic}
ON_NODE = ("openapi-fetch", "openapi-typescript", "@hey-api/openapi-ts", "typescript")
TYPESCRIPT_CLIENTS = {"openapi_fetch": with_fetch, "hey_api": with_hey_api}


@pytest.mark.parametrize("name", PYTHON_CLIENTS)
async def test_a_client_in_python(name: str, live: Live, tmp_path: Path) -> None:
    await asyncio.to_thread(PYTHON_CLIENTS[name], tmp_path)
    script = shutil.copy(PROGRAMS / f"{name}.py", tmp_path)
    shutil.copy(PROGRAMS / "sse.py", tmp_path)
    # What uses the client is checked strictly against the client's types, which must be sound in themselves.
    (tmp_path / "mypy.ini").write_text(STRICT + CHECKS[name])
    checked = ("--python-executable", PYTHON, tmp_path / "cruddur_client", script)
    succeeded(await asyncio.to_thread(run, MYPY, *checked, cwd=tmp_path))
    said = succeeded(
        await asyncio.to_thread(run, PYTHON, "-W", "error", script, cwd=tmp_path, environment=environment(live))
    )
    assert said == "", "nothing is left open"
    guided = tmp_path / "program.py"
    guided.write_text(python_program(name, live), encoding="utf-8")
    await says_what_the_guide_says(live, PYTHON, "-u", guided, cwd=tmp_path)


def test_models_without_a_client(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(partial(with_models, tmp_path), MODELS))
    script = shutil.copy(PROGRAMS / "models.py", tmp_path)
    (tmp_path / "mypy.ini").write_text(STRICT)
    succeeded(run(MYPY, "--python-executable", PYTHON, *tmp_path.glob("*.py"), cwd=tmp_path))
    succeeded(run(PYTHON, "-W", "error", script, DOCUMENT, cwd=tmp_path))


def test_what_is_not_strict_is_the_same_for_every_document(tmp_path: Path) -> None:
    other = tmp_path / "minimal.json"
    other.write_text(json.dumps(MINIMAL))
    for folder, document in (("ours", DOCUMENT), ("minimal", other)):
        (tmp_path / folder).mkdir()
        with_attrs(tmp_path / folder, document)
    ours, minimal = ((tmp_path / folder / "cruddur_client" / "client.py") for folder in ("ours", "minimal"))
    assert ours.read_bytes() == minimal.read_bytes()


def test_the_guide_has_the_versions_and_modules_that_are_tested() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    python = re.findall(r"^((?:datamodel|openapi)\S+==\S+)$", (LOCKS / "contract.in").read_text(), re.MULTILINE)
    on_node = json.loads((LOCKS / "contract" / "package.json").read_bytes())["dependencies"]
    for package in (*python, *(f"{name}@{on_node[name]}" for name in ON_NODE)):
        assert package in guide
    assert repr(CLIENT_CONFIG) in guide
    for file in ("sse.py", "sse.ts"):
        assert (PROGRAMS / file).read_text(encoding="utf-8") in guide


@pytest.mark.parametrize("name", TYPESCRIPT_CLIENTS)
async def test_a_client_in_typescript(name: str, live: Live, tmp_path: Path) -> None:
    await asyncio.to_thread(prepare, TYPESCRIPT_CLIENTS[name], name, tmp_path)
    (tmp_path / "program.ts").write_text(typescript_program(name, live), encoding="utf-8")
    succeeded(await asyncio.to_thread(node, "tsc", "--project", tmp_path, cwd=tmp_path))
    script = tmp_path / "built" / f"{name}.js"
    succeeded(await asyncio.to_thread(run, contract_node(), script, cwd=tmp_path, environment=environment(live)))
    await says_what_the_guide_says(live, contract_node(), tmp_path / "built" / "program.js", cwd=tmp_path)


def prepare(generate: Callable[[Path], None], name: str, folder: Path) -> None:
    """Make a front end's folder: the packages, the generated code, and the program that uses it."""
    (folder / "node_modules").symlink_to(CONTRACT_NPM / "node_modules")
    generate(folder)
    for file in (f"{name}.ts", "checks.ts", "sse.ts"):
        shutil.copy(PROGRAMS / file, folder)
    (folder / "package.json").write_text("{}")
    (folder / "tsconfig.json").write_text(json.dumps(TSCONFIG))


NO_SUCH_USER, WRITES = "Not sent: There is no user with this handle", "writes: In ten minutes."
TITLES = {
    "attrs_client": "Python: httpx and attrs",
    "pydantic_client": "Python: urllib3 and pydantic",
    "openapi_fetch": "TypeScript: openapi-fetch",
    "hey_api": "TypeScript: hey-api",
}
"""The heading in the guide above each client's program."""


def python_program(name: str, live: Live) -> str:
    """Return the guide's program of a client, with the token that the guide asks for."""
    return f"TOKEN = {live.ann.token!r}\n{program(name, live.url)}"


def typescript_program(name: str, live: Live) -> str:
    """Return the same of TypeScript, in a function: CommonJS has no await outside of functions."""
    imports, _, rest = program(name, live.url).partition("\n\n")
    return f"{imports}\nconst token = {json.dumps(live.ann.token)};\nvoid (async () => {{\n{rest}}})();\n"


def program(name: str, url: str) -> str:
    """Return the first program below the client's heading in the guide, made for this address of the service."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"### {TITLES[name]}\n")[2]
    found = re.search(r"^```(?:python|ts)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found, name
    assert "http://127.0.0.1:8000" in found[1]
    return found[1].replace("http://127.0.0.1:8000", url)


async def says_what_the_guide_says(live: Live, *command: str | Path, cwd: Path) -> None:
    """Run the program until it has printed both lines that the guide shows; the peer sends until its stream is open."""
    guide = GUIDE.read_text(encoding="utf-8")
    assert NO_SUCH_USER in guide
    assert WRITES in guide
    running = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=program_environment(), stdout=subprocess.PIPE, stderr=sys.stderr
    )
    assert running.stdout
    try:
        async with asyncio.timeout(60):
            assert (await running.stdout.readline()).decode() == f"{NO_SUCH_USER}\n"
            line = asyncio.create_task(running.stdout.readline())
            while not line.done():
                await answer(live)
                await asyncio.wait({line}, timeout=1)
            assert line.result().decode() == f"{live.bob.display_name} {WRITES}\n"
    finally:
        running.kill()
        await running.wait()


async def answer(live: Live) -> None:
    """Send the guide's answer as the peer, through the process that the program listens to."""
    headers: dict[str, Any] = {"authorization": f"Bearer {live.bob.token}"}
    async with httpx.AsyncClient(base_url=live.url, headers=headers, trust_env=False, timeout=60) as client:
        body = {"message": "In ten minutes.", "message_group_uuid": live.group}
        (await client.post("/api/messages", json=body)).raise_for_status()
