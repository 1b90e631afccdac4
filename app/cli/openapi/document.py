"""The OpenAPI document: made from the routes, and finished by rules that hold for every route."""

from collections.abc import Iterator
from itertools import chain

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app import __version__
from app.cli.openapi.examples import REQUESTS, RESPONSES
from app.cli.openapi.problems import Object, describe_problems, problem_schemas, ref
from app.http.problems import MEDIA_TYPE

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
UNUSED = {"HTTPValidationError", "ValidationError"}
"""Schemas of FastAPI's own errors, in place of which there are problems."""
LIMITED_STATUS = {"200", "202", "429"}
STREAMED = {"application/jsonl", "text/event-stream"}
LIMIT_HEADERS = ["RateLimit", "RateLimit-Policy"]
"""The headers of the responses with a limited status of every operation that has limits: those with a token."""
INT32_MAX = 2**31 - 1
LENGTHS = {"uuid": 36, "date-time": 24}


def openapi_document(app: FastAPI) -> Object:
    """Return the document of an application's routes."""
    document = get_openapi(title="", version="", tags=TAGS, routes=app.routes, separate_input_output_schemas=False)
    schemas = document["components"]["schemas"]
    schemas |= problem_schemas()
    for operation in _operations(document):
        schemas |= _finish(operation)
    for schema in _schemas(document):
        _tidy(schema)
    used = {name: schemas[name] for name in sorted(schemas.keys() - UNUSED)}
    document["components"] |= {"headers": HEADERS, "schemas": used}
    return document | {"info": INFO, "servers": SERVERS}


def _operations(document: Object) -> Iterator[Object]:
    return (operation for path in document["paths"].values() for operation in path.values())


def _finish(operation: Object) -> Object:
    """Complete an operation, and return the schemas of its problems."""
    summary, _, rules = operation["description"].partition("\n\n")
    operation |= {"summary": summary.replace("\n", " ").rstrip("."), "description": rules or summary}
    operation.setdefault("security", [])
    for parameter in operation.get("parameters", ()):
        parameter["schema"] |= parameter["schema"].pop("anyOf", [{}])[0]  # no null: a client leaves it out
    schemas = describe_problems(operation)
    _add_examples(operation)
    for status, response in operation["responses"].items():
        _finish_response(operation, status, response)
    return schemas


def _add_examples(operation: Object) -> None:
    """Add the examples that a route does not hold itself."""
    name = operation["operationId"]
    for media, example in RESPONSES.get(name, {}).items():
        operation["responses"]["200"]["content"][media] |= example
    for media, example in REQUESTS.get(name, {}).items():
        operation["requestBody"]["content"][media] |= example


def _finish_response(operation: Object, status: str, response: Object) -> None:
    content, names = response.get("content", {}), ["X-Request-ID"]
    if response["description"] == "Successful Response":
        response["description"] = operation["summary"]
    for kind in STREAMED & content.keys():  # of which FastAPI says that it is a string
        content[kind]["schema"].pop("type")
    if MEDIA_TYPE in content:
        names += HEADERS_OF_STATUS.get(status, [])
    if operation["security"] and status in LIMITED_STATUS:
        names += LIMIT_HEADERS
    response["headers"] = {name: ref(name, "headers") for name in [*response.get("headers", {}), *names]}


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
    alternatives = (part for name in ("anyOf", "oneOf", "allOf") for part in schema.get(name, ()))
    inner = (schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict))
    for part in chain(schema.get("properties", {}).values(), alternatives, inner):
        _tidy(part)
    kinds = schema.get("anyOf", ())
    if len(kinds) == 2 and kinds[1] == {"type": "null"} and "type" in kinds[0]:  # a list of types reads better
        del schema["anyOf"]
        schema |= kinds[0] | {"type": [kinds[0]["type"], "null"]}
