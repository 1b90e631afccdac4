"""The container files, as far as they can be checked without a container engine: read, and done by hand."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from app import __version__
from app.settings import Settings
from scripts import bootstrap
from scripts.engines.process import Child, free_port

ROOT = bootstrap.ROOT
PINNED = r"[a-z/]+:\d+\.\d+(\.\d+)?(-\w+)+@sha256:[0-9a-f]{64}"


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile in order, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    pairs = [line.strip().partition(" ") for line in text.splitlines() if line.strip()]
    return [(name, rest.strip()) for name, _, rest in pairs]


def arguments_of(wanted: str) -> list[str]:
    return [rest for name, rest in instructions() if name == wanted]


def last_stage() -> list[tuple[str, str]]:
    everything = instructions()
    start = max(at for at, (name, _) in enumerate(everything) if name == "FROM")
    return everything[start:]


def command_of(text: str) -> list[str]:
    command: list[str] = json.loads(text[text.index("[") :])
    return command


def compose() -> dict[str, Any]:
    """Return compose.yaml with the defaults of its variables filled in."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / "compose.yaml").read_text())
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def test_bases_are_pinned_and_nothing_is_fetched_by_address() -> None:
    assert all(re.fullmatch(r"\$\{PYTHON_IMAGE\}( AS \w+)?", base) for base in arguments_of("FROM"))
    defaults = [rest.partition("=")[2] for rest in arguments_of("ARG") if rest.startswith("PYTHON_IMAGE=")]
    assert len(defaults) == 1
    assert re.fullmatch(PINNED, defaults[0])
    assert not arguments_of("ADD")
    assert "://" not in " ".join(arguments_of("RUN"))


def test_the_labels_are_those_of_the_open_container_initiative() -> None:
    [labels] = [dict(re.findall(r'([\w.]+)="([^"]*)"', rest)) for name, rest in last_stage() if name == "LABEL"]
    wanted = "title description authors licenses version revision source base.name"
    assert labels.keys() == {f"org.opencontainers.image.{name}" for name in wanted.split()}
    arguments = dict(rest.partition("=")[::2] for rest in arguments_of("ARG"))
    assert arguments["VERSION"] == __version__
    used = {name for value in labels.values() for name in re.findall(r"\$\{(\w+)\}", value)}
    assert used <= arguments.keys()


def test_the_result_runs_as_a_numbered_user_without_a_compiler() -> None:
    stage = last_stage()
    [user] = [rest for name, rest in stage if name == "USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert not [rest for name, rest in stage if name == "RUN" and re.search(r"apt|apk|gcc|build-essential", rest)]
    assert [name for name, _ in stage].index("USER") > max(at for at, (name, _) in enumerate(stage) if name == "RUN")


def test_copied_files_exist_and_the_build_context_has_no_others() -> None:
    copied = [source for rest in arguments_of("COPY") for source in rest.split()[:-1]]
    assert all((ROOT / source).exists() for source in copied)
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert patterns[0] == "*"
    assert {line[1:] for line in patterns if line.startswith("!")} == {source.split("/")[0] for source in copied}


def test_packages_are_installed_by_hash_from_wheels() -> None:
    installs = re.findall(r"pip (?:install|wheel) .*?(?=&&|$)", " ".join(arguments_of("RUN")))
    assert installs
    assert all("--require-hashes --only-binary :all:" in line or "--no-deps" in line for line in installs)


def test_compose_names_existing_services_and_volumes() -> None:
    document = compose()
    services = document["services"]
    assert {"app", "migrate", "postgres", "dynamodb", "valkey"} <= services.keys()
    for service in services.values():
        assert service.get("depends_on", {}).keys() <= services.keys()
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= document["volumes"].keys()
        assert "build" in service or re.fullmatch(PINNED, service["image"])
    bases = re.findall(r"^FROM (.*)$", services["dynamodb"]["build"]["dockerfile_inline"], re.MULTILINE)
    assert bases
    assert all(re.fullmatch(PINNED, base) for base in bases)


def test_compose_starts_a_service_after_its_dependencies_are_healthy() -> None:
    services = compose()["services"]
    needs = [need for service in services.values() for need in service.get("depends_on", {}).items()]
    conditions = {name: need["condition"] for name, need in needs}
    assert all("test" in services[name]["healthcheck"] for name in ("postgres", "dynamodb", "valkey"))
    assert {conditions[name] for name in ("postgres", "dynamodb", "valkey")} == {"service_healthy"}
    assert {conditions[name] for name in ("migrate", "seed")} == {"service_completed_successfully"}


def test_compose_serves_on_loopback_only_and_takes_secrets_from_variables() -> None:
    text = (ROOT / "compose.yaml").read_text()
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]
    assert re.findall(r"PASSWORD: (.*)", text) == ["${POSTGRES_PASSWORD:-only-for-a-laptop}"]


def test_the_service_accepts_what_compose_sets() -> None:
    environment = compose()["services"]["app"]["environment"]
    settings = Settings.model_validate({name.lower(): value for name, value in environment.items()})
    assert settings.environment == "local"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment made as the Dockerfile makes its result: wheels by the lock, and the project's own wheel."""
    folder = tmp_path_factory.mktemp("image")
    environment = bootstrap.clean_environment()

    def run(*command: str | Path) -> None:
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)

    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    run(bootstrap.UV, "venv", "--quiet", "--python", bootstrap.PYTHON, folder / "venv")
    install = (bootstrap.UV, "pip", "install", "--quiet", "--python", folder / "venv")
    run(*install, "--require-hashes", "--only-binary", ":all:", "--requirement", "requirements.lock")
    run(*install, "--no-deps", *folder.glob("*.whl"))
    return folder


@pytest.fixture
def container(image: Path, empty_database_url: str, dynamodb_url: str) -> dict[str, str]:
    """The environment variables of a container of this image."""
    port = free_port()
    return {
        "PATH": f"{image / 'venv' / 'bin'}:{os.defpath}",
        "ENVIRONMENT": "local",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(image / "data"),
        "DATABASE_URL": empty_database_url,
        "DYNAMODB_ENDPOINT_URL": dynamodb_url,
        "DYNAMODB_TABLE": f"test-{uuid4()}",
        "COGNITO_ISSUER_URL": f"http://127.0.0.1:{port}/local",
        "COGNITO_CLIENT_IDS": "local",
    }


def test_the_image_migrates_seeds_serves_and_stops(image: Path, container: dict[str, str]) -> None:
    def run(command: list[str]) -> int:
        return subprocess.Popen(command, cwd=image, env=container, stderr=subprocess.DEVNULL).wait()

    assert [run(compose()["services"][name]["command"]) for name in ("migrate", "seed")] == [0, 0]
    [check], [command] = arguments_of("HEALTHCHECK"), arguments_of("CMD")
    program, *rest = command_of(command)
    server = Child("server", image / "server.log")
    server.start(f"{image / 'venv' / 'bin' / program}", *rest, env=container)
    try:
        server.wait_until(lambda: run(command_of(check)) == 0, seconds=20)
        with httpx.Client(base_url=f"http://127.0.0.1:{container['PORT']}", trust_env=False, timeout=20) as client:
            # A dependency that a loaded machine has kept from answering in time is asked again.
            server.wait_until(lambda: client.get("/readyz").status_code == httpx.codes.OK, seconds=20)
            assert "server" not in client.get("/readyz").headers
    finally:
        server.stop(signal.SIGTERM, seconds=15)
    assert server.exit_code() == 0
    assert "Finished server process" in server.log.read_text()
