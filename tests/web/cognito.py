"""A fake of Cognito's hosted pages: the authorization code grant with PKCE, strictly checked, over real HTTP."""

import asyncio
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.async_api import expect

from app.auth.issuer import LocalIssuer
from tests.web.browsing import Visitor

Response = tuple[int, dict[str, str], bytes]


@dataclass
class FakeCognito:
    """Signs in every request as the same user, at once; refuses grants that do not fit together."""

    issuer: LocalIssuer
    sub: str
    client_id: str
    lifetime: int = 3600
    port: int = 0
    grants: list[str] = field(default_factory=list)
    """The types of the grants, in order."""
    revoked: list[str] = field(default_factory=list)
    """The refresh tokens that were revoked."""
    _challenges: dict[str, Mapping[str, str]] = field(default_factory=dict)
    refresh_token: str = field(default_factory=secrets.token_urlsafe)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
        form = dict(parse_qsl((await reader.readexactly(length)).decode()))
        target = urlsplit(head.split()[1])
        routes: dict[str, Callable[[Mapping[str, str]], Response]] = {
            "/oauth2/authorize": self._authorize,
            "/oauth2/token": self._token,
            "/oauth2/revoke": self._revoke,
            "/logout": self._logout,
        }
        status, headers, body = routes[target.path](form or dict(parse_qsl(target.query)))
        headers |= {"Connection": "close", "Content-Length": str(len(body)), "Access-Control-Allow-Origin": "*"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode() + body)
        await writer.drain()
        writer.close()

    def _authorize(self, query: Mapping[str, str]) -> Response:
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert (query["client_id"], query["scope"]) == (self.client_id, "openid")
        code = secrets.token_urlsafe()
        self._challenges[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return 302, {"Location": f"{query['redirect_uri']}?{back}"}, b""

    def _revoke(self, form: Mapping[str, str]) -> Response:
        assert form["client_id"] == self.client_id
        self.revoked.append(form["token"])
        return 200, {}, b""

    def _logout(self, query: Mapping[str, str]) -> Response:
        assert query["client_id"] == self.client_id
        return 302, {"Location": query["logout_uri"]}, b""

    def _token(self, form: Mapping[str, str]) -> Response:
        if not (self._is_code(form) or self._is_refresh(form)):
            return 400, {"Content-Type": "application/json"}, b'{"error": "invalid_grant"}'
        self.grants.append(form["grant_type"])
        token = self.issuer.token(self.sub, time.time())
        tokens = {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}
        if form["grant_type"] == "authorization_code":
            tokens["refresh_token"] = self.refresh_token
        return 200, {"Content-Type": "application/json"}, json.dumps(tokens).encode()

    def _is_code(self, form: Mapping[str, str]) -> bool:
        request = self._challenges.pop(form.get("code", ""), None)  # valid once
        if request is None:
            return False
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        return challenge == request["code_challenge"] and form["redirect_uri"] == request["redirect_uri"]

    def _is_refresh(self, form: Mapping[str, str]) -> bool:
        return (
            form.get("refresh_token") in {self.refresh_token} - set(self.revoked)
            and form["client_id"] == self.client_id
        )


async def sign_in(visitor: Visitor, path: str) -> None:
    await visitor.page.goto(visitor.address + path)
    await visitor.page.get_by_role("button", name="Sign in").click()
    await expect(visitor.page.locator(".shell, .auth-card")).to_be_visible()
