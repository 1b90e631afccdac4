"""The local issuer over HTTP, with a users service of four people."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.auth.issuer import LocalIssuer
from app.auth.tokens import Claims
from app.errors import AppError
from app.http.problems import on_app_error
from app.users import local_routes
from app.users.errors import HandleReserved, UserNotFound
from app.users.models import User
from tests.auth.forge import NOW, SETTINGS, Clock, Endpoint, bearer, serving

AMELIE = User(uuid4(), "amelie", "Amélie", str(uuid4()), datetime.fromtimestamp(NOW, UTC))


@dataclass
class OnePerson:
    """The methods of the users service that the routes need."""

    async def get_by_handle(self, handle: str) -> User:
        if handle.lower() != AMELIE.handle:
            raise UserNotFound
        return AMELIE

    async def find_by_handle(self, handle: str) -> User | None:
        return AMELIE if handle.lower() == AMELIE.handle else None

    async def register(self, claims: Claims, *, handle: str, display_name: str) -> User:
        if handle == "admin":
            raise HandleReserved
        return User(uuid4(), handle, display_name, claims.sub, datetime.fromtimestamp(NOW, UTC))

    async def search(self, prefix: str, *, limit: int, with_hidden: bool = False) -> list[User]:
        assert with_hidden == prefix.startswith("@")
        return [AMELIE][:limit] if AMELIE.handle.startswith(prefix.removeprefix("@")) else []


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    folder: Path = tmp_path_factory.mktemp("issuer")
    return LocalIssuer(SETTINGS.model_copy(update={"environment": "local", "data_dir": folder}))


@pytest.fixture
async def http(issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr("app.users.local_routes.time.time", lambda: float(NOW))
    app = FastAPI()
    app.include_router(local_routes.router)
    app.exception_handler(AppError)(on_app_error)

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"issuer": issuer, "users": OnePerson()}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://127.0.0.1:8000") as client:
        yield client


async def test_a_token_for_a_user_passes_the_verifier(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/local/token", json={"handle": "Amelie"})).json()
    assert (sorted(answer), answer["expires_in"]) == (["access_token", "expires_in", "token_type"], 3600)
    keys = (await http.get("/local/.well-known/jwks.json")).json()["keys"]
    claims = await Endpoint(serving(*keys)).verifier(Clock()).verify(bearer(answer["access_token"]))
    assert claims.sub == AMELIE.cognito_user_id


async def test_a_new_handle_is_registered_first(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/local/token", json={"handle": "@Zoe", "display_name": "Zoë"})).json()
    keys = (await http.get("/local/.well-known/jwks.json")).json()["keys"]
    claims = await Endpoint(serving(*keys)).verifier(Clock()).verify(bearer(answer["access_token"]))
    assert claims.sub != AMELIE.cognito_user_id


async def test_the_users_to_sign_in_as_are_listed(http: httpx.AsyncClient) -> None:
    assert (await http.get("/local/users")).json() == [{"handle": "amelie", "display_name": "Amélie"}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"handle": "no"}, 422),
        ({"handle": "admin"}, 422),
        ({"handle": "amelie", "sub": "x"}, 422),
        ({}, 422),
        ({"handle": 1}, 422),
    ],
)
async def test_a_request_for_a_handle_that_no_user_may_have_gets_no_token(
    http: httpx.AsyncClient, body: dict[str, object], status: int
) -> None:
    answer = await http.post("/local/token", json=body)
    assert answer.status_code == status
    assert "access_token" not in answer.text


def test_the_openapi_document_does_not_mention_local_routes() -> None:
    app = FastAPI()
    app.include_router(local_routes.router)
    assert app.openapi()["paths"] == {}


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.example.com", "localhost.example.com", "192.0.2.1"])
async def test_a_request_under_a_foreign_host_name_is_not_found(http: httpx.AsyncClient, host: str) -> None:
    answer = await http.post("/local/token", json={"handle": "amelie"}, headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
