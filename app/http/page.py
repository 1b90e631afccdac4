"""The chat page: its files, and its configuration by this installation."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.http.static import StaticFile, StaticFolder
from app.http.types import ResponseModel
from app.settings import LONGEST_MESSAGE, MAX_WINDOW, Settings

FOLDER = Path(__file__).parent.parent / "web" / "static"
BUNDLE = "bundle/page.js"
"""All modules of the page in one file, which scripts/bundle makes. Its first line has their digest."""
SCOPE = "openid"
DEPTHS = 3
"""Folders, the root included, in which the page has addresses."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {places};"
    " manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
"""A policy that allows our own files only. `require-trusted-types-for` keeps text from becoming markup."""


class LocalSignIn(ResponseModel):
    """Sign-in as any user of this installation, by `/local/users` and `/local/token`."""

    kind: Literal["local"] = Field(description="Kind of sign-in", examples=["local"])


Address: TypeAlias = Annotated[str, Field(max_length=2000, json_schema_extra={"format": "uri"})]


class CognitoSignIn(ResponseModel):
    """Sign-in on Cognito's pages, by the authorization code grant with PKCE (RFC 7636)."""

    kind: Literal["cognito"] = Field(description="Kind of sign-in", examples=["cognito"])
    authorize_url: Address = Field(
        description="Authorization endpoint",
        examples=["https://example.auth.us-east-1.amazoncognito.com/oauth2/authorize"],
    )
    token_url: Address = Field(
        description="Token endpoint",
        examples=["https://example.auth.us-east-1.amazoncognito.com/oauth2/token"],
    )
    revoke_url: Address = Field(
        description="Revocation endpoint (RFC 7009)",
        examples=["https://example.auth.us-east-1.amazoncognito.com/oauth2/revoke"],
    )
    logout_url: Address = Field(
        description="Logout endpoint", examples=["https://example.auth.us-east-1.amazoncognito.com/logout"]
    )
    client_id: str = Field(description="Id of the app client", max_length=128, examples=["7ndc3qk0example"])
    scope: str = Field(description="Scope to request", max_length=200, examples=[SCOPE])

    @classmethod
    def at(cls, domain_url: str, client_id: str) -> Self:
        """Return the sign-in at the domain of a user pool."""
        return cls(
            kind="cognito",
            authorize_url=f"{domain_url}/oauth2/authorize",
            token_url=f"{domain_url}/oauth2/token",
            revoke_url=f"{domain_url}/oauth2/revoke",
            logout_url=f"{domain_url}/logout",
            client_id=client_id,
            scope=SCOPE,
        )


class NoSignIn(ResponseModel):
    """No sign-in is configured (`COGNITO_DOMAIN_URL`)."""

    kind: Literal["none"] = Field(description="Kind of sign-in", examples=["none"])


SignIn: TypeAlias = Annotated[LocalSignIn | CognitoSignIn | NoSignIn, Field(discriminator="kind")]


class ConfigView(ResponseModel):
    """The configuration that a page needs before sign-in."""

    sign_in: SignIn = Field(description="How users sign in", examples=[{"kind": "local"}])
    message_max_length: int = Field(
        ge=1,
        le=LONGEST_MESSAGE,
        description="Maximum length of a message in characters (code points), white space included",
        examples=[1024],
    )
    edit_window_seconds: int = Field(
        ge=0,
        le=MAX_WINDOW,
        description="Seconds after it was sent in which a message can be edited",
        examples=[86_400],
    )
    delete_window_seconds: int = Field(
        ge=0,
        le=MAX_WINDOW,
        description="Seconds after it was sent in which a message can be deleted for all",
        examples=[172_800],
    )
    shows_edits: bool = Field(description="Whether members can read earlier texts of messages", examples=[True])
    erased_messages: Annotated[
        Literal["keep", "remove"],
        Field(
            description="What becomes of the messages of a user that is deleted: the other members keep them without a"
            " name, or they are deleted",
            examples=["keep"],
        ),
    ]
    message_retention_days: int | None = Field(
        ge=1,
        le=36_500,
        description="Days after which the content of a message is not shown any more, to any member; null: it stays",
        examples=[365],
    )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the configuration of this installation."""
        sign_in: SignIn = NoSignIn(kind="none")
        if settings.environment == "local":
            sign_in = LocalSignIn(kind="local")
        elif settings.cognito_domain_url:
            sign_in = CognitoSignIn.at(settings.cognito_domain_url, settings.cognito_client_ids[0])
        return cls(
            sign_in=sign_in,
            message_max_length=settings.message_max_length,
            edit_window_seconds=settings.edit_window_seconds,
            delete_window_seconds=settings.delete_window_seconds,
            shows_edits=settings.shows_edits,
            erased_messages=settings.erased_messages,
            message_retention_days=settings.message_retention_days,
        )


def page_markup(files: Mapping[str, StaticFile]) -> bytes:
    """Return the page. It loads the bundle, or the modules themselves if it is not made of these, as after an edit."""
    markup, bundle = files["index.html"].content, files.get(BUNDLE)
    if bundle and bundle.content.startswith(bundle_head(files)):
        return markup
    return markup.replace(BUNDLE.encode(), b"app.js")


def bundle_head(files: Mapping[str, StaticFile]) -> bytes:
    """Return the first line of a bundle of the modules among these files."""
    digest = hashlib.sha256()
    for name in sorted(files):
        if name.endswith(".js") and name != BUNDLE:
            digest.update(f"{name}\0".encode() + files[name].content)
    return f"// Made by scripts/bundle of the modules with the digest {digest.hexdigest()}\n".encode()


def page_router(settings: Settings) -> APIRouter:
    """Read the files of the chat page, and return its routes and that of its configuration."""
    router = APIRouter()
    config = ConfigView.of(settings)
    places = " ".join(filter(None, ["'self'", settings.cognito_domain_url]))
    headers = {"Content-Security-Policy": POLICY.format(places=places), "Cache-Control": "no-cache"}
    files = StaticFolder(FOLDER, headers)
    markup = page_markup(files.files)
    pages = [  # files are named relative to an address: a proxy may serve it below a prefix
        StaticFile.of(markup.replace(b'"static/', b'"' + b"../" * depth + b"static/"), "text/html", headers)
        for depth in range(DEPTHS)
    ]

    @router.get("/api/config", tags=["page"], operation_id="get_config")
    async def get_config() -> ConfigView:
        """Return the configuration that a page needs before sign-in.

        It says how users sign in, how long a message may be, and for how long it can be changed.
        """
        return config

    @router.get("/", include_in_schema=False)
    @router.get("/messages", include_in_schema=False)
    @router.get("/messages/new/{handle}", include_in_schema=False)
    @router.get("/messages/{message_group_uuid}", include_in_schema=False)
    @router.get("/messages/{message_group_uuid}/{number}", include_in_schema=False)
    async def get_page(request: Request) -> Response:  # its script reads the address
        path: str = request.scope["path"]
        return pages[path.count("/") - 1].response(request)

    @router.get("/static/{path:path}", include_in_schema=False)
    async def get_page_file(request: Request, path: str) -> Response:
        return files.response(request, path)

    return router
