"""Find what a change of the OpenAPI document takes away from clients that were generated from an earlier one.

The earlier document is that of the newest version tag or, before the first tag, the committed baseline. specshift
compares requests and responses. It overlooks the names that generated code takes over, the members of unions, headers,
events and the targets of links; therefore the promises of a document are also written out here, a sentence for each.
"""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from scripts.bootstrap import ROOT
from tests.contract.tools import DOCUMENT, HERE, PROGRAMS, PYTHON, program_environment, run

Document: TypeAlias = dict[str, Any]

ACCEPTED = HERE / "accepted.toml"
BASELINE = HERE / "baseline.json"
"""The document that is promised before the first version tag. A tag takes its place."""
CHANGELOG = ROOT / "CHANGELOG.md"
NAME = DOCUMENT.relative_to(ROOT).as_posix()
WORDS = ("type", "format", "$ref")
WORDING = frozenset({"title", "description", "example", "examples"})
"""Members of a schema that say nothing to generated code."""
PROBLEM = "application/problem+json"
REQUEST = "request "
LIMITS = ("minimum", "minLength", "minItems", "maximum", "maxLength", "maxItems", "maxProperties")
METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def promised() -> bytes:
    """Return the document that clients may rely on: that of the newest version tag, else the baseline."""
    return last_released() or BASELINE.read_bytes()


def last_released() -> bytes | None:
    """Return the document of the newest version tag that this commit contains; None without such a tag or without git.

    Tags without the document are passed over. A version counts as newer than its release candidates.
    """
    if shutil.which("git") is None:
        return None
    tags = run(
        "git", "-c", "versionsort.suffix=-", "tag", "--merged", "HEAD", "--list", "v*", "--sort=-version:refname"
    )
    for tag in tags.stdout.split() if tags.returncode == 0 else ():
        shown = run("git", "show", f"{tag}:{NAME}")
        if shown.returncode == 0:
            return shown.stdout.encode()
    return None


def has_released(changelog: str) -> bool:
    """Tell whether the changelog has a version; then git must have a tag of it."""
    return re.search(r"^## \[?v?\d", changelog, re.MULTILINE) is not None


@contextmanager
def gate(old: Path) -> Iterator[Callable[[Path], list[str]]]:
    """Yield a function that returns the breaking changes of a new document.

    They are found by specshift, which runs as one process for all new documents, and by the promises written out here.
    """
    before = Promised(json.loads(old.read_bytes()))
    command = [PYTHON, PROGRAMS / "specshift_each.py", old]
    environment = program_environment()
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as specshift:
        asked, answered = specshift.stdin, specshift.stdout
        assert asked
        assert answered

        def breaking_changes(new: Path) -> list[str]:
            asked.write(f"{new}\n")
            asked.flush()
            found = json.loads(answered.readline())
            return sorted({*found, *before.broken(json.loads(new.read_bytes()))})

        yield breaking_changes


class Promised:
    """The promises of a document."""

    def __init__(self, document: Document) -> None:
        self._promises = set(promises(document))
        self._alternatives = set(alternatives(document))
        self._closed = {owner for owner, _ in alternatives(document, closed_only=True)}
        self._requests = {where: schema for where, schema in _all_schemas(document) if is_request(where)}

    def broken(self, new: Document) -> set[str]:
        """Return the promises that a new document does not keep, and its additions to what was told to be complete."""
        lost = {f"no longer so: {promise}" for promise in self._promises - set(promises(new))}
        added = set(alternatives(new)) - self._alternatives
        widened = {f"{owner} can now be {value}" for owner, value in added if owner in self._closed}
        return lost | widened | set(self._narrowed(new))

    def _narrowed(self, new: Document) -> Iterator[str]:
        """Yield the requests that were valid and are not any more. specshift does not look into maps."""
        for where, schema in _all_schemas(new):
            if known := self._requests.get(where):
                wanted = set(schema.get("required", ())) - set(known.get("required", ()))
                yield from (f"{where} must now have {name}" for name in wanted)
                limits = [name for name in LIMITS if _is_tighter(name, known.get(name), schema.get(name))]
                yield from (f"{where} has the {name} {schema[name]}" for name in limits)


def promises(document: Document) -> Iterator[str]:
    """Yield everything that must stay true, as sentences."""
    for path, method, operation in operations(document):
        yield from _of_operation(f"{method.upper()} {path}", operation)
    for name, schema in components(document):
        yield f"there is a component {name}"
        yield from _of_schema(name, schema)
    for owner, value in alternatives(document):
        yield f"{owner} can be {value}"
    for name, scheme in document["components"].get("securitySchemes", {}).items():
        yield f"callers sign in by {name}: {scheme['type']} {scheme.get('scheme')}"


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method in methods.keys() & METHODS:
            yield path, method, methods[method]


def components(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield the named schemas. Those of requests are marked: they may become wider, not narrower."""
    schemas = document["components"]["schemas"]
    asked: set[str] = set()
    new = _names(*(operation.get("requestBody") for _, _, operation in operations(document)))
    while new:
        asked |= new
        new = _names(*(schemas[name] for name in new)) - asked
    yield from ((f"{REQUEST}{name}" if name in asked else name, schema) for name, schema in schemas.items())


def _names(*parts: Any) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(parts)))


def _is_tighter(name: str, old: float | None, new: float | None) -> bool:
    if new is None or old is None:
        return new is not None
    return new > old if name.startswith("min") else new < old


def _of_operation(where: str, operation: Document) -> Iterator[str]:
    yield f"{where} is {operation.get('operationId')}"
    yield from (f"{where} is tagged {tag}" for tag in operation.get("tags", ()))
    yield from (f"{where} takes {media}" for media in operation.get("requestBody", {}).get("content", ()))
    for status, answer in operation["responses"].items():
        yield from _of_answer(f"{where} {status}", answer)


def _of_answer(where: str, answer: Document) -> Iterator[str]:
    yield from (f"{where} has the header {name}" for name in answer.get("headers", ()))
    yield from (f"{where} leads to {link.get('operationId')}" for link in answer.get("links", {}).values())
    for media, content in answer.get("content", {}).items():
        yield f"{where} is {media}"
        if media == PROBLEM:
            yield from (f"{where} can have the code {code}" for code in content.get("examples", ()))
        yield from _of_schema(f"{where} {media}", content.get("schema", {}))


def _of_schema(where: str, schema: Document) -> Iterator[str]:
    """Yield names, types and formats of a schema and its parts, and the required members of responses."""
    yield from (f"{where} has {word} {schema[word]}" for word in WORDS if word in schema)
    if not is_request(where):
        yield from (f"{where} always has {name}" for name in schema.get("required", ()))
    yield from (f"{where} knows {name}" for name in schema.get("properties", ()))
    for place, part in _parts(where, schema):
        yield from _of_schema(place, part)


def _parts(where: str, schema: Document) -> Iterator[tuple[str, Document]]:
    """Yield the schemas that a schema is made of, with their places."""
    yield from ((f"{where}.{name}", member) for name, member in schema.get("properties", {}).items())
    yield from (
        (f"{where} {word}", schema[word])
        for word in ("items", "additionalProperties")
        if isinstance(schema.get(word), dict)
    )
    yield from ((where, part) for part in schema.get("allOf", ()))


def is_request(where: str) -> bool:
    return where.startswith(REQUEST)


def alternatives(document: Document, *, closed_only: bool = False) -> Iterator[tuple[str, str]]:
    """Yield enum values and union members. Clients may have a branch for each and, if it is closed, no other."""
    for where, schema in _all_schemas(document):
        if not (closed_only and is_open(where, schema)):
            yield from ((where, value) for value in _alternatives(schema))


def _all_schemas(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield every schema and every part of a schema, with its place."""
    for name, schema in components(document):
        yield from _with_parts(name, schema)
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            for media, content in answer.get("content", {}).items():
                yield from _with_parts(f"{method.upper()} {path} {status} {media}", content.get("schema", {}))


def _with_parts(where: str, schema: Document) -> Iterator[tuple[str, Document]]:
    yield where, schema
    for place, part in _parts(where, schema):
        yield from _with_parts(place, part)


def is_open(where: str, schema: Document) -> bool:
    """Tell whether clients know that more values will come: in requests, beside free text, and in named kinds."""
    return is_request(where) or {"type": "string"} in schema.get("anyOf", ()) or "discriminator" in schema


def _alternatives(schema: Document) -> Iterator[str]:
    yield from map(json.dumps, schema.get("enum", ()))
    for member in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if "enum" in member:
            yield from map(json.dumps, member["enum"])
        else:
            yield json.dumps({name: member[name] for name in sorted(member.keys() - WORDING)})
    discriminator = schema.get("discriminator", {"propertyName": ""})
    for kind, reference in discriminator.get("mapping", {}).items():
        yield f"{reference} when {discriminator['propertyName']} is {kind}"


def unaccepted(found: Sequence[str], accepted: str, changelog: str) -> list[str]:
    """Return what prevents a release: breaking changes that were not accepted, and acceptances that are wrong."""
    entries = tomllib.loads(accepted).get("accepted", [])
    changes = {entry["change"] for entry in entries}
    return [
        *(f"not accepted: {change}" for change in found if change not in changes),
        *(f"accepted, but not so: {change}" for change in sorted(changes - set(found))),
        *(f"not in CHANGELOG.md: {entry['changelog']}" for entry in entries if entry["changelog"] not in changelog),
    ]
