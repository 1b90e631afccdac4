"""Interactive API documentation that works offline: its scripts are served from here."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent.parent / "web" / "docs"
FILES = {
    "index.html": "text/html",
    "docs.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
"""With their types, so that nothing has to read the machine's own table of types."""
HEADERS = {
    # Swagger UI sets styles on elements and draws its icons from data: addresses.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "public, max-age=3600",
}

router = APIRouter(prefix="/docs", include_in_schema=False)


@router.get("")
async def get_docs() -> FileResponse:
    """The page."""
    return _file("index.html")


@router.get("/{name}")
async def get_docs_file(name: str) -> FileResponse:
    """A file that the page needs."""
    if name not in FILES:
        raise HTTPException(404)
    return _file(name)


def _file(name: str) -> FileResponse:
    return FileResponse(FOLDER / name, headers=HEADERS, media_type=FILES[name])
