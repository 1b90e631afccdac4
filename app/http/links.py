"""Ways on from an answer: pages by the Link header (RFC 8288), and OpenAPI links to what can be called next."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

PAGED: dict[str, Any] = {"headers": {"Link": {}}}
"""For a route's `responses[200]`."""


def follow(operation: str, description: str, **parameters: str) -> dict[str, Any]:
    """For a route's `responses[200]["links"]`: what can be called next, and where its input stands.

    In this answer, by a JSON pointer, or elsewhere, by a whole expression (`$request.path.…`).
    """
    given = {name: at if at.startswith("$") else f"$response.body#/{at}" for name, at in parameters.items()}
    return {"operationId": operation, "description": description, "parameters": given}


def link(request: Request, response: Response, pages: Mapping[str, Mapping[str, object]]) -> None:
    """Name neighbouring pages of this one: relation → the query that leads there."""
    links = [f'<{request.url.path}?{urlencode(query)}>; rel="{rel}"' for rel, query in pages.items()]
    if links:
        response.headers["Link"] = ", ".join(links)
