"""The OpenAPI document as it is committed. `scripts/cruddur openapi --output app/openapi.json` writes it anew."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from app.http.static import StaticFile

FILE = Path(__file__).parent.parent / "openapi.json"


class CommittedDocument:
    """The document of this version: its file is read at construction and parsed when it is asked for."""

    def __init__(self) -> None:
        self._file = StaticFile.read(FILE, {"Cache-Control": "no-cache"})

    @cached_property
    def content(self) -> dict[str, Any]:
        """The document, parsed."""
        document: dict[str, Any] = json.loads(self._file.content)
        return document

    def router(self) -> APIRouter:
        """Return the route that serves the document byte for byte."""
        router = APIRouter(include_in_schema=False)

        @router.get("/openapi.json")
        async def get_openapi_document(request: Request) -> Response:
            return self._file.response(request)

        return router
