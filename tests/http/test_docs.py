"""The interactive documentation needs nothing from anywhere else."""

import hashlib
import re

from app.http.docs import FILES, FOLDER
from tests.tools.contract import ContractClient


async def test_every_file_that_the_page_names_is_served_from_here(anonymous: ContractClient) -> None:
    page = await anonymous.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 3
    for path in [*named, "/openapi.json"]:
        assert (await anonymous.get(path)).status_code == 200
    assert "'unsafe-inline'" not in page.headers["content-security-policy"].partition("style-src")[0]


async def test_only_the_pages_own_files_are_served(anonymous: ContractClient) -> None:
    for name in ("README.md", "..%2fsettings.py", "SHA256SUMS", "nothing.js"):
        assert (await anonymous.get(f"/docs/{name}")).status_code == 404


def test_vendored_files_are_the_published_ones() -> None:
    lines = (line.split() for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    sums = {name: checksum for checksum, name in lines}
    assert set(sums) < set(FILES)
    for name, checksum in sums.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == checksum
