"""The composition of the command line: its commands, where they are, and how a failure of one is told.

Only the command that is called is loaded, so that `--help` is quick.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import typer
from typer import TyperException
from typer.core import TyperCommand, TyperGroup

from app.cli import failures
from app.cli.failures import Code, Failure, explained
from app.cli.local_service import use_local_service

FLAGS: Final = {"--debug": ("LOG_LEVEL", "DEBUG"), "--no-color": ("NO_COLOR", "1")}
"""Flags that stand in front of a command or behind it, each with the environment variable that it sets."""


class Entry(NamedTuple):
    """A command's section in the help, its module and its summary, which are listed without loading it."""

    section: str
    module: str
    summary: str


COMMANDS: Final = {
    "schema-load": Entry("Table", "table.schema", "Create the table, or say how the existing one differs."),
    "list-tables": Entry("Table", "table.schema", "List the tables of this engine or account."),
    "describe": Entry("Table", "table.schema", "Show keys, index, billing, size and switches of the table."),
    "drop": Entry("Table", "table.schema", "Delete a table and everything in it."),
    "scan": Entry("Table", "table.scan", "Read all items, filtered, in parallel."),
    "verify": Entry("Table", "table.verify", "Find holes and orphans, and repair messages and inbox rows."),
    "purge": Entry("Table", "table.purge", "Remove the texts that the retention has ended."),
    "get-conversation": Entry(
        "Conversations", "conversations.commands", "Show the messages of a group or of two users."
    ),
    "list-conversations": Entry(
        "Conversations", "conversations.commands", "Show a user's message groups, newest first."
    ),
    "members": Entry("Conversations", "conversations.members", "Show the members of a group, and their roles."),
    "export": Entry("Conversations", "conversations.export", "Write groups, or everything, as JSON lines."),
    "import": Entry("Conversations", "conversations.importing", "Read an export."),
    "import-bootcamp": Entry(
        "Conversations", "bootcamp.commands", "Bring over the messages and users of the boot camp's table."
    ),
    "seed": Entry("Conversations", "seed.commands", "Write users and conversations, in any number."),
    "list-users": Entry("Users", "people.commands", "List the accounts of the Cognito user pool."),
    "update-cognito-user-ids": Entry(
        "Users", "people.commands", "Link users in Postgres to their accounts in the pool."
    ),
    "users": Entry(
        "Users", "people.commands", "Create users for accounts in the pool; disable, enable and export users."
    ),
    "blocks": Entry("Users", "people.blocks", "List the users that a user has blocked."),
    "erase": Entry("Users", "people.erase", "Erase a user for good, and sweep after erased users."),
    "token": Entry("Users", "people.token", "Print an access token for a user. Local only."),
    "reports": Entry("Moderation", "moderation.reports", "Show and close what users have reported."),
    "audit": Entry("Moderation", "moderation.audit", "Show what operators have read of a user's conversations."),
    "migrate": Entry("Postgres", "migrations", "Bring the schema up to date."),
    "rollback": Entry("Postgres", "migrations", "Take the schema one version back."),
    "migrations": Entry("Postgres", "migrations", "List the versions, and which are applied."),
    "capacity": Entry("Capacity", "capacity.commands", "Report, plan, set and autoscale read and write units."),
    "doctor": Entry("Service", "doctor", "Check settings, credentials, table, schema and keys."),
    "openapi": Entry("Service", "openapi.commands", "Write the HTTP contract."),
}


class Commands(TyperGroup):
    """A group that lists its commands without loading them, and loads the one that is called."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=entry.summary) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        command: Any = typer.main.get_command(import_module(f"app.cli.{COMMANDS[name or ''].module}").app)
        if isinstance(command, TyperGroup):  # a module's app may hold several commands, or be a group itself
            command = command.commands.get(name or "", command)
        return name, command, rest

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, e.summary) for name, e in COMMANDS.items() if e.section == section])


app = typer.Typer(cls=Commands, rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback(epilog="\b\nExit codes:\n" + "\n".join(f"  {line}" for line in (failures.__doc__ or "").splitlines()[2:]))
def cruddur() -> None:
    """Work with Cruddur's messages: the DynamoDB table, the users in Postgres, and their accounts at Cognito.

    Commands work on the service that scripts/up runs in this checkout. If none runs, or if one of ENVIRONMENT,
    DATABASE_URL and DYNAMODB_ENDPOINT_URL is set, they read the same settings as the service. Each command says on
    standard error what it works on. `cruddur COMMAND --help` has examples.

    \b
    Options of every command:
      --json      Print JSON lines, for machines, if the command prints anything.
      --no-color  Print no colours, as with NO_COLOR in the environment.
      --debug     Show logs (as LOG_LEVEL does), and where a command has failed.
    """
    import structlog  # noqa: PLC0415  # 0.2 s, which --help does without

    level = getattr(logging, os.environ.get("LOG_LEVEL") or "CRITICAL", logging.INFO)  # else its own words suffice
    steps = structlog.processors
    structlog.configure(
        processors=[steps.add_log_level, steps.TimeStamper(fmt="iso", utc=True), steps.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("alembic").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(level)  # it reports what a cancelled command left to the end of the process


def run() -> None:
    """Run the command line and exit with its code."""
    os.environ.update({name: value for flag, (name, value) in FLAGS.items() if flag in sys.argv})
    if sys.stderr is None:  # closed: what is printed there would go to standard output
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # stays open for the life of the process
    code = _run([argument for argument in sys.argv[1:] if argument not in FLAGS], debug="--debug" in sys.argv)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # what is still buffered can go nowhere, and must not fail again at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(arguments: Sequence[str], *, debug: bool) -> int:
    try:
        if sys.stdout is None:
            raise Failure("Standard output is closed: give the command one, such as /dev/null.", Code.USAGE)
        use_local_service()
        result = app(arguments, prog_name="cruddur", standalone_mode=False)
        if isinstance(result, Coroutine):  # a command that awaits an engine
            result = asyncio.run(result)
        code = result or Code.DONE
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = Code.INTERRUPTED
    except Exception as error:
        if debug and not isinstance(error, TyperException):
            raise
        code = _explain(error)
    if code == Code.INTERRUPTED:
        print("Interrupted. The same command goes on from here.", file=sys.stderr)
    return int(code)


def _explain(error: Exception) -> Code:
    """Print one line on standard error and return the exit code. Of an exception group the first counts."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BrokenPipeError):  # the reader of the output, such as head, has ended
        return Code.PIPE_CLOSED
    sentence, code = (_usage(error), Code.USAGE) if isinstance(error, TyperException) else explained(error)
    one_line = " ".join(sentence.splitlines())
    print(sentence if sentence.startswith("Usage: ") else f"cruddur: {one_line}", file=sys.stderr)
    return code


def _usage(error: TyperException) -> str:
    """Return what is wrong with the arguments; of a group without a command its help."""
    message = error.format_message()
    if message.startswith("Usage: "):
        return message
    path = getattr(getattr(error, "ctx", None), "command_path", "cruddur")
    return f"{message.rstrip('.')}. `{path} --help` explains."
