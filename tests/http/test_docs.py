"""The interactive documentation needs nothing from anywhere else."""

import hashlib
import re

import pytest

from app.http.docs import FOLDER
from app.http.static import MEDIA_TYPES
from tests.tools.contract import ContractClient


async def test_every_file_that_the_page_names_is_served(anonymous: ContractClient) -> None:
    page = await anonymous.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 3
    for path in [*named, "openapi.json"]:
        assert (await anonymous.get(f"/{path}")).status_code == 200
    assert "'unsafe-inline'" not in page.headers["content-security-policy"].partition("style-src")[0]


async def test_only_the_pages_own_files_are_served(anonymous: ContractClient) -> None:
    for name in ("README.md", "..%2fsettings.py", "SHA256SUMS", "nothing.js"):
        assert (await anonymous.get(f"/docs/{name}")).status_code == 404


def test_vendored_files_are_the_published_ones() -> None:
    lines = (line.split() for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    sums = {name: checksum for checksum, name in lines}
    assert set(sums) < {path.name for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}
    for name, checksum in sums.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == checksum


async def test_a_version_that_the_client_has_is_not_sent_again(anonymous: ContractClient) -> None:
    first = await anonymous.get("/docs/docs.js")
    head = await anonymous.head("/docs/docs.js")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    again = await anonymous.get("/docs/docs.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "public, max-age=3600")


@pytest.mark.parametrize("given", ["{}", "W/{}", '"other", {}', 'W/"other" ,W/{}', "*"])
async def test_a_version_is_recognised_in_every_form(anonymous: ContractClient, given: str) -> None:
    etag = (await anonymous.get("/docs/docs.js")).headers["etag"]
    again = await anonymous.get("/docs/docs.js", headers={"if-none-match": given.format(etag)})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("given", ["", '"other"', 'W/"other", "another"', '"*"', "none"])
async def test_another_version_is_sent(anonymous: ContractClient, given: str) -> None:
    assert (await anonymous.get("/docs/docs.js", headers={"if-none-match": given})).status_code == 200
