"""The command line: help, wrong arguments, its target, and its failures."""

import asyncio
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.cli.local_service import publish_settings, published_settings
from app.cli.main import COMMANDS
from app.errors import Unavailable, with_hint
from tests.cli.conftest import Place
from tests.tools.command import cruddur
from tests.tools.forks import fork

UNAVAILABLE = {
    "DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:1",
    "DATABASE_URL": "postgresql://user:pass@127.0.0.1:1/none",
}


def test_help_lists_every_command_without_loading_one() -> None:
    code = """if True:
        import sys
        from app.cli.main import COMMANDS, app
        app(["--help"], prog_name="cruddur", standalone_mode=False)
        commands = {f"app.cli.{entry.module}" for entry in COMMANDS.values()}
        print("loaded:", *sys.modules.keys() & {"fastapi", "botocore", "pydantic", "rich", *commands})
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"  {name}  " in ended.stdout for name in COMMANDS)
    assert ended.stdout.splitlines()[-1] == "loaded:"


@pytest_asyncio.fixture(scope="module")
async def helps() -> dict[str, str]:
    return await explained(*((name,) for name in COMMANDS))


async def test_each_command_explains_itself_with_examples(helps: dict[str, str]) -> None:
    assert [name for name, text in helps.items() if f"Examples:\n    cruddur {name}" not in text] == []


async def test_no_help_is_cut_off_or_wider_than_80_columns(helps: dict[str, str]) -> None:
    """The summary is one line, and a list of subcommands has it whole. Examples are as long as they have to be."""
    subcommands = {name: re.findall(r"^  (\S+)  ", of_group(text), re.MULTILINE) for name, text in helps.items()}
    helps = helps | await explained(*((name, each) for name, of_name in subcommands.items() for each in of_name))
    assert {"capacity plan", "users sync", "reports list", "audit list"} <= helps.keys()
    wide = {f"{name}: {line}" for name, text in helps.items() for line in text.splitlines() if len(line) > 80}
    assert {line for line in wide if ":     cruddur " not in line} == set()
    assert [name for name, text in helps.items() if "...\n" in of_group(text)] == []
    assert [name for name, text in helps.items() if text.split("\n\n")[1].count("\n")] == []


async def explained(*commands: tuple[str, ...]) -> dict[str, str]:
    """Return what each command prints with --help, in 80 columns."""
    ended = {" ".join(names): await cruddur(*names, "--help", env={"COLUMNS": "80"}) for names in commands}
    assert {each.code for each in ended.values()} == {0}
    return {name: each.out for name, each in ended.items()}


def of_group(text: str) -> str:
    """Return the list of subcommands in a help, if it has one."""
    return text.partition("\nCommands:\n")[2].partition("\n\n")[0] + "\n"


WRONG = [
    ("no-such-command", "No such command"),
    ("drop", "Missing argument 'TABLE'"),
    ("scan --limit none", "Invalid value for '--limit'"),
    ("scan --filter nonsense", "is not a filter"),
    ("scan --filter nosuch=1", "There is no field 'nosuch': the fields are"),
    ("get-conversation juniper osman --before 5 --after 3", "Only a single parameter"),
    ("get-conversation juniper osman priya", "two handles"),
    ("get-conversation not-a-uuid", "is not a group's uuid"),
    ("members juniper", "Invalid value for 'GROUP': Input should be a valid UUID"),
    ("seed --users 2 --groups 2", "at most 1 pairs"),
    ("seed --users 5 --groups 5 --messages 4", "at least one message"),
    ("import /nonexistent.jsonl", "does not exist"),
    ("export", "one group, two handles, --user, or --all"),
    ("list-conversations juniper --before yesterday", "Invalid value for '--before'"),
]


async def test_a_wrong_argument_is_one_line(stock: Place) -> None:
    runs = await asyncio.gather(*(stock.run(*command.split()) for command, _ in WRONG))
    for (command, complaint), ended in zip(WRONG, runs, strict=True):
        assert ended.code == 2, command
        assert complaint in ended.complaint
        assert "Traceback" not in ended.err
        assert ended.out == ""


async def test_a_group_without_a_command_explains_itself() -> None:
    for ended in await asyncio.gather(*(cruddur(*group, env={}) for group in ([], ["capacity"], ["users"]))):
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("Usage: cruddur")
        assert "` explains" not in ended.err


async def test_an_unavailable_engine_is_one_line(engines: Place) -> None:
    commands = (
        "list-tables",
        "describe",
        "schema-load",
        "drop some-table --yes",
        "scan",
        "seed",
        "migrate",
        "verify",
        "get-conversation juniper osman",
        "migrations",
        "export --user juniper",
    )
    runs = await asyncio.gather(*(engines.run(*command.split(), **UNAVAILABLE) for command in commands))
    for command, ended in zip(commands, runs, strict=True):
        assert ended.code == 3, (command, ended)
        assert ended.complaint.startswith("cruddur: ")
        assert "Traceback" not in ended.err


async def test_the_target_is_always_announced_without_its_password(stock: Place) -> None:
    ended = await stock.done("list-conversations", "juniper")
    assert f"local engine {stock.environment['DYNAMODB_ENDPOINT_URL']}, table {stock.table_name}" in ended.err
    assert "Target: local Postgres 127.0.0.1:" in ended.err
    password = stock.environment["DATABASE_URL"].split("@")[0].rpartition(":")[2]
    assert password not in ended.err + ended.out


async def test_a_command_needs_only_its_own_settings(engines: Place) -> None:
    few = {name: engines.environment[name] for name in ("ENVIRONMENT", "DYNAMODB_ENDPOINT_URL")}
    assert (await cruddur("list-tables", env=few)).code == 0
    ended = await cruddur("list-conversations", "juniper", env=few)
    assert ended.code == 2
    assert ended.complaint.startswith("cruddur: DATABASE_URL is not set.")


async def test_missing_aws_credentials_are_named() -> None:
    ended = await cruddur("list-tables", env={"ENVIRONMENT": "production", "AWS_EC2_METADATA_DISABLED": "true"})
    assert ended.code == 3
    assert "There are no AWS credentials" in ended.complaint


def test_an_error_has_its_remedy_once() -> None:
    refused = Unavailable("DynamoDB refused the call", remedy="sign in again")
    assert with_hint(refused) == "DynamoDB refused the call: sign in again"
    assert with_hint(Unavailable("sign in")) == "sign in"


async def test_debug_shows_logs_and_where_it_failed(engines: Place) -> None:
    ended = await engines.run("list-tables", "--debug", **UNAVAILABLE)
    assert ended.code != 0
    assert "Traceback" in ended.err
    logged = [json.loads(line) for line in ended.err.splitlines() if line.startswith("{")]
    assert {line["event"] for line in logged} >= {"dynamodb_retry"}


async def test_colours_only_on_a_terminal_and_never_when_off(stock: Place) -> None:
    ended = await stock.done("list-conversations", "juniper")
    assert "\x1b" not in ended.out + ended.err
    ended = await stock.done("list-conversations", "juniper", "--no-color", FORCE_COLOR="1")
    assert "\x1b[3" not in ended.out


async def test_commands_use_the_service_that_scripts_up_runs(
    stock: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stock.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENVIRONMENT", "local")
    here = {"DATA_DIR": str(tmp_path), "TZ": "UTC"}
    with (tmp_path / "up.lock").open("w") as lock, publish_settings(tmp_path):
        assert (tmp_path / "running.json").stat().st_mode & 0o777 == 0o600
        assert published_settings(tmp_path) == {}  # the file alone is not enough: the lock is not held
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = await cruddur("list-conversations", "juniper", env=here)
        assert ended.code == 0, ended
        elsewhere = {**UNAVAILABLE, "INSECURE_ALLOWED": "DYNAMODB_ENDPOINT_URL"}
        given = await cruddur("list-tables", env={**here, **elsewhere})
        assert given.code == 3, "what the environment says comes first"
    assert not (tmp_path / "running.json").exists()
    assert published_settings(tmp_path) == {}


def test_the_shell_script_runs_it_from_anywhere(stock: Place, tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "cruddur"
    ended = subprocess.run(
        [script, "get-conversation", "juniper", "osman", "--limit", "1", "--json"],
        cwd=tmp_path,
        env={**os.environ, **stock.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 1


FULL = "cruddur: The output cannot be written: No space left on device."
CLOSED = "cruddur: Standard output is closed: give the command one, such as /dev/null."
OUTPUTS = [
    ("scan --json | true", 141, None),
    ("list-conversations juniper --json | true", 141, None),
    ("scan --json > /dev/full", 2, FULL),
    ("openapi | true", 141, None),
    ("scan --json >&-", 2, CLOSED),
    ("export juniper osman >&-", 2, CLOSED),
]


@pytest.mark.parametrize(("command", "code", "complaint"), OUTPUTS)
def test_an_output_that_takes_nothing_is_never_done(
    stock: Place, command: str, code: int, complaint: str | None
) -> None:
    """A reader that ends, as head does, is no failure to talk about, but not the whole output either."""
    line = f"{sys.executable} -m app.cli {command}; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["/bin/bash", "-c", line],
        env={**os.environ, **stock.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended
    complaints = [line for line in ended.stderr.splitlines() if line.startswith("cruddur:")]
    assert complaints == ([complaint] if complaint else [])
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.fixture
def full() -> Iterator[int]:
    """A descriptor of a file that takes nothing."""
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@pytest.mark.parametrize("command", ["list-tables", "export juniper osman", "verify", "openapi"])
async def test_no_command_is_done_if_its_output_is_full(stock: Place, full: int, command: str) -> None:
    process = await fork("cruddur", *command.split(), env=stock.environment, stdout=full, stderr=subprocess.PIPE)
    _, err = await process.communicate()
    assert (process.returncode, err.decode().splitlines()[-1]) == (2, FULL)
    assert "Traceback" not in err.decode()


def test_a_closed_standard_error_leaves_the_output_clean(stock: Place) -> None:
    command = f"{sys.executable} -m app.cli list-conversations juniper --json 2>&-"
    ended = subprocess.run(
        ["/bin/sh", "-c", command], env={**os.environ, **stock.environment}, capture_output=True, text=True, check=True
    )
    assert len([json.loads(line) for line in ended.stdout.splitlines()]) == 5


async def test_ctrl_c_ends_a_question_at_once(tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text('{"entity": "end", "messages": 0, "inbox_rows": 0, "users": 0}\n')
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        "import",
        file,
        "--production",
        env={"PATH": os.environ["PATH"], "ENVIRONMENT": "production"},
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    await process.stderr.readuntil(b"Type ")
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(10):
        assert await process.wait() == 130
