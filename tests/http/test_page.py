"""The page over HTTP: its files and nothing else, under a policy that lets in nothing else."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import httpx
import pytest

from app.http.page import BUNDLE, FOLDER, page_markup
from app.http.static import StaticFolder
from app.main import create_app
from app.messaging.reactions import require_emoji
from app.settings import Settings
from tests.http.problem import problem_of
from tests.tools.contract import ContractClient

DOMAIN = "https://example.auth.us-east-1.amazoncognito.com"
GROUP = "/messages/0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10"
PATHS = ("/", "/messages", "/messages/new/somebody", GROUP, f"{GROUP}/42")
IMPORT = re.compile(r'^import .* from "(.*)";$', re.MULTILINE)


@pytest.mark.parametrize("path", PATHS)
async def test_every_address_of_the_page_is_the_page(anonymous: ContractClient, path: str) -> None:
    answer = await anonymous.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert {str(answer.url.join(each).path).rpartition("/")[0] for each in named} == {
        "/static",
        "/static/bundle",
        "/static/lib",
    }
    head = await anonymous.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])


async def test_every_file_that_is_named_is_served(anonymous: ContractClient) -> None:
    page = (await anonymous.get("/")).text
    waiting, seen = ["/static/app.js", *(f"/{name}" for name in re.findall(r'(?:src|href)="([^"]+)"', page))], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = await anonymous.get(path)
        assert answer.status_code == 200, path
        waiting += [
            str(httpx.URL(f"http://service.test{path}").join(name).path) for name in IMPORT.findall(answer.text)
        ]
    scripts = {f"/static/{path.relative_to(FOLDER).as_posix()}" for path in FOLDER.rglob("*.js")}
    assert scripts <= seen, "no page imports these"


def markup_of(folder: Path) -> bytes:
    return page_markup(StaticFolder(folder, {}).files)


def test_the_page_loads_its_modules_themselves_until_they_are_bundled(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    shutil.copytree(FOLDER, folder)
    assert BUNDLE.encode() in markup_of(folder)
    module = folder / "lib" / "time.js"
    module.write_bytes(module.read_bytes() + b"// edited")
    assert BUNDLE.encode() not in markup_of(folder)
    assert b'"static/app.js"' in markup_of(folder)
    (folder / BUNDLE).unlink()
    assert b'"static/app.js"' in markup_of(folder)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("theme.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("icon-192.png", "image/png"),
        ("manifest.webmanifest", "application/manifest+json"),
    ],
)
async def test_files_have_their_media_type(anonymous: ContractClient, path: str, media_type: str) -> None:
    assert (await anonymous.get(f"/static/{path}")).headers["content-type"] == media_type


@pytest.mark.parametrize("path", [*PATHS, "/static/app.js", "/static/icon.svg"])
async def test_the_policy_allows_only_our_own_files(anonymous: ContractClient, path: str) -> None:
    policy = (await anonymous.get(path)).headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'"
    )


async def test_the_manifest_makes_the_page_an_app_below_any_prefix(anonymous: ContractClient) -> None:
    answer = await anonymous.get("/static/manifest.webmanifest")
    manifest = answer.json()
    base = httpx.URL("https://example.com/below/static/manifest.webmanifest")
    assert base.join(manifest["start_url"]).path == "/below/messages"
    assert "id" not in manifest, "browsers join it with the origin, without the prefix; start_url stands for it"
    assert base.join(manifest["scope"]).path == "/below/"
    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        found = await anonymous.get(f"/static/{icon['src']}")
        assert (found.status_code, found.headers["content-type"]) == (200, icon["type"])
        if icon["type"] == "image/png":
            size = "x".join(str(int.from_bytes(found.content[at : at + 4])) for at in (16, 20))
            assert size == icon["sizes"], "as the header of the file says"


async def test_a_version_that_the_client_has_is_not_sent_again(anonymous: ContractClient) -> None:
    first = await anonymous.get("/static/app.js")
    assert first.headers["cache-control"] == "no-cache"
    again = await anonymous.get("/static/app.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await anonymous.get("/static/app.js", headers={"if-none-match": '"another"'})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "vendor/SHA256SUMS",
        "vendor/README.md",
        "vendor/htm-preact.d.ts",
        "types.d.ts",
        "../page.py",
        "..%2f..%2fpage.py",
        "..%2fdocs%2findex.html",
        "%2e%2e/docs/index.html",
        "/etc/passwd",
        "lib",
        "lib/",
        "",
        ".",
        "app.js/",
        "APP.JS",
        "lib//api.js",
        "app.js%00",
        "nothing.js",
    ],
)
async def test_only_the_pages_own_files_are_served(anonymous: ContractClient, path: str) -> None:
    url = httpx.URL("http://service.test", raw_path=f"/static/{path}".encode())
    problem_of(await anonymous.send(anonymous.build_request("GET", url)), 404, "not-found")


@pytest.mark.parametrize("path", ["/api/config/", "/api/messages/new/somebody", "/api", "/api/static/app.js"])
async def test_the_api_never_answers_with_the_page(anonymous: ContractClient, path: str) -> None:
    answer = await anonymous.get(path, headers={"accept": "text/html"})
    assert answer.status_code in {401, 404}
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_vendored_files_are_those_that_were_checked() -> None:
    sums = dict(line.split()[::-1] for line in (FOLDER / "vendor" / "SHA256SUMS").read_text().splitlines())
    files = {path.name: path for path in (FOLDER / "vendor").iterdir() if path.suffix in {".js", ".json"}}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sums


def test_the_service_takes_every_emoji_of_the_picker_as_it_is() -> None:
    path = FOLDER / "vendor" / "emoji.json"
    entries = [entry for group in json.loads(path.read_bytes()) for entry in group["emoji"]]
    emoji = [text for base, _, _, *tones in entries for text in (base, *(tones[0] if tones else ()))]
    assert [require_emoji(text) for text in emoji] == emoji
    assert len(set(emoji)) == len(emoji) > 1_800
    assert path.stat().st_size < 150_000


def test_no_script_turns_text_into_markup() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|localhost|https?://(?!\$\{)"
    )
    for path in FOLDER.rglob("*.js"):
        if path.parent.name not in {"vendor", "bundle"}:
            assert not forbidden.search(re.sub(r"/\\bhttps\?.*/gi", "", path.read_text())), path.name


async def config_of(settings: Settings) -> tuple[dict[str, object], str]:
    """Return the configuration and the policy of a page with these settings."""
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
        return (await client.get("/api/config")).json(), (await client.get("/")).headers["content-security-policy"]


async def test_without_a_cognito_domain_the_sign_in_is_none(settings: Settings) -> None:
    config, _ = await config_of(settings)
    assert config == {
        "sign_in": {"kind": "none"},
        "message_max_length": settings.message_max_length,
        "edit_window_seconds": 86_400,
        "delete_window_seconds": 172_800,
        "shows_edits": True,
        "erased_messages": "keep",
        "message_retention_days": None,
    }


async def test_the_local_sign_in_is_by_user(settings: Settings) -> None:
    limits = {"message_max_length": 7, "edit_window_seconds": 60, "delete_window_seconds": 0, "shows_edits": False}
    limits |= {"message_retention_days": 30}
    local = settings.model_copy(update={"environment": "local", "cognito_domain_url": DOMAIN, **limits})
    config, _ = await config_of(local)
    assert config == {"sign_in": {"kind": "local"}, "erased_messages": "keep", **limits}


async def test_with_a_cognito_domain_the_sign_in_is_cognito(settings: Settings) -> None:
    config, policy = await config_of(settings.model_copy(update={"cognito_domain_url": DOMAIN}))
    assert config["sign_in"] == {
        "kind": "cognito",
        "authorize_url": f"{DOMAIN}/oauth2/authorize",
        "token_url": f"{DOMAIN}/oauth2/token",
        "revoke_url": f"{DOMAIN}/oauth2/revoke",
        "logout_url": f"{DOMAIN}/logout",
        "client_id": settings.cognito_client_ids[0],
        "scope": "openid",
    }
    assert f"connect-src 'self' {DOMAIN};" in policy


@pytest.mark.parametrize(
    ("path", "location"), [("/mesages", "messages"), ("/a/b/c", "../../messages"), ("/x/", "../messages")]
)
async def test_a_browser_at_an_unknown_address_is_sent_to_the_page(
    anonymous: ContractClient, path: str, location: str
) -> None:
    accept = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = await anonymous.get(path, headers=accept)
    assert (answer.status_code, answer.headers["location"], answer.headers["vary"]) == (303, location, "Accept")
    assert httpx.URL(f"http://service.test{path}").join(location).path == "/messages"
    for other in ({"accept": "application/json"}, {"accept": "*/*"}):
        problem_of(await anonymous.get(path, headers=other), 404, "not-found")
    problem_of(await anonymous.post(path, headers=accept), 404, "not-found")
    for api in ("/api/nothing", "/static/nothing", "/docs/nothing", "/local/nothing"):
        problem_of(await anonymous.get(api, headers=accept), 404, "not-found")
