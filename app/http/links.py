"""Links from an answer: to its neighbouring pages (RFC 8288), and in the OpenAPI document to the next calls."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from fastapi import Request, Response

from app.http.context import context_of

PAGED: dict[str, Any] = {"headers": {"Link": {}}}
"""The `responses[200]` of a route that sets the Link header."""


def openapi_link(operation: str, description: str, **parameters: str) -> dict[str, Any]:
    """Return a link object for a route's `responses[200]["links"]`: a next call, and where its input stands.

    A parameter's place is a JSON pointer into this answer, or a whole runtime expression (`$request.path.…`).
    """
    expressions = {name: at if at.startswith("$") else f"$response.body#/{at}" for name, at in parameters.items()}
    return {"operationId": operation, "description": description, "parameters": expressions}


def set_link_header(request: Request, response: Response, pages: Mapping[str, Mapping[str, object]]) -> None:
    """Set the Link header to the neighbouring pages: relation → the query that leads there. Without pages set none."""
    path = context_of(request.scope).root_path + request.scope["path"]
    links = []
    for rel, query in pages.items():
        # Not `urlencode`, which takes four times the CPU for numbers.
        pairs = [f"{name}={each if isinstance(each, int) else quote_plus(str(each))}" for name, each in query.items()]
        links.append(f'<{path}?{"&".join(pairs)}>; rel="{rel}"')
    if links:
        response.headers["Link"] = ", ".join(links)
