"""The licence is named wherever the product goes, and files of other projects come with theirs."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

from scripts.bootstrap import ROOT, clean_environment

HOLDER = "the cruddur-messages authors"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = {"LICENSE", "NOTICE"}


def vendored_licences() -> set[str]:
    """Paths of the licences and notices that stand beside files of other projects."""
    names = re.compile(r"(LICENSE|NOTICE)(-\w+)?|.*\.LICENSE\.txt")
    files = (path for path in (ROOT / "app" / "web").rglob("*") if names.fullmatch(path.name))
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_the_licence_is_complete_and_names_its_holder() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert f"Copyright 2026 {HOLDER}" in text
    assert "[name of copyright owner]" not in text


def test_project_document_and_image_name_the_licence() -> None:
    info = json.loads((ROOT / "app" / "openapi.json").read_bytes())["info"]
    assert PROJECT["license"] == "Apache-2.0"
    assert info["license"]["identifier"] == PROJECT["license"]
    assert info["contact"]["name"].lower() == HOLDER
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f'org.opencontainers.image.licenses="{PROJECT["license"]}"' in dockerfile
    assert "COPY LICENSE NOTICE /licenses/" in dockerfile


def test_the_notice_names_every_licence_of_vendored_files() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert f"Copyright 2026 {HOLDER}" in notice
    named = set(re.findall(r"app/web/[\w./-]+[\w-]", notice))
    assert all((ROOT / path).is_file() for path in named)
    assert vendored_licences() <= named


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    subprocess.run(command, cwd=ROOT, env=clean_environment(), check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_has_the_licence_and_those_of_vendored_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        (folder,) = {name.partition("/")[0] for name in packed.namelist() if ".dist-info/" in name}
        metadata = BytesParser().parsebytes(packed.read(f"{folder}/METADATA"))
        carried = {name.removeprefix(f"{folder}/licenses/") for name in packed.namelist() if "/licenses/" in name}
    assert metadata["License-Expression"] == "Apache-2.0"
    assert carried == OURS | vendored_licences()
