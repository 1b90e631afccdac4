"""The command token: an access token for a user, signed by the local issuer."""

import time
from typing import Annotated

import typer

from app.auth.issuer import LocalIssuer
from app.cli.console import Console
from app.cli.failures import Code, Failure
from app.cli.lookup import find_user
from app.cli.options import Json, examples
from app.cli.services import open_users
from app.settings import Settings, read_settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "token",
    epilog=examples(
        "token juniper",
        'token juniper | xargs -I{} curl -H "Authorization: Bearer {}" localhost:8000/api/message_groups',
    ),
)
async def token(handle: Annotated[str, typer.Argument(metavar="HANDLE", help="The user.")], json: Json = False) -> None:
    """Print an access token for a user of the local service.

    It is valid for an hour. Only with ENVIRONMENT=local: anywhere else tokens come from the user pool.
    """
    settings, console = read_settings(Settings), Console(json)
    if settings.environment != "local":
        raise Failure(f"ENVIRONMENT is {settings.environment}: tokens come from the user pool there.", Code.REFUSED)
    async with open_users(settings) as users:
        user = await find_user(users, handle)
    access_token = LocalIssuer(settings).token(user.cognito_user_id, time.time())
    console.record({"handle": user.handle, "access_token": access_token})
    console.say(access_token)
