"""The words of the code: complete first sentences, and actors that a reader can name (docs/glossary.md)."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scripts.bootstrap import ROOT

FOLDERS = ("app", "migrations", "scripts", "tests")
NOT_OURS = ("app/web/", "scripts/locks/", "tests/contract/programs/")
VERBS = (
    "is|has|may|can|must|will|was|had|does|did|would|should|might|got|knows|left|looked|needs|reads|sends|types|wants"
)
ACTORLESS = re.compile(
    r"\b(?:who|whom|whoever|whomever|somebody|someone|nobody|anybody|anyone|everybody|everyone|oneself|one['’]s"
    rf"|(?:as|because|before|if|that|until|what|when|where|which|while|whom) one (?:{VERBS})(?! of)"
    r"|no one)\b",
    re.IGNORECASE,
)
"""Rule 2: a caller, client, user, sender, member, operator, request, process or connection acts, not one of these."""
INCOMPLETE = re.compile(r"(As|The same|Of|What|Who|Whether|How|Which|When|Where) ", re.IGNORECASE)
"""Rule 1: a first sentence that leans on something which stands elsewhere."""
MOST_PER_THOUSAND_WORDS = 1.0


class Text(NamedTuple):
    """A piece of prose and where it stands, as `file:line` or a path into the OpenAPI document."""

    place: str
    text: str

    @property
    def words(self) -> int:
        return len(re.findall(r"[A-Za-z’']+", self.text))


def sources() -> list[Path]:
    files = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in files if not path.relative_to(ROOT).as_posix().startswith(NOT_OURS)]


def docstrings(path: Path) -> Iterator[Text]:
    """Yield the docstrings of modules, classes and functions, and the strings that document a constant or field."""
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for statement in getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    yield Text(f"{name}:{statement.lineno}", text)


def comments(path: Path) -> Iterator[Text]:
    name = path.relative_to(ROOT).as_posix()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT and not re.match(r"# ?(type: ignore|noqa|fmt:|!)[^#]*$", token.string):
            yield Text(f"{name}:{token.start[0]}", token.string)


def raised(path: Path) -> Iterator[Text]:
    """Yield the sentences that errors carry: literals in `raise X("…")`, `sys.exit("…")` and `title = "…"`."""
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Raise(exc=ast.Call(args=arguments)):
                holders: list[ast.expr] = arguments
            case ast.Call(func=ast.Attribute(attr="exit" | "error" | "warning" | "fail"), args=arguments):
                holders = arguments
            case ast.Assign(targets=[ast.Name(id="title")], value=value):
                holders = [value]
            case _:
                continue
        for holder in holders:
            for part in ast.walk(holder):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield Text(f"{name}:{part.lineno}", part.value)


def page_comments() -> Iterator[Text]:
    """Yield the comments of the page's scripts and styles, vendored files and the bundle excepted."""
    static = ROOT / "app" / "web" / "static"
    for path in sorted(static.rglob("*.[jc]s*")):
        if path.suffix in {".js", ".css"} and not {"vendor", "bundle"}.intersection(path.parts):
            text = path.read_text(encoding="utf-8")
            for match in re.finditer(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", text, re.DOTALL):
                yield Text(f"{path.relative_to(ROOT).as_posix()}:{text[: match.start()].count(chr(10)) + 1}", match[0])


def documents() -> Iterator[Text]:
    """Yield the prose of the Markdown documents, line by line, without code blocks and quoted code."""
    for path in sorted((*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))):
        is_code = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            is_code ^= line.lstrip().startswith("```")
            if not is_code:
                yield Text(f"{path.name}:{number}", re.sub(r"`[^`]*`", "", line))


def described(part: Any, place: str) -> Iterator[Text]:
    """Yield every summary, description and title of the OpenAPI document."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name in {"summary", "description", "title"} and isinstance(value, str):
                yield Text(f"openapi.json{place}/{name}", value)
            else:
                yield from described(value, f"{place}/{name}")
    elif isinstance(part, list):
        for at, value in enumerate(part):
            yield from described(value, f"{place}/{at}")


def document() -> Iterator[Text]:
    return described(json.loads((ROOT / "app" / "openapi.json").read_text(encoding="utf-8")), "")


def of_sources(kind: Callable[[Path], Iterator[Text]]) -> Iterator[Text]:
    return (text for path in sources() for text in kind(path))


KINDS: dict[str, Callable[[], Iterator[Text]]] = {
    "docstrings": lambda: of_sources(docstrings),
    "comments": lambda: of_sources(comments),
    "error texts": lambda: of_sources(raised),
    "OpenAPI document": document,
    "comments of the page": page_comments,
    "documents": documents,
}


@cache
def prose(kind: str) -> list[Text]:
    return list(KINDS[kind]())


@pytest.mark.parametrize("kind", KINDS)
def test_actors_are_named(kind: str) -> None:
    texts = prose(kind)
    found = [f"{text.place}: {match[0]} …" for text in texts for match in ACTORLESS.finditer(text.text)]
    words = sum(text.words for text in texts)
    assert len(found) <= words * MOST_PER_THOUSAND_WORDS / 1000, f"{len(found)} in {words} words:\n" + "\n".join(found)


def test_first_sentences_are_complete_by_themselves() -> None:
    texts = prose("docstrings")
    found = [f"{text.place}: {text.text.strip().splitlines()[0]}" for text in texts if INCOMPLETE.match(text.text)]
    assert len(found) <= len(texts) * MOST_PER_THOUSAND_WORDS / 1000, f"{len(found)} of {len(texts)}:\n" + "\n".join(
        found
    )


@pytest.mark.parametrize(
    ("text", "is_actorless"),
    [
        ("Whoever waits is told.", True),
        ("Groups that one is in.", True),
        ("What one has.", True),
        ("Somebody else wrote it.", True),
        ("One message of one group.", False),
        ("The caller that one process serves.", False),
        ("At most one of them.", False),
    ],
)
def test_the_rule_tells_actors_from_numbers(text: str, is_actorless: bool) -> None:
    assert bool(ACTORLESS.search(text)) is is_actorless
