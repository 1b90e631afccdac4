"""The OpenAPI document: made from the routes, and finished by rules that hold for every route."""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app import __version__
from app.cli.openapi.examples import REQUESTS, RESPONSES
from app.errors import AppError, InternalError, InvalidBody, InvalidParameter
from app.http.problems import CODES, EXAMPLE_ID, MEDIA_TYPE, TYPE_PREFIX, Problem, problem_responses

Object: TypeAlias = dict[str, Any]

INFO: Object = {
    "title": "cruddur-messages",
    "version": __version__,
    "summary": "Direct messages: message groups, messages, read markers and users.",
    "description": """\
Send `Authorization: Bearer <Cognito access token>` with every operation except the health checks and `/api/config`.

- Ids are UUIDs, times are RFC 3339 in UTC with milliseconds, messages are numbered from 1 in each group.
- A list is a bare array. Its `Link` header (RFC 8288) leads to the neighbouring pages, `rel="next"` and `rel="prev"`.
- An error is a problem document (RFC 9457). Switch on its `code`: each operation names its codes.
- Calls are limited, as the `RateLimit` header says. 429 `too-many-requests` means: try again after `Retry-After`.
- A send with a `uuid` and a registration may be repeated: the same content gets the same answer.
- Answers may get new members, and the event stream new kinds of events, at any time: ignore those that are unknown to
  you. Unknown members of requests are refused.
""",
    "contact": {"name": "The cruddur-messages authors"},
    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
}
SERVERS = [{"url": "http://127.0.0.1:8000", "description": "A service of scripts/up", "x-internal": False}]
"""An address that works by itself, as tools take the first one. The page of the documentation puts its own in place."""
TAGS = [
    {"name": "message groups", "description": "The inbox: the caller's groups, newest activity first"},
    {"name": "messages", "description": "The log of a group: numbered 1, 2, 3, … without gaps"},
    {"name": "live", "description": "Events as they happen, and the changes since an earlier state"},
    {"name": "users", "description": "Users by handle"},
    {"name": "reports", "description": "What users report to the operators of the service"},
    {"name": "page", "description": "The configuration of a page in a browser"},
    {"name": "health", "description": "Probes for load balancers and supervisors"},
]
HEADERS: Object = {
    "X-Request-ID": {
        "description": "Id of this request, as in the logs",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$", "maxLength": 64},
        "example": "0193e1c4a8f07d6e",
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt",
        "required": True,
        "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 3600},
        "example": 1,
    },
    "RateLimit": {
        "description": "What is left of a limit: its name, `r` calls or units, and `t` seconds until all are back"
        " (draft-ietf-httpapi-ratelimit-headers)",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[a-z-]+";r=[0-9]+;t=[0-9]+$', "maxLength": 100},
        "example": '"send";r=59;t=1',
    },
    "RateLimit-Policy": {
        "description": "The limit: its name, `q` calls or units at once, `w` seconds in which as many come back, and"
        " `qu` the unit unless it is calls",
        "required": True,
        "schema": {
            "type": "string",
            "pattern": '^"[a-z-]+";q=[0-9]+;w=[0-9]+(;qu="[a-z-]+")?$',
            "maxLength": 100,
        },
        "example": '"send";q=60;w=60',
    },
    "WWW-Authenticate": {
        "description": "The authentication scheme",
        "required": True,
        "schema": {"type": "string", "enum": ["Bearer"]},
        "example": "Bearer",
    },
    "Link": {
        "description": 'The neighbouring pages, `rel="next"` and `rel="prev"`; a missing relation has no page',
        "schema": {"type": "string", "maxLength": 1000},
        "example": '</api/message_groups?limit=20&cursor=1764-0193e1c4>; rel="next"',
    },
}
HEADERS_OF_STATUS = {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}
LIMITED_STATUS = {"200", "202", "429"}
STREAMED = {"application/jsonl", "text/event-stream"}
LIMIT_HEADERS = ["RateLimit", "RateLimit-Policy"]
"""The headers of the responses with a limited status of every operation that has limits: those with a token."""
INT32_MAX = 2**31 - 1
LENGTHS = {"uuid": 36, "date-time": 24}


def openapi_document(app: FastAPI) -> Object:
    """Return the document of an application's routes."""
    document = get_openapi(title="", version="", tags=TAGS, routes=app.routes, separate_input_output_schemas=False)
    document |= {"info": INFO, "servers": SERVERS}
    components = document["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["headers"] = HEADERS
    components["schemas"] |= _problem_schemas()
    for operation in _operations(document):
        components["schemas"] |= _finish(operation)
    for schema in _schemas(document):
        _tidy(schema)
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return document


def _operations(document: Object) -> Iterator[Object]:
    return (operation for path in document["paths"].values() for operation in path.values())


def _finish(operation: Object) -> Object:
    """Complete an operation, and return the schemas of its problems."""
    operation["summary"], operation["description"] = _described(operation["description"])
    operation.setdefault("security", [])
    for parameter in operation.get("parameters", ()):
        parameter["schema"] |= parameter["schema"].pop("anyOf", [{}])[
            0
        ]  # without null: a client leaves the parameter out
    name = "".join(word.title() for word in operation["operationId"].split("_")) + "Problem"
    codes = _add_problems(operation, name)
    _add_examples(operation)
    for status, response in operation["responses"].items():
        if response["description"] == "Successful Response":
            response["description"] = operation["summary"]
        _add_headers(status, response, has_limits=bool(operation["security"]))
        for kind in STREAMED & response.get("content", {}).keys():  # of which FastAPI says that it is a string
            response["content"][kind]["schema"].pop("type")
    return _problem_of_operation(name, operation["operationId"], codes)


def _add_problems(operation: Object, schema: str) -> list[str]:
    """Describe the responses of which a route names the codes only, and return all codes."""
    responses, codes = operation["responses"], []
    responses |= {str(status): response for status, response in problem_responses(InternalError).items()}
    for status, response in responses.items():
        if CODES in response:
            codes += response[CODES]
            responses[status] = _problem_response(response[CODES], schema, operation.get("parameters", ()))
    operation["responses"] = dict(sorted(responses.items()))
    return codes


def _problem_response(codes: Sequence[str], schema: str, parameters: Sequence[Object]) -> Object:
    kinds = [_errors(AppError)[code] for code in codes]
    examples = {kind.code(): {"summary": kind.title, "value": _example(kind, parameters)} for kind in kinds}
    description = " · ".join(f"`{kind.code()}` {kind.title}" for kind in kinds)
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _ref(schema), "examples": examples}}}


def _example(kind: type[AppError], parameters: Sequence[Object]) -> Object:
    code = kind.code()
    example = {"type": TYPE_PREFIX + code, "title": kind.title, "status": kind.status, "detail": kind.title}
    example |= {"code": code, "instance": EXAMPLE_ID}
    has_defects = kind.status == HTTPStatus.UNPROCESSABLE_ENTITY
    return example | ({"errors": [_example_of_defect(kind, parameters)]} if has_defects else {})


def _example_of_defect(kind: type[AppError], parameters: Sequence[Object]) -> Object:
    if kind is InvalidParameter:
        named = {"parameter": parameters[-1]["name"]} if parameters else {}
        return {"code": "invalid", "detail": "is not valid", **named}
    if kind is InvalidBody:
        return {"code": "missing", "detail": "is required", "pointer": "/message"}
    return {"code": kind.code(), "detail": kind.title, "pointer": kind.pointer or ""}


def _add_examples(operation: Object) -> None:
    """Add the examples that a route does not hold itself."""
    name = operation["operationId"]
    for media, example in RESPONSES.get(name, {}).items():
        operation["responses"]["200"]["content"][media] |= example
    for media, example in REQUESTS.get(name, {}).items():
        operation["requestBody"]["content"][media] |= example


def _described(docstring: str) -> tuple[str, str]:
    """Return a docstring's first paragraph as the summary and the rest, or the same, as the description."""
    summary, _, rules = docstring.partition("\n\n")
    return summary.replace("\n", " ").rstrip("."), rules or summary


def _add_headers(status: str, response: Object, *, has_limits: bool) -> None:
    headers = response.setdefault("headers", {})
    for name in ["X-Request-ID", *HEADERS_OF_STATUS.get(status, [])]:
        if name == "X-Request-ID" or MEDIA_TYPE in response.get("content", {}):
            headers[name] = {}
    if has_limits and status in LIMITED_STATUS:
        headers |= {name: {} for name in LIMIT_HEADERS}
    for name in headers:
        headers[name] = _ref(name, "headers")


def _problem_schemas() -> Object:
    """Return the schemas of any problem, and of its members without the code, which those of operations share."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    defects = schema.pop("$defs")
    code = {"code": _code("Problem")}
    members = {name: member for name, member in schema["properties"].items() if name != "code"}
    return {
        "Problem": schema | {"properties": members | code},
        "ProblemCode": _enum(_errors(AppError), "All problem codes"),
        "ProblemMembers": {
            "type": "object",
            "description": "The members of every problem document, without its `code`",
            "properties": members,
            "required": [name for name in schema["required"] if name != "code"],
        },
        **defects,
    }


def _problem_of_operation(name: str, operation: str, codes: list[str]) -> Object:
    own = {"type": "object", "properties": {"code": _code(name)}, "required": ["code"]}
    return {
        name: {"allOf": [_ref("ProblemMembers"), own], "description": f"The reason why `{operation}` failed"},
        f"{name}Code": _enum(codes, f"All problem codes of `{operation}`"),
    }


def _code(problem: str) -> Object:
    return _ref(f"{problem}Code") | {"description": Problem.model_fields["code"].description}


def _enum(codes: Iterable[str], description: str) -> Object:
    """Return a closed enumeration, with names for languages in which a code is not a valid name."""
    values = sorted(codes)
    names = [code.upper().replace("-", "_") for code in values]
    return {"type": "string", "enum": values, "x-enum-varnames": names, "description": description}


def _ref(name: str, kind: str = "schemas") -> Object:
    return {"$ref": f"#/components/{kind}/{name}"}


def _errors(kind: type[AppError]) -> dict[str, type[AppError]]:
    """Return all kinds of an error, by code."""
    return {
        code: found
        for below in kind.__subclasses__()
        for code, found in ((below.code(), below), *_errors(below).items())
    }


def _schemas(document: Object) -> Iterator[Object]:
    """Yield the top-level schemas of the document: components, parameters and responses."""
    yield from document["components"]["schemas"].values()
    for operation in _operations(document):
        yield from (parameter["schema"] for parameter in operation.get("parameters", ()))
        for response in operation["responses"].values():
            yield from (media["schema"] for media in response.get("content", {}).values())


def _tidy(schema: Object) -> None:
    """Remove titles, which repeat names; use keywords that all generators know; add formats and lengths."""
    schema.pop("title", None)
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    for name in ("minimum", "maximum"):
        if isinstance(schema.get(name), float) and schema[name].is_integer():
            schema[name] = int(schema[name])
    if schema.get("type") == "integer":
        schema.setdefault("format", "int32" if schema.get("maximum", INT32_MAX + 1) <= INT32_MAX else "int64")
    if schema.get("format") in LENGTHS:
        schema.setdefault("maxLength", LENGTHS[schema["format"]])
    for part in _parts(schema):
        _tidy(part)
    _join_null(schema)


def _parts(schema: Object) -> Iterator[Object]:
    yield from schema.get("properties", {}).values()
    for name in ("anyOf", "oneOf", "allOf"):
        yield from schema.get(name, ())
    yield from (schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict))


def _join_null(schema: Object) -> None:
    """Write a union with null as a list of types, where JSON Schema allows it: it reads better."""
    kinds = schema.get("anyOf", ())
    if len(kinds) == 2 and kinds[1] == {"type": "null"} and "type" in kinds[0]:
        del schema["anyOf"]
        schema |= kinds[0] | {"type": [kinds[0]["type"], "null"]}
