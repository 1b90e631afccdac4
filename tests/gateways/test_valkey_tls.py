"""The Valkey gateway against a cluster that takes encrypted connections only, and has a certificate for its name."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.x509 import DNSName

from app.gateways.valkey import Valkey, ValkeyUnavailable
from tests.fixtures.setup import set_up
from tests.gateways.certificates import Authority
from tests.gateways.test_valkey import Recorder, connected
from tests.tools.clock import Clock
from tests.tools.redis_tls import TlsRedis
from tests.tools.valkey_cluster import ValkeyCluster, running_cluster

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="Redis comes from the packages of a Debian or Ubuntu"
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, authority: Authority) -> Iterator[ValkeyCluster]:
    set_up(request, "debian")
    file: Path = authority.certify(DNSName("localhost"))
    options = (
        f"tls-cert-file {file}",
        f"tls-key-file {file}",
        f"tls-ca-cert-file {authority.bundle}",
        "tls-auth-clients no",
        "tls-cluster yes",
        "cluster-announce-hostname localhost",
        "cluster-preferred-endpoint-type hostname",
    )
    with running_cluster(*options, engine_class=TlsRedis, authority=authority.bundle) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def _trusts_the_authority(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))


async def test_commands_and_channels_of_all_nodes_are_encrypted(cluster: ValkeyCluster) -> None:
    clock, recorder = Clock(), Recorder()
    valkey = Valkey(cluster.address, call_seconds=5, clock=clock)
    await connected(valkey, clock)
    keys = [f"key-{number}" for number in range(30)]
    assert await valkey.calls([("SET", key, key) for key in keys]) == [b"OK"] * 30
    assert all(cluster.run(node, "DBSIZE") for node in range(3))
    async with valkey.listen(on_message=recorder.on_message, on_up=recorder.on_up) as subscriber:
        await recorder.receives(1)
        for key in keys:
            await subscriber.subscribe(key)
        assert await valkey.calls([("SPUBLISH", key, key) for key in keys]) == [1] * 30
        await recorder.receives(31)
    await valkey.aclose()


async def test_a_certificate_for_another_name_is_a_fault_with_a_remedy(cluster: ValkeyCluster) -> None:
    valkey = Valkey(cluster.address.replace("localhost", "127.0.0.1"), call_seconds=5)
    with pytest.raises(ValkeyUnavailable):
        await valkey.call("PING")
    assert valkey.fault
    assert "use the name that the certificate has" in valkey.fault.remedy
    await valkey.aclose()


async def test_a_certificate_of_an_unknown_authority_is_refused(
    cluster: ValkeyCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    valkey = Valkey(cluster.address, call_seconds=5)
    with pytest.raises(ValkeyUnavailable):
        await valkey.call("PING")
    assert valkey.fault
    assert "SSLCertVerificationError" in str(valkey.fault)
    await valkey.aclose()
