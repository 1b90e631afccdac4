"""Two RSA keys for the whole session, and for each test a pool with the first."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.auth.keys import KeySet
from app.auth.tokens import TokenVerifier
from tests.auth.forge import URL, Clock, Endpoint, Forge, public_jwk, serving


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def forge() -> Forge:
    return Forge(_rsa_key(), _rsa_key())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def endpoint(forge: Forge) -> Endpoint:
    return Endpoint(serving(public_jwk(forge.key)))


@pytest.fixture
def verifier(endpoint: Endpoint, clock: Clock) -> TokenVerifier:
    return endpoint.verifier(clock)


@pytest.fixture
def keys(endpoint: Endpoint, clock: Clock) -> KeySet:
    return KeySet(URL, endpoint.client(), clock)
