"""The OpenAPI document: titles, tags, operation ids, the one Problem component, and what every answer has."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app import __version__
from app.errors import AppError
from app.problems import MEDIA_TYPE, Problem, ProblemError

TITLE = "cruddur-messages"
DESCRIPTION = "Direct messages: message groups, messages, read markers, and the people in them."
TAGS = [
    {"name": "message groups", "description": "The inbox: the groups one is in, newest activity first"},
    {"name": "messages", "description": "The log of a group: numbered 1, 2, 3, … without holes"},
    {"name": "users", "description": "People, by handle"},
    {"name": "health", "description": "For load balancers and supervisors"},
]
HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "X-Request-ID": ("Id of this request, for asking about it", {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"}),
    "Retry-After": ("Seconds to wait before trying again", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": ("How to sign in", {"type": "string", "const": "Bearer"}),
}


def operation_id(route: APIRoute) -> str:
    """A route's function is its operation, and a generated client's method."""
    return route.name


def install_openapi(app: FastAPI) -> None:
    """Let `app.openapi()` give the finished document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        tags=TAGS,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    schemas = document["components"]["schemas"]
    schemas |= _problem_schemas()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        _finish(operation["responses"])
    return document


def _problem_schemas() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]
    schema["properties"]["code"]["enum"] = sorted(_codes(AppError))
    schema["properties"]["errors"] = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/ProblemError"},
        "description": Problem.model_fields["errors"].description,
    }
    return {"Problem": schema, "ProblemError": _without_nulls(ProblemError.model_json_schema())}


def _without_nulls(schema: dict[str, Any]) -> dict[str, Any]:
    """A member that is left out when there is nothing to say is never null."""
    for member in schema["properties"].values():
        if "anyOf" in member:
            member.update(member.pop("anyOf")[0])
            del member["default"]
    return schema


def _codes(kind: type[AppError]) -> set[str]:
    return {code for below in kind.__subclasses__() for code in (below.code(), *_codes(below))}


def _finish(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        headers = response.setdefault("headers", {})
        headers["X-Request-ID"] = _header("X-Request-ID")
        if status == "401":
            headers["WWW-Authenticate"] = _header("WWW-Authenticate")
        if status == "503" and MEDIA_TYPE in response["content"]:
            headers["Retry-After"] = _header("Retry-After")


def _header(name: str) -> dict[str, Any]:
    description, schema = HEADERS[name]
    return {"description": description, "required": True, "schema": schema}
