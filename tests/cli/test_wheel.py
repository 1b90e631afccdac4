"""The wheel: what an operator installs has the commands and their data, and none of a checkout's scripts."""

import os
import subprocess
import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from scripts.bootstrap import ROOT

RUN = """
import app.cli.seed.conversations
from app.cli.main import run
print(app.__file__, len(app.cli.seed.conversations.CONVERSATIONS))
run()
"""


def test_the_wheel_has_the_commands_and_no_scripts(tmp_path: Path) -> None:
    build: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with ZipFile(wheel) as packed:
        packed.extractall(site)
    folders = {path.name for path in site.iterdir()}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"app", "migrations"}
    [told] = site.glob("*.dist-info/METADATA")
    metadata = Parser().parsestr(told.read_text(encoding="utf-8"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"] == "the cruddur-messages authors"
    assert metadata["Summary"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "Framework :: FastAPI" in metadata.get_all("Classifier", [])
    ended = subprocess.run(
        [sys.executable, "-c", RUN, "--help"],
        cwd=site,
        env={"PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.startswith(f"{site / 'app' / '__init__.py'} 7\nUsage: cruddur ")
