"""What a change of the document takes away from those who have generated a client from it.

specshift compares requests and answers. It overlooks what generated code is named after, what is in unions, headers
and events, and where links lead; so the promises of a document are also written out here, one sentence each.
"""

import json
import re
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
WORDS = ("type", "format", "$ref")
PROBLEM = "application/problem+json"
REQUEST = "request "
LIMITS = ("minimum", "minLength", "minItems", "maximum", "maxLength", "maxItems", "maxProperties")
METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def last_released() -> bytes | None:
    """The document of the newest version tag behind this commit that has one; None if there is none, or no git.

    A version comes after its release candidates.
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
    """Whether the changelog has a version, so that there must be a tag, too."""
    return re.search(r"^## \[?v?\d", changelog, re.MULTILINE) is not None


def breaking_changes(old: Path, news: Sequence[Path]) -> list[list[str]]:
    """For each new document what it breaks of the old one, by specshift and by our own promises."""
    found = json.loads(succeeded(run(PYTHON, PROGRAMS / "specshift_all.py", old, *news)))
    before = json.loads(old.read_bytes())
    return [sorted({*theirs, *broken(before, json.loads(new.read_bytes()))})
            for theirs, new in zip(found, news, strict=True)]  # fmt: skip


def broken(old: Document, new: Document) -> set[str]:
    """Promises that are not kept, and what is new where clients were told to know everything."""
    lost = {f"no longer so: {promise}" for promise in set(promises(old)) - set(promises(new))}
    closed = {owner for owner, _ in alternatives(old, closed_only=True)}
    come = set(alternatives(new)) - set(alternatives(old))
    return lost | {f"{owner} can now be {one}" for owner, one in come if owner in closed} | set(narrowed(old, new))


def promises(document: Document) -> Iterator[str]:
    """Everything that must stay true."""
    for path, method, operation in operations(document):
        yield from _of_operation(f"{method.upper()} {path}", operation)
    for name, schema in components(document):
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


def components(document: Document) -> Iterator[tuple[str, Document]]:
    """The named schemas. Those of requests, which may become wider and not narrower, are marked."""
    schemas = document["components"]["schemas"]
    asked: set[str] = set()
    new = _names(*(operation.get("requestBody") for _, _, operation in operations(document)))
    while new:
        asked |= new
        new = _names(*(schemas[name] for name in new)) - asked
    yield from ((f"{REQUEST}{name}" if name in asked else name, schema) for name, schema in schemas.items())


def _names(*parts: Any) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(parts)))


def narrowed(old: Document, new: Document) -> Iterator[str]:
    """Requests that were right before and are not any more. specshift does not look into maps."""
    before = {where: schema for where, schema in _all_schemas(old) if is_request(where)}
    for where, schema in _all_schemas(new):
        if known := before.get(where):
            wanted = set(schema.get("required", ())) - set(known.get("required", ()))
            yield from (f"{where} must now have {name}" for name in wanted)
            limits = [name for name in LIMITS if _is_tighter(name, known.get(name), schema.get(name))]
            yield from (f"{where} has the {name} {schema[name]}" for name in limits)


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
    yield from ((f"{where} {word}", schema[word]) for word in ("items", "additionalProperties")
                if isinstance(schema.get(word), dict))  # fmt: skip
    yield from ((where, part) for part in schema.get("allOf", ()))


def is_request(where: str) -> bool:
    return where.startswith(REQUEST)


def alternatives(document: Document, *, closed_only: bool = False) -> Iterator[tuple[str, str]]:
    """The values and members of enums and unions. Clients may have a branch for each, and where closed for no other."""
    for where, schema in _all_schemas(document):
        if not (closed_only and is_open(where, schema)):
            yield from ((where, one) for one in _alternatives(schema))


def _all_schemas(document: Document) -> Iterator[tuple[str, Document]]:
    """Every schema and part of one, and where it stands."""
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
    """Whether clients were told that more will come: of requests, of enums beside any text, and of kinds by name."""
    return is_request(where) or {"type": "string"} in schema.get("anyOf", ()) or "discriminator" in schema


def _alternatives(schema: Document) -> Iterator[str]:
    yield from map(json.dumps, schema.get("enum", ()))
    for member in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if "enum" in member:
            yield from map(json.dumps, member["enum"])
        else:
            yield json.dumps(member, sort_keys=True)
    discriminator = schema.get("discriminator", {"propertyName": ""})
    for kind, reference in discriminator.get("mapping", {}).items():
        yield f"{reference} when {discriminator['propertyName']} is {kind}"


def unaccepted(found: Sequence[str], accepted: str, changelog: str) -> list[str]:
    """What stands in the way of a release: breaks nobody accepted, and acceptances that are wrong."""
    entries = tomllib.loads(accepted).get("accepted", [])
    changes = {entry["change"] for entry in entries}
    return [
        *(f"not accepted: {change}" for change in found if change not in changes),
        *(f"accepted, but not so: {change}" for change in sorted(changes - set(found))),
        *(f"not in CHANGELOG.md: {entry['changelog']}" for entry in entries if entry["changelog"] not in changelog),
    ]
