"""The documents lead to what is there, and say of settings and sizes what the code says."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.limits import rates
from app.limits.rates import Rate
from app.settings import ServerSettings
from scripts.bootstrap import ROOT
from tests.tools.command import cruddur

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|href)="([^"]+)\"""")
OUTSIDE = ("https://", "http://", "mailto:")
PATH = re.compile(r"(?<![\w/.-])(?:\./)?((?:app|scripts|tests|migrations)/[\w./-]*\w)")


@cache
def without_code(document: Path) -> str:
    return re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(document: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of each link to something in this repository."""
    for target in (one or other for one, other in LINK.findall(without_code(document))):
        if not target.startswith(OUTSIDE):
            path, _, anchor = target.partition("#")
            yield (document.parent / path).resolve() if path else document, anchor


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", without_code(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for file, anchor in links(document):
        assert file.exists(), file
        assert not anchor or anchor in anchors(file), f"{file.name}#{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_file_that_is_named_exists(document: Path) -> None:
    for path in PATH.findall(document.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


def test_the_readme_leads_to_every_document() -> None:
    linked = {file for file, _ in links(ROOT / "README.md")}
    assert {document for document in DOCUMENTS if document.name != "README.md"} <= linked


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.+?) \|", text, re.MULTILINE)
    documented = {name: default for names, default in rows for name in re.findall(r"`([A-Z_]+)`", names)}
    assert documented.keys() == {name.upper() for name in ServerSettings.model_fields}
    for name, field in ServerSettings.model_fields.items():
        default = documented[name.upper()]
        if field.is_required():
            assert default == "required", name
        elif field.default:
            value = ",".join(field.default) if isinstance(field.default, tuple) else field.default
            value = str(value).lower() if isinstance(value, bool) else value
            assert default == f"`{value}`", name
        else:
            assert not default.startswith("`"), name


def test_every_limit_of_calls_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    key = r"an? \w+(?: or an? \w+)?(?:, in one process)?"
    documented = re.findall(rf"^\| `([a-z-]+)` \| {key} \| (.+?) \| (.+?) \|", text, re.MULTILINE)
    defined = [each for each in vars(rates).values() if isinstance(each, Rate)]
    assert {*documented} == {(rate.name, *amounts_of(rate)) for rate in defined}


def amounts_of(rate: Rate) -> tuple[str, str]:
    """The contents of a full bucket and what comes back, in the words of the document."""
    suffix = {"requests": "", "read-units": " RCU", "write-units": " WCU", "units": " units", "bytes": " MB"}[rate.unit]
    burst = rate.burst / 1e6 if rate.unit == "bytes" else rate.burst
    if rate.unit == "bytes":
        return f"{burst:,.0f}{suffix}", f"{rate.per_second / 1e3:,.0f} kB a second"
    seconds = round(1 / rate.per_second, 6)
    each = f"{rate.per_second:g} a second" if seconds <= 1 else "1 a minute" if seconds == 60 else f"1 in {seconds:g} s"
    return f"{burst:,.0f}{suffix}", each


def test_the_messages_groups_and_counters_that_are_shown_have_every_member() -> None:
    schemas = json.loads((ROOT / "app" / "openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    names = {"number": "MessageView", "last_number": "MessageGroupView", "is_complete": "CounterView"}
    shown: Counter[str] = Counter()
    for document in DOCUMENTS:
        for text in re.findall(r"^```json\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            answer = json.loads(text) if "…" not in text else []
            for each in answer if isinstance(answer, list) else [answer]:
                for name in (name for member, name in names.items() if member in each):
                    assert each.keys() == schemas[name]["properties"].keys(), f"{document.name}: {text}"
                    shown[name] += 1
    assert shown == {"MessageView": 2, "MessageGroupView": 2, "CounterView": 1}


async def test_the_plan_of_the_command_line_is_what_it_prints() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    command, shown = re.findall(r"^\$ cruddur (capacity plan .*)\n…\n(.*?)\n\n\$", text, re.MULTILINE | re.DOTALL)[0]
    ended = await cruddur(*command.split(), env={})
    printed = [line.rstrip() for line in ended.out.splitlines()]
    assert "\n".join(printed).endswith(shown)
