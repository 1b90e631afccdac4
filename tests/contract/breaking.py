"""What a change of the document takes away from those who have generated a client from it.

specshift compares requests and answers. It overlooks what generated code is named after, what is in unions, headers
and events, and where links lead; so the promises of a document are also written out here, one sentence each.
"""

import json
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from scripts.bootstrap import ROOT
from tests.contract.tools import DOCUMENT, HERE, PROGRAMS, PYTHON, run, succeeded

Document: TypeAlias = dict[str, Any]

ACCEPTED = HERE / "accepted.toml"
CHANGELOG = ROOT / "CHANGELOG.md"
NAME = DOCUMENT.relative_to(ROOT).as_posix()
WORDS = ("type", "format", "$ref", "contentMediaType")
METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def last_released() -> bytes | None:
    """The document of the newest version tag behind this commit that has one; None if there is none, or no git."""
    if shutil.which("git") is None:
        return None
    tags = run("git", "tag", "--merged", "HEAD", "--list", "v*", "--sort=-version:refname")
    for tag in tags.stdout.split() if tags.returncode == 0 else ():
        shown = run("git", "show", f"{tag}:{NAME}")
        if shown.returncode == 0:
            return shown.stdout.encode()
    return None


def breaking_changes(old: Path, news: Sequence[Path]) -> list[list[str]]:
    """For each new document what it breaks of the old one, by specshift and by our own promises."""
    found = json.loads(succeeded(run(PYTHON, PROGRAMS / "specshift_all.py", old, *news)))
    before = json.loads(old.read_bytes())
    return [sorted({*theirs, *broken(before, json.loads(new.read_bytes()))})
            for theirs, new in zip(found, news, strict=True)]  # fmt: skip


def broken(old: Document, new: Document) -> set[str]:
    """Promises that are not kept, and what is new where clients were told to know everything."""
    known = set(promises(old))
    kept = set(promises(new))
    closed = {owner for owner, _ in alternatives(old)}
    added = {f"{owner} can now be {one}" for owner, one in set(alternatives(new)) - set(alternatives(old))
             if owner in closed}  # fmt: skip
    return {f"no longer so: {promise}" for promise in known - kept} | added


def promises(document: Document) -> Iterator[str]:
    """Everything that must stay true."""
    for path, method, operation in operations(document):
        yield from _of_operation(f"{method.upper()} {path}", operation)
    for name, schema in document["components"]["schemas"].items():
        yield f"there is a component {name}"
        yield from _of_schema(name, schema)
    for owner, one in alternatives(document):
        yield f"{owner} can be {one}"
    for name, scheme in document["components"].get("securitySchemes", {}).items():
        yield f"one signs in by {name}: {scheme['type']} {scheme.get('scheme')}"


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method in methods.keys() & METHODS:
            yield path, method, methods[method]


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
        yield from (f"{where} can have the code {code}" for code in content.get("examples", ()))
        yield from _of_schema(f"{where} {media}", content.get("schema", {}))


def _of_schema(where: str, schema: Document) -> Iterator[str]:
    """Names, types and formats, all the way down; what is required of answers."""
    yield from (f"{where} has {word} {schema[word]}" for word in WORDS if word in schema)
    if not is_request(where):
        yield from (f"{where} always has {name}" for name in schema.get("required", ()))
    yield from (f"{where} knows {name}" for name in schema.get("properties", ()))
    for place, part in _parts(where, schema):
        yield from _of_schema(place, part)


def _parts(where: str, schema: Document) -> Iterator[tuple[str, Document]]:
    """The schemas that a schema is made of, and where they stand."""
    yield from ((f"{where}.{name}", member) for name, member in schema.get("properties", {}).items())
    yield from ((f"{where} {word}", schema[word]) for word in ("items", "contentSchema") if word in schema)
    yield from ((where, part) for part in schema.get("allOf", ()))


def is_request(where: str) -> bool:
    return where.split(".", maxsplit=1)[0].endswith(("Create", "Update"))


def alternatives(document: Document) -> Iterator[tuple[str, str]]:
    """The values and members of closed enums and unions: clients may have a branch for each, and for nothing else."""
    for name, schema in document["components"]["schemas"].items():
        yield from _alternatives(name, schema)
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            for media, content in answer.get("content", {}).items():
                yield from _alternatives(f"{method.upper()} {path} {status} {media}", content.get("schema", {}))


def _alternatives(where: str, schema: Document) -> Iterator[tuple[str, str]]:
    members = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    is_open = is_request(where) or {"type": "string"} in members
    if not is_open:
        yield from ((where, json.dumps(value)) for value in schema.get("enum", ()))
        yield from ((where, json.dumps(member, sort_keys=True)) for member in members)
    for place, part in _parts(where, schema):
        yield from _alternatives(place, part)


def unaccepted(found: Sequence[str], accepted: str, changelog: str) -> list[str]:
    """What stands in the way of a release: breaks nobody accepted, and acceptances that are wrong."""
    entries = tomllib.loads(accepted).get("accepted", [])
    changes = {entry["change"] for entry in entries}
    return [
        *(f"not accepted: {change}" for change in found if change not in changes),
        *(f"accepted, but not so: {change}" for change in sorted(changes - set(found))),
        *(f"not in CHANGELOG.md: {entry['changelog']}" for entry in entries if entry["changelog"] not in changelog),
    ]
