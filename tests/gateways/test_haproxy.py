"""The Valkey gateway behind a real HAProxy, configured as the documentation says, which leads to the primary."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from app.gateways.valkey import Valkey, ValkeyUnavailable
from scripts.bootstrap import debian_server
from scripts.engines.process import Child, free_port
from scripts.engines.valkey import Valkey as Engine
from tests.fixtures.engines import running_valkey
from tests.fixtures.setup import set_up
from tests.gateways.test_valkey import Recorder, connected
from tests.tools.clock import Clock

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None, reason="HAProxy comes from the packages of a Debian or Ubuntu"
)
PASSWORD = "kX9vQ2mR7tYw"
BACKEND = re.search(r"```haproxy\n(.*?)```", Path("docs/operations.md").read_text(), re.DOTALL)
FRONTEND = "frontend clients\n  mode tcp\n  timeout client 1h\n  bind 127.0.0.1:{port}\n  default_backend valkey\n"


@contextmanager
def running_haproxy(folder: Path, primary: Engine, replica: Engine) -> Iterator[str]:
    """Run HAProxy in front of both servers, and return the URL of Valkey there once it has found the replica out."""
    assert BACKEND
    backend = BACKEND[1].replace("PASSWORD", PASSWORD)
    for written, engine in (("10.0.0.1:6379", primary), ("10.0.0.2:6379", replica)):
        assert written in backend
        backend = backend.replace(written, f"127.0.0.1:{engine.port}")
    port, file, program = free_port(), folder / "haproxy.cfg", Child("haproxy", folder / "haproxy.log")
    file.write_text(FRONTEND.format(port=port) + backend)
    haproxy, libraries = debian_server("usr/sbin/haproxy")
    program.start(haproxy, "-db", "-f", file, env=os.environ | libraries)
    try:
        program.wait_until(lambda: "Server valkey/b is DOWN" in program.log.read_text(), seconds=20)
        yield f"redis://:{PASSWORD}@127.0.0.1:{port}"
    finally:
        program.stop(signal.SIGTERM, seconds=2)


async def test_it_leads_to_the_primary_before_and_after_a_failover(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await asyncio.to_thread(set_up, request, "debian")
    clock, recorder = Clock(), Recorder()
    with (
        running_valkey(password=PASSWORD) as primary,
        running_valkey(f"replicaof 127.0.0.1 {primary.port}", f"masterauth {PASSWORD}", password=PASSWORD) as replica,
        running_haproxy(tmp_path, primary, replica) as url,
        Redis(host="127.0.0.1", port=replica.port, password=PASSWORD, protocol=2) as admin,
    ):
        valkey = Valkey(url, [("SET", "trial", "x")], clock=clock)
        await connected(valkey, clock)
        async with valkey.listen(
            on_message=recorder.on_message, on_down=recorder.on_down, on_up=recorder.on_up
        ) as subscriber:
            await recorder.receives(1)
            await subscriber.subscribe("channel")
            primary.child.stop(signal.SIGKILL, seconds=2)
            with pytest.raises(ValkeyUnavailable):
                await valkey.call("PING")
            await asyncio.to_thread(admin.execute_command, "REPLICAOF", "NO", "ONE")
            await connected(valkey, clock)
            await recorder.receives(3, seconds=10)
            assert await valkey.call("SPUBLISH", "channel", "x") == 1
            await recorder.receives(4)
            assert recorder.received == ["up", "down", "up", ("channel", b"x")]
        await valkey.aclose()
