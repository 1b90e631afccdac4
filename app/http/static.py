"""Static files: read once at the start and served from memory, with ETags made from their content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response
from starlette.exceptions import HTTPException

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
"""The kinds of files that are served; a file of any other kind, such as a licence, is not."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file in memory. Its ETag (RFC 9110, section 8.8.3) changes with its content only."""

    content: bytes
    media_type: str
    headers: Mapping[str, str]

    @classmethod
    def read(cls, path: Path, headers: Mapping[str, str]) -> "StaticFile":
        """Read a file, which is served with these headers. Blocks: call it before serving."""
        return cls.of(path.read_bytes(), MEDIA_TYPES[path.suffix], headers)

    @classmethod
    def of(cls, content: bytes, media_type: str, headers: Mapping[str, str]) -> "StaticFile":
        """Return a file of this content, which is served with these headers."""
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return cls(content, media_type, {**headers, "ETag": etag})

    def response(self, request: Request) -> Response:
        """Return the content, or 304 if the client has this version."""
        # Tags are compared weakly (RFC 9110, sections 8.8.3.2 and 13.1.2), and none of our own has a comma.
        tags = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
        if tags == ["*"] or self.headers["ETag"] in (tag.removeprefix("W/") for tag in tags):
            return Response(status_code=304, headers=self.headers)
        return Response(self.content, headers=self.headers, media_type=self.media_type)


class StaticFolder:
    """The files of a folder. A request's path is looked up among them and never opened."""

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        paths = [path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES]
        self.files = {path.relative_to(folder).as_posix(): StaticFile.read(path, headers) for path in paths}
        """By their paths below the folder."""

    def response(self, request: Request, path: str) -> Response:
        """Return the file at this path below the folder. Raises HTTPException with status 404."""
        file = self.files.get(path)
        if file is None:
            raise HTTPException(404)
        return file.response(request)
