"""The setup: finds a Python, makes things once, makes interrupted things anew, one at a time."""

import json
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from scripts import bootstrap

LOCK_FILES = [*bootstrap.ROOT.glob("requirements*.lock"), *bootstrap.LOCKS.rglob("*.lock")]


class Maker:
    """Counts how often it was asked to make its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder.with_name("source")
        self.source.write_text("version 1")
        self.made = 0
        self.fails = False

    def once(self) -> None:
        bootstrap.once(self.folder, [self.source], self._make, "Making")

    def _make(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / f"part{self.made}").touch()
        self.made += 1
        if self.fails:
            raise KeyboardInterrupt


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "thing")


def test_a_part_is_made_once(maker: Maker) -> None:
    maker.once()
    maker.once()
    assert maker.made == 1


def test_a_part_is_made_again_when_its_source_changes(maker: Maker) -> None:
    maker.once()
    maker.source.write_text("version 2")
    maker.once()
    assert maker.made == 2


@pytest.mark.parametrize("times_before", [0, 1])
def test_an_interrupted_part_is_made_from_nothing(maker: Maker, times_before: int) -> None:
    for version in range(times_before):
        maker.source.write_text(f"version {version}")
        maker.once()
    maker.source.write_text("newest")
    maker.fails = True
    with pytest.raises(KeyboardInterrupt):
        maker.once()
    maker.fails = False
    maker.once()
    assert [path.name for path in maker.folder.glob("part*")] == [f"part{times_before + 1}"]


def test_concurrent_setups_take_turns(tmp_path: Path) -> None:
    order: list[str] = []
    inside = threading.Event()

    def first() -> None:
        with bootstrap.setup_lock(tmp_path / "tools"):
            inside.set()
            time.sleep(0.1)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with bootstrap.setup_lock(tmp_path / "tools"):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_an_old_python_is_named(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    script = ". scripts/setup.sh; setup environment; echo reached"
    shell = subprocess.Popen(
        ["/bin/sh", "-c", script],
        env={"PATH": str(tmp_path)},
        cwd=bootstrap.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert shell.communicate() == ("", "Python 3.11 or newer is needed, and none was found on the PATH.\n")
    assert shell.returncode == 1


@pytest.mark.parametrize("path", LOCK_FILES, ids=lambda path: path.name)
def test_every_package_is_locked_by_hash_and_without_an_address(path: Path) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE).strip())
    assert entries
    assert all(re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL) for entry in entries)
    assert "://" not in path.read_text()


def test_dynoxide_is_locked_by_hash_and_without_an_address() -> None:
    text = (bootstrap.LOCKS / "dynoxide" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
    assert "://" not in text
