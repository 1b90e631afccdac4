"""Paging by the Link header (RFC 8288)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

LINK_HEADER = {
    "Link": {
        "description": 'The neighbouring pages, rel="next" and rel="prev"; a relation that is missing has no page',
        "schema": {"type": "string"},
        "example": '</api/message_groups?limit=20&cursor=1764-0193e1c4>; rel="next"',
    }
}
PAGED: dict[str, Any] = {"headers": LINK_HEADER}
"""For a route's `responses[200]`."""


def link(request: Request, response: Response, pages: Mapping[str, Mapping[str, object]]) -> None:
    """Name neighbouring pages of this one: relation → the query that leads there."""
    links = [f'<{request.url.path}?{urlencode(query)}>; rel="{rel}"' for rel, query in pages.items()]
    if links:
        response.headers["Link"] = ", ".join(links)
