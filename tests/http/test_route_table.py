"""The table of routes on small applications: whatever their shape, it answers as FastAPI alone does."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, Query, Request, Response
from starlette.middleware import Middleware

from app.http.endpoints import Endpoint
from app.http.route_table import RouteTableMiddleware
from app.http.routes import ApiRoute

Build = Callable[[FastAPI], None]
served: list[str] = []
"""The names of the routes that endpoints have served."""


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    serve = Endpoint.__call__

    async def watch(self: Endpoint, scope: Any, receive: Any, send: Any) -> None:
        await serve(self, scope, receive, send)
        served.append(scope["route"].name)

    served.clear()
    monkeypatch.setattr(Endpoint, "__call__", watch)


def application(build: Build, *, with_table: bool) -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    app.router.route_class = ApiRoute
    build(app)
    if with_table:
        table = Middleware(RouteTableMiddleware, routes=app.routes, overrides=app.dependency_overrides)
        app.user_middleware = [table]
    return app


async def answers(app: FastAPI, paths: list[str]) -> AsyncIterator[tuple[int, bytes, list[tuple[str, str]]]]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test") as client:
        for path in paths:
            answer = await client.get(path, headers={"x-number": "7"})
            yield answer.status_code, answer.content, sorted(answer.headers.multi_items())


async def same(build: Build, *paths: str) -> list[str]:
    """Ask an application with a table and one without; return the routes that endpoints served."""
    with_table = [answer async for answer in answers(application(build, with_table=True), [*paths])]
    assert with_table == [answer async for answer in answers(application(build, with_table=False), [*paths])]
    return served


async def number(x_number: Annotated[int, Header()] = 0) -> int:
    return x_number


async def cookie(number: Annotated[int, Cookie()] = 0) -> int:
    return number


async def five() -> int:
    return 5


async def test_the_first_route_that_matches_a_path_wins() -> None:
    def build(app: FastAPI) -> None:
        @app.get("/a/{name}")
        async def any_name(name: str) -> str:
            return name

        @app.get("/a/exact")
        async def exact() -> str:
            return "never"

        @app.get("/b/exact")
        async def first() -> str:
            return "first"

        @app.get("/b/{name}")
        async def later(name: str) -> str:
            return name

        @app.get("/b/exact", name="again")
        async def again() -> str:
            return "never"

    assert await same(build, "/a/exact", "/b/exact", "/b/x", "/b/x/y", "/b", "/") == ["any_name", "first", "later"]


async def test_routes_of_another_class_keep_their_place() -> None:
    def build(app: FastAPI) -> None:
        @app.get("/{name}/x")
        async def api(name: str) -> str:
            return name

        plain = APIRouter()
        plain.add_api_route("/a/{name}", lambda name: {"plain": name}, methods=["GET", "HEAD"])
        app.include_router(plain)

        @app.get("/a/exact")
        async def behind() -> str:
            return "never"

    assert await same(build, "/a/x", "/a/exact", "/a/y") == ["api"]


async def test_routes_behind_a_mount_stay_with_fastapi() -> None:
    def build(app: FastAPI) -> None:
        app.mount("/m", FastAPI())

        @app.get("/m/x")
        async def behind() -> str:
            return "never"

        @app.get("/x")
        async def beside() -> str:
            return "found"

    assert await same(build, "/m/x", "/x") == []


async def test_dependencies_of_an_inclusion_are_called() -> None:
    def build(app: FastAPI) -> None:
        async def mark(response: Response) -> None:
            response.headers["x-marked"] = "yes"

        router = APIRouter(prefix="/r", route_class=ApiRoute)

        @router.get("/x")
        async def marked() -> str:
            return "x"

        app.include_router(router, prefix="/prefix", dependencies=[Depends(mark)])

    assert await same(build, "/prefix/r/x", "/r/x") == ["marked"]


async def test_overridden_dependencies_and_root_paths_stay_with_fastapi() -> None:
    def build(app: FastAPI) -> None:
        @app.get("/x")
        async def get(value: Annotated[int, Depends(five)]) -> int:
            return value

        app.dependency_overrides[five] = number

    assert await same(build, "/x") == []
    with_root = application(lambda app: app.add_api_route("/x", five), with_table=True)
    with_root.root_path = "/base"
    assert [status async for status, _, _ in answers(with_root, ["/x", "/base/x"])] == [200, 200]
    assert served == []


async def opened() -> AsyncIterator[int]:
    yield 1


async def limited(limit: int) -> int:
    return limit


async def limited_again(limit: Annotated[int, Depends(limited)]) -> int:
    return limit


async def repeats(one: Annotated[int, Depends(limited)], other: Annotated[int, Depends(limited_again)]) -> int:
    return one + other


async def lists(ids: Annotated[list[int], Query()]) -> list[int]:
    return ids


async def untyped(request: Request):  # type: ignore[no-untyped-def]  # noqa: ANN202, RUF100
    return {"path": request.url.path}


async def excludes() -> dict[str, int | None]:
    return {"a": None}


def one_of(dependency: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    async def get(value: Annotated[int, Depends(dependency, **options)]) -> int:
        return value

    return get


async def test_shapes_that_an_endpoint_does_not_know_stay_with_fastapi() -> None:
    def build(app: FastAPI) -> None:
        app.add_api_route("/yields", one_of(opened))
        app.add_api_route("/cookies", one_of(cookie))
        app.add_api_route("/threads", one_of(lambda: 1))
        app.add_api_route("/uncached", one_of(five, use_cache=False))
        app.add_api_route("/lists", lists)
        app.add_api_route("/created", five, status_code=201)
        app.add_api_route("/untyped", untyped)
        app.add_api_route("/excludes", excludes, response_model_exclude_none=True)
        app.add_api_route("/repeats", repeats)

    paths = ["/yields", "/cookies", "/threads", "/uncached", "/created", "/untyped", "/excludes", "/repeats?limit=1"]
    assert await same(build, *paths, "/lists?ids=1", "/repeats") == []


async def test_responses_statuses_and_defaults() -> None:
    def build(app: FastAPI) -> None:
        @app.get("/made")
        async def made() -> int:
            return Response(b"made", 418)  # type: ignore[return-value]  # FastAPI takes it, too

        @app.get("/set")
        async def set_(response: Response, value: Annotated[int, Depends(five)], limit: int | None = None) -> list[int]:
            response.status_code = 202
            response.headers["x-set"] = "yes"
            return [value, limit or 0]

    assert await same(build, "/made", "/set", "/set?limit=3") == ["made", "set_", "set_"]
