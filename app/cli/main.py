"""The command line's composition: which commands there are, where they live, and what happens when one fails.

Only the command that is asked for is loaded, so that `--help` is quick.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer import TyperException
from typer.core import TyperCommand, TyperGroup

from app.cli import failures
from app.cli.failures import Code, Failure, with_hint
from app.cli.target import adopt_running, configure_logs
from app.errors import AppError

FLAGS: Final = {"--debug": ("LOG_LEVEL", "DEBUG"), "--no-color": ("NO_COLOR", "1")}
"""Understood in front of and behind every command; each is the same as a variable of the environment."""


class Entry(NamedTuple):
    """Where a command is and what it does, so that a list of commands need not load them."""

    section: str
    module: str
    summary: str


COMMANDS: Final = {
    "schema-load": Entry("Table", "table.schema", "Create the table, or say how the one that is there differs."),
    "list-tables": Entry("Table", "table.schema", "The tables of this engine or account."),
    "describe": Entry("Table", "table.schema", "Keys, index, billing, size and switches of the table."),
    "drop": Entry("Table", "table.schema", "Delete a table and everything in it."),
    "scan": Entry("Table", "table.scan", "Look through all items, filtered, in parallel."),
    "verify": Entry("Table", "table.verify", "Find holes and orphans, and repair what is derived."),
    "get-conversation": Entry("Conversations", "conversations.commands", "The messages of a group or of two people."),
    "list-conversations": Entry("Conversations", "conversations.commands", "Somebody's message groups, newest first."),
    "export": Entry("Conversations", "conversations.transfer", "Write groups as JSON lines."),
    "import": Entry("Conversations", "conversations.transfer", "Read groups from JSON lines."),
    "seed": Entry("Conversations", "seed.commands", "Write people and conversations, as many as you like."),
    "list-users": Entry("Users", "people.commands", "The people of the Cognito user pool."),
    "update-cognito-user-ids": Entry("Users", "people.commands", "Give users in Postgres their subject in the pool."),
    "users": Entry("Users", "people.commands", "Bring the people of the user pool into Postgres."),
    "token": Entry("Users", "people.token", "An access token for somebody. Local only."),
    "migrate": Entry("Postgres", "migrations", "Bring the schema up to date."),
    "rollback": Entry("Postgres", "migrations", "Take the schema one version back."),
    "migrations": Entry("Postgres", "migrations", "Which versions there are, and which are applied."),
    "capacity": Entry("Capacity", "capacity.commands", "Report, plan, set and autoscale read and write units."),
    "doctor": Entry("Service", "doctor", "Check settings, credentials, table, schema and keys."),
    "openapi": Entry("Service", "openapi.commands", "Write the HTTP contract."),
}


class Commands(TyperGroup):
    """A group that knows its commands by name and loads one when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # click's signature
        entry = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=entry.summary) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, _load(name or ""), rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # click's signature
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, e.summary) for name, e in COMMANDS.items() if e.section == section])


def _load(name: str) -> Any:
    """A command out of its module's `app`, which may hold several, or be a group itself."""
    command: Any = typer.main.get_command(import_module(f"app.cli.{COMMANDS[name].module}").app)
    return command.commands.get(name, command) if isinstance(command, TyperGroup) else command


app = typer.Typer(cls=Commands, rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback(epilog="\b\nExit codes:\n" + "\n".join(f"  {line}" for line in (failures.__doc__ or "").splitlines()[2:]))
def cruddur() -> None:
    """Work with Cruddur's messages: the DynamoDB table, the users in Postgres, and their sign-in.

    \b
    Commands find what scripts/up runs in this checkout by themselves. Otherwise, or when one of ENVIRONMENT,
    DATABASE_URL and DYNAMODB_ENDPOINT_URL is set, the settings are those of the service. Each command says on
    standard error what it works on. `cruddur COMMAND --help` has examples.

    \b
    Everywhere:
      --json      For machines, where there is something to print.
      --no-color  No colours, as with NO_COLOR in the environment.
      --debug     Show logs (as LOG_LEVEL does), and where a failure happened.
    """
    configure_logs()


def run() -> None:
    """The program."""
    given = sys.argv[1:]
    debug = "--debug" in given
    os.environ.update({name: value for flag, (name, value) in FLAGS.items() if flag in given})
    try:
        sys.exit(_run([argument for argument in given if argument not in FLAGS], debug=debug))
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Code.DONE)


def _run(arguments: Sequence[str], *, debug: bool) -> int:
    try:
        adopt_running()
        code = app(arguments, prog_name="cruddur", standalone_mode=False) or Code.DONE
        sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        if debug and not isinstance(error, TyperException):
            raise
        code = _explain(error)
    if code == Code.INTERRUPTED:
        print("Interrupted. The same command goes on from here.", file=sys.stderr)
    return int(code)


def _explain(error: Exception) -> Code:
    """One line on standard error, and the exit code. Of several that failed together the first speaks."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    sentence, code = _sentence(error)
    print(sentence if sentence.startswith("Usage: ") else f"cruddur: {sentence}", file=sys.stderr)
    return code


def _sentence(error: Exception) -> tuple[str, Code]:
    if isinstance(error, TyperException):
        message = error.format_message()
        if message.startswith("Usage: "):  # a group without a command
            return message, Code.USAGE
        path = getattr(getattr(error, "ctx", None), "command_path", "cruddur")
        return f"{message.rstrip('.')}. `{path} --help` explains.", Code.USAGE
    if isinstance(error, Failure):
        return str(error), error.code
    if isinstance(error, AppError):
        return with_hint(error), Code.UNAVAILABLE
    return f"{type(error).__name__}: {error}. This is a mistake of the program; --debug shows where.", Code.BUG
