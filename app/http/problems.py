"""Problem documents (RFC 9457): their schema, the handlers that render them, and how routes declare them."""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, compile_path

from app.errors import (
    AccountDisabled,
    AccountErased,
    AppError,
    BodyTooLarge,
    InternalError,
    InvalidBody,
    InvalidParameter,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    RequestTimeout,
    Unauthenticated,
    Unavailable,
    UnknownUser,
    UnsupportedMediaType,
)
from app.http.context import context_of
from app.http.types import never_null
from app.limits import TooManyRequests

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:cruddur-messages:problem:"
MAX_ERRORS = 100
EXAMPLE_ID = "0193e1c4a8f07d6e"
EXAMPLE_TITLE = "The message group does not exist or you are not a member"
CODES = "x-problem-codes"
CODE = r"^[a-z][a-z0-9-]*$"


class ProblemError(BaseModel):
    """A defect of the request, in its body or in a parameter."""

    model_config = ConfigDict(json_schema_extra=never_null)

    code: str = Field(description="Stable name of the defect", max_length=64, pattern=CODE, examples=["missing"])
    detail: str = Field(description="Explanation for developers", max_length=1000, examples=["is required"])
    pointer: str | None = Field(
        None, description="JSON pointer (RFC 6901) into the body", max_length=1000, examples=["/message"]
    )
    parameter: str | None = Field(None, description="Name of the parameter", max_length=200, examples=["limit"])


class Problem(BaseModel):
    """The reason why a request failed (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra=never_null)

    type: str = Field(
        description="URI of the problem type",
        max_length=200,
        json_schema_extra={"format": "uri"},
        examples=[TYPE_PREFIX + "group-not-found"],
    )
    title: str = Field(description="Summary of the problem type", max_length=200, examples=[EXAMPLE_TITLE])
    status: int = Field(description="The HTTP status", ge=400, le=599, examples=[404])
    detail: str = Field(description="Explanation of this problem", max_length=1000, examples=[EXAMPLE_TITLE])
    code: str = Field(description="Stable name of the problem type; switch on this", examples=["group-not-found"])
    instance: str = Field(
        description="Id of the request, as in `X-Request-ID`",
        max_length=64,
        examples=[EXAMPLE_ID],
    )
    errors: list[ProblemError] | None = Field(
        None, description="Defects of the request; with status 422 only", min_length=1, max_length=MAX_ERRORS
    )


def render(error: AppError, request_id: str, *, errors: Sequence[Mapping[str, str]] = ()) -> Response:
    """Return the problem document of an error, with the headers of its status."""
    problem = Problem(
        type=TYPE_PREFIX + error.code(),
        title=error.title,
        status=error.status,
        detail=error.detail or error.title,
        code=error.code(),
        instance=request_id,
        errors=[ProblemError.model_validate(defect) for defect in errors[:MAX_ERRORS]] or None,
    )
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(problem.model_dump_json(exclude_none=True), error.status, headers, media_type=MEDIA_TYPE)


async def on_app_error(request: Request, error: AppError) -> Response:
    """Render an expected failure."""
    if isinstance(error, TooManyRequests):
        context_of(request.scope).limit_fields = error.fields
    where = {"pointer": error.pointer, "parameter": error.parameter}
    places = {name: value for name, value in where.items() if value is not None}
    defect = {"code": error.code(), "detail": error.detail or error.title, **places}
    return render(error, context_of(request.scope).request_id, errors=[defect] if error.status == 422 else ())


async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    """Render the first defects that pydantic found in a body or in parameters. The input is not repeated.

    A body has room for thousands of defects. Those of one kind and place, as all keys of an object are, are one.
    """
    defects = error.errors()
    kind = InvalidBody if any(defect["loc"][0] == "body" for defect in defects) else InvalidParameter
    defects = defects[:MAX_ERRORS]
    wrong_keys = {defect["loc"][:-1] for defect in defects if defect["loc"][-1] == "[key]"}
    errors = [_defect(defect["type"], defect["loc"], wrong_keys) for defect in defects]
    unique = list({tuple(error.values()): error for error in errors}.values())
    return render(kind(), context_of(request.scope).request_id, errors=unique)


_CODES = {"missing": "missing", "extra_forbidden": "unknown-field"}
_DETAILS = {
    "missing": "is required",
    "extra_forbidden": "has an unknown member",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
}


def _defect(kind: str, loc: tuple[str | int, ...], wrong_keys: Collection[tuple[str | int, ...]]) -> dict[str, str]:
    """Return the code, the detail and the place. A key of the client's own is no place: its object is."""
    described = {"code": _CODES.get(kind, "invalid"), "detail": _DETAILS.get(kind, "is not valid")}
    if loc[0] != "body":
        return described | {"parameter": str(loc[1])}
    whole = len(loc) if kind == "extra_forbidden" else len(loc) + 1
    wrong_key = next((end for end in range(1, len(loc) + 1) if loc[:end] in wrong_keys), whole)
    return described | {"pointer": "".join(f"/{part}".replace("~", "~0") for part in loc[1 : wrong_key - 1])}


class HttpErrorHandler:
    """Renders the router's own refusals: unknown paths and wrong methods.

    `Allow` names the methods of all routes with the path. Starlette names those of the first route only. A browser that
    visits an unknown address is sent to the page.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._templates = [
            (compile_path(route.path)[0], route.methods | ({"HEAD"} if "GET" in route.methods else set()))
            for route in iter_route_contexts(routes)
            if route.path and route.methods
        ]

    async def __call__(self, request: Request, error: HTTPException) -> Response:
        request_id, path = context_of(request.scope).request_id, request.url.path
        if error.status_code == HTTPStatus.NOT_FOUND and _is_visit(request):
            page = "../" * (path.count("/") - 1) + "messages"
            return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": page, "Vary": "Accept"})
        if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return render(NotFound() if error.status_code == HTTPStatus.NOT_FOUND else InternalError(), request_id)
        response = render(MethodNotAllowed(), request_id)
        allowed = {method for regex, methods in self._templates if regex.match(path) for method in methods}
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response


def _is_visit(request: Request) -> bool:
    """Return whether a browser asks for a page, at an address that belongs to neither API, files nor documentation."""
    is_page = request.url.path.split("/")[1] not in {"api", "docs", "local", "static"}
    wants_html = any(each.strip().startswith("text/html") for each in request.headers.get("accept", "").split(","))
    return request.method in {"GET", "HEAD"} and is_page and wants_html


TOKEN_ONLY = (
    Unauthenticated,
    AccountDisabled,
    AccountErased,
    InvalidParameter,
    TooManyRequests,
    Unavailable,
    Overloaded,
)
SIGNED_IN = (*TOKEN_ONLY, UnknownUser)
WITH_BODY = (MalformedJson, RequestTimeout, BodyTooLarge, UnsupportedMediaType, InvalidBody)


def problem_responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Return a route's `responses` for these errors: each status with the codes that it can have here.

    `cruddur openapi` adds descriptions and examples when it writes the document.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for error in dict.fromkeys(errors):
        responses.setdefault(error.status, {CODES: []})[CODES].append(error.code())
    return responses
