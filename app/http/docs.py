"""Interactive API documentation that works offline: its scripts are served from here."""

from pathlib import Path

from fastapi import APIRouter, Request, Response

from app.http.static import StaticFolder

FOLDER = Path(__file__).parent.parent / "web" / "docs"
HEADERS = {
    # Swagger UI sets styles on elements and loads its icons from data: URLs.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "public, max-age=3600",
}


def docs_router() -> APIRouter:
    """Read the files of the documentation page, and return its routes."""
    router = APIRouter(prefix="/docs", include_in_schema=False)
    files = StaticFolder(FOLDER, HEADERS)

    @router.get("")
    async def get_docs(request: Request) -> Response:
        return files.response(request, "index.html")

    @router.get("/{name}")
    async def get_docs_file(request: Request, name: str) -> Response:
        return files.response(request, name)

    return router
