"""LocalIssuer: its key file, and tokens that the verifier takes like any other."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jose import jws

from app.auth.issuer import LIFETIME, BrokenIssuerKey, LocalIssuer
from app.auth.tokens import TokenVerifier
from app.errors import Unauthenticated
from app.settings import Settings
from tests.auth.forge import CLIENT_ID, ISSUER_URL, NOW, RFC_7638_KEY, SETTINGS, Clock, Endpoint, bearer, serving

SUB = "0b9a3f52-8f2c-4e5f-9d4f-2a4f3b1c5d6e"


def _settings(folder: Path) -> Settings:
    return SETTINGS.model_copy(update={"environment": "local", "data_dir": folder})


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    return LocalIssuer(_settings(tmp_path_factory.mktemp("issuer")))


@pytest.fixture
def verifier(issuer: LocalIssuer, clock: Clock) -> TokenVerifier:
    return Endpoint(serving(*issuer.jwks()["keys"])).verifier(clock)


async def test_the_local_issuers_tokens_pass_the_verifier(
    issuer: LocalIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    authorization = bearer(issuer.token(SUB, NOW + 0.7))
    claims = await verifier.verify(authorization)
    assert (claims.sub, claims.client_id) == (SUB, CLIENT_ID)
    assert claims.expires_at.timestamp() == NOW + LIFETIME
    clock.now += LIFETIME + 30
    with pytest.raises(Unauthenticated):
        await verifier.verify(authorization)


def test_a_local_token_has_the_claims_of_cognitos(issuer: LocalIssuer) -> None:
    claims = json.loads(jws.get_unverified_claims(issuer.token(SUB, NOW)))
    assert list(claims) == [
        "sub",
        "iss",
        "client_id",
        "origin_jti",
        "event_id",
        "token_use",
        "scope",
        "auth_time",
        "exp",
        "iat",
        "jti",
        "username",
    ]
    assert claims["iss"] == ISSUER_URL
    assert claims["exp"] - claims["iat"] == 3600


def test_every_local_token_is_unique(issuer: LocalIssuer) -> None:
    assert issuer.token(SUB, NOW) != issuer.token(SUB, NOW)


def test_the_local_key_set_is_public_and_has_the_members_of_cognitos(issuer: LocalIssuer) -> None:
    (key,) = issuer.jwks()["keys"]
    assert sorted(key) == ["alg", "e", "kid", "kty", "n", "use"]
    assert (key["alg"], key["e"], key["kty"], key["use"]) == ("RS256", "AQAB", "RSA", "sig")
    assert len(key["kid"]) == 43


def test_the_key_is_kept_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "deep" / "data")
    first = LocalIssuer(settings).jwks()
    assert LocalIssuer(settings).jwks() == first
    (file,) = settings.data_dir.iterdir()
    assert file.name == "local-issuer.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_keys_id_is_its_thumbprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of RFC 7638, section 3.1."""
    public = {name: value for name, value in RFC_7638_KEY.items() if name != "kid"}
    monkeypatch.setattr("jose.backends.cryptography_backend.CryptographyRSAKey.to_dict", lambda _: public)
    assert LocalIssuer(_settings(tmp_path)).jwks()["keys"][0]["kid"] == RFC_7638_KEY["kid"]


def test_processes_that_start_together_share_a_key(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.auth.test_issuer import _settings;"
        "from app.auth.issuer import LocalIssuer; print(LocalIssuer(_settings(Path(sys.argv[1]))).jwks())"
    )

    def run(_: int) -> str:
        command = [sys.executable, "-c", script, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(run, range(3)))) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_process_that_loses_the_race_uses_the_winners_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(tmp_path)
    first = LocalIssuer(settings).jwks()
    seen = iter([False])
    monkeypatch.setattr(Path, "exists", lambda _: next(seen))
    assert LocalIssuer(settings).jwks() == first
    assert len(list(tmp_path.iterdir())) == 1


PUBLIC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
"""


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff\x00", b"-----BEGIN CERTIFICATE-----", PUBLIC_KEY])
def test_a_damaged_key_file_fails_the_start_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "local-issuer.pem").write_bytes(content)
    with pytest.raises(BrokenIssuerKey, match=r"local-issuer\.pem holds no private RSA key: delete it"):
        LocalIssuer(_settings(tmp_path))


def test_an_unreadable_key_file_fails_the_start_with_its_cause(tmp_path: Path) -> None:
    (tmp_path / "local-issuer.pem").mkdir()
    with pytest.raises(BrokenIssuerKey, match="Is a directory"):
        LocalIssuer(_settings(tmp_path))


def test_a_folder_that_cannot_be_created_fails_the_start_with_its_cause(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokenIssuerKey, match=r"local-issuer\.pem cannot be used"):
        LocalIssuer(_settings(tmp_path / "file"))


def test_production_has_no_local_issuer(tmp_path: Path) -> None:
    with pytest.raises(BrokenIssuerKey, match="production"):
        LocalIssuer(SETTINGS.model_copy(update={"environment": "production", "data_dir": tmp_path}))
    assert not list(tmp_path.iterdir())
