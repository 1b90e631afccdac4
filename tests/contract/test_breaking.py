"""Nothing that a generated client relies on is taken away without a decision, and the gate finds every such change."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import breaking
from tests.contract.breaking import (
    ACCEPTED,
    BASELINE,
    CHANGELOG,
    gate,
    has_released,
    last_released,
    promised,
    unaccepted,
)
from tests.contract.tools import DOCUMENT
from tests.contract.tools import run as _run

Document = dict[str, Any]
Mutation = Callable[[Document], object]
PROBLEM = "application/problem+json"
EVENT = "text/event-stream"


def base() -> Document:
    """Return the committed document with what later versions may have: a closed union, and an open enum."""
    document: Document = json.loads(DOCUMENT.read_bytes())
    document["components"]["schemas"] |= {
        "Either": {"oneOf": [{"$ref": "#/components/schemas/UserView"}, {"$ref": "#/components/schemas/MessageView"}]},
        "Amount": {"anyOf": [{"type": "integer", "description": "How many"}, {"type": "array", "items": {}}]},
        "Mood": {"anyOf": [{"type": "string", "enum": ["good"]}, {"type": "string"}]},
    }
    return document


def send(it: Document) -> Any:
    return it["paths"]["/api/messages"]["post"]


def history(it: Document) -> Any:
    return it["paths"]["/api/messages/{message_group_uuid}"]["get"]


def stream(it: Document) -> Any:
    return it["paths"]["/api/events"]["get"]


def events(it: Document) -> Any:
    return stream(it)["responses"]["200"]["content"]


def sync(it: Document) -> Any:
    return it["paths"]["/api/sync"]["post"]


def schema(it: Document, name: str) -> Any:
    return it["components"]["schemas"][name]


def members(it: Document, name: str) -> Any:
    return schema(it, name)["properties"]


def other_kind(it: Document, kind: str) -> None:
    """Add a kind of event that looks like `typing`."""
    name = f"{kind.title()}Event"
    it["components"]["schemas"][name] = copy.deepcopy(schema(it, "TypingEvent"))
    members(it, name)["type"].update(enum=[kind])
    schema(it, "EventView")["oneOf"].append({"$ref": f"#/components/schemas/{name}"})
    schema(it, "EventView")["discriminator"]["mapping"][kind] = f"#/components/schemas/{name}"


def lost_kind(it: Document, kind: str) -> None:
    schema(it, "EventView")["oneOf"].remove({"$ref": schema(it, "EventView")["discriminator"]["mapping"].pop(kind)})


def required(it: Document, name: str, member: str) -> None:
    members(it, name).update({member: {"type": "string"}})
    schema(it, name)["required"].append(member)


def renamed(it: Document, old: str, new: str) -> None:
    text = json.dumps(it).replace(f'schemas/{old}"', f'schemas/{new}"')
    it.clear()
    it.update(json.loads(text))
    it["components"]["schemas"][new] = it["components"]["schemas"].pop(old)


BREAKING: dict[str, Mutation] = {
    "a path is gone": lambda it: it["paths"].pop("/api/messages/counter"),
    "a method is gone": lambda it: it["paths"]["/api/users"].pop("get"),
    "an operation id is another": lambda it: send(it).update(operationId="post_message"),
    "a tag is another": lambda it: send(it).update(tags=["chat"]),
    "a component has another name": lambda it: renamed(it, "MessageView", "ChatMessageView"),
    "a member of an answer is gone": lambda it: members(it, "MessageView").pop("edited_at"),
    "a member of an answer has another type": lambda it: members(it, "MessageView")["number"].update(type="string"),
    "a member of an answer has another format": lambda it: members(it, "MessageView")["uuid"].update(format="uri"),
    "a member of an answer may be null": lambda it: members(it, "MessageView")["message"].update(
        type=["string", "null"]
    ),
    "a member of an answer may be missing": lambda it: schema(it, "MessageView")["required"].remove("number"),
    "an answer is no array": lambda it: history(it)["responses"]["200"]["content"]["application/json"].update(
        schema={"type": "object", "properties": {}}
    ),
    "an answer's status is another": lambda it: send(it)["responses"].update({"201": send(it)["responses"].pop("200")}),
    "an answer's media type is another": lambda it: send(it)["responses"]["200"].update(
        content={"text/plain": {"schema": {"type": "string"}}}
    ),
    "a header of an answer is gone": lambda it: history(it)["responses"]["200"]["headers"].pop("Link"),
    "a link is gone": lambda it: send(it)["responses"]["200"]["links"].pop("mark_read"),
    "a problem's code is gone": lambda it: schema(it, "SendMessageProblemCode")["enum"].remove("uuid-taken"),
    "a problem's code is new": lambda it: schema(it, "SendMessageProblemCode")["enum"].append("tired"),
    "a status has one code less": lambda it: send(it)["responses"]["404"]["content"][PROBLEM]["examples"].pop(
        "user-not-found"
    ),
    "a problem is plain JSON": lambda it: send(it)["responses"]["404"].update(
        content={"application/json": send(it)["responses"]["404"]["content"].pop(PROBLEM)}
    ),
    "a closed enum has a new value": lambda it: schema(it, "MemberState")["enum"].append("asleep"),
    "a closed enum has one value less": lambda it: schema(it, "MemberState")["enum"].remove("left"),
    "a closed union has a new member": lambda it: schema(it, "Either")["oneOf"].append(
        {"$ref": "#/components/schemas/MessageGroupView"}
    ),
    "a closed union has one member less": lambda it: schema(it, "Either")["oneOf"].pop(),
    "an open enum has one value less": lambda it: schema(it, "Mood")["anyOf"][0].update(enum=[]),
    "events are another thing": lambda it: events(it)[EVENT].update(schema={"$ref": "#/components/schemas/ReadEvent"}),
    "events are not typed": lambda it: events(it)[EVENT].update(schema={"type": "string"}),
    "a kind of event is gone": lambda it: lost_kind(it, "typing"),
    "a kind of event is named otherwise": lambda it: (
        schema(it, "EventView")["discriminator"]["mapping"].update(
            reading=schema(it, "EventView")["discriminator"]["mapping"].pop("read")
        ),
        members(it, "ReadEvent")["type"].update(enum=["reading"]),
    ),
    "a kind of event is another schema": lambda it: schema(it, "EventView")["discriminator"]["mapping"].update(
        read="#/components/schemas/TypingEvent"
    ),
    "kinds of events are told apart otherwise": lambda it: schema(it, "EventView")["discriminator"].update(
        propertyName="kind"
    ),
    "kinds of events are not told apart": lambda it: schema(it, "EventView").pop("discriminator"),
    "a kind's name is not in its events": lambda it: members(it, "ReadEvent").pop("type"),
    "a kind's name is any text": lambda it: members(it, "ReadEvent")["type"].pop("enum"),
    "a member of an event is gone": lambda it: members(it, "ReadEvent").pop("number"),
    "a member of an event has another name": lambda it: members(it, "TypingEvent").update(
        typing=members(it, "TypingEvent").pop("is_typing")
    ),
    "a member of an event has another type": lambda it: members(it, "ReadEvent")["number"].update(type="string"),
    "a member of an event is another thing": lambda it: members(it, "MessageEvent")["group"].update(
        {"$ref": "#/components/schemas/UserView"}
    ),
    "a member of an event may be missing": lambda it: schema(it, "MessageEvent")["required"].remove("group"),
    "a member of an event may be null": lambda it: members(it, "ResyncEvent")["reason"].update(type=["string", "null"]),
    "a stream cannot go on": lambda it: stream(it)["parameters"].pop(),
    "a stream goes on by another header": lambda it: stream(it)["parameters"][0].update(name="Last-Position"),
    "a stream must go on": lambda it: stream(it)["parameters"][0].update(required=True),
    "too many streams are no problem": lambda it: stream(it)["responses"].pop("429"),
    "a refused stream has no Retry-After": lambda it: stream(it)["responses"]["429"]["headers"].pop("Retry-After"),
    "a known group has a new required member": lambda it: required(it, "KnownGroup", "mood"),
    "a member of a known group is refused": lambda it: members(it, "KnownGroup").pop("version"),
    "a member of a known group has another type": lambda it: members(it, "KnownGroup")["number"].update(type="string"),
    "the known groups are a list": lambda it: members(it, "SyncCreate").update(
        groups={"type": "array", "items": {"$ref": "#/components/schemas/KnownGroup"}}
    ),
    "the known groups are another schema": lambda it: members(it, "SyncCreate")["groups"].update(
        additionalProperties={"$ref": "#/components/schemas/MessageCreate"}
    ),
    "a sync takes fewer groups": lambda it: members(it, "SyncCreate")["groups"].update(maxProperties=50),
    "a number of a known group has a lower maximum": lambda it: members(it, "KnownGroup")["number"].update(
        maximum=1000
    ),
    "a sync has a new required member": lambda it: required(it, "SyncCreate", "device"),
    "the answer to a sync has no gone groups": lambda it: members(it, "SyncView").pop("gone"),
    "the answer to a sync has no links": lambda it: sync(it)["responses"]["200"].pop("links"),
    "a stream is something else": lambda it: events(it).update({"application/json": events(it).pop(EVENT)}),
    "a member of a request is required": lambda it: schema(it, "MessageCreate")["required"].append("uuid"),
    "a request has a new required member": lambda it: (
        members(it, "UserCreate").update(email={"type": "string"}),
        schema(it, "UserCreate")["required"].append("email"),
    ),
    "a member of a request is refused": lambda it: members(it, "MessageCreate").pop("reply_to"),
    "a limit of a request is lower": lambda it: members(it, "MessageCreate")["message"].update(maxLength=500),
    "a request's media type is another": lambda it: send(it)["requestBody"].update(
        content={"application/xml": send(it)["requestBody"]["content"].pop("application/json")}
    ),
    "a parameter is gone": lambda it: history(it)["parameters"].pop(),
    "a parameter is required": lambda it: history(it)["parameters"][1].update(required=True),
    "a parameter is new and required": lambda it: history(it)["parameters"].append(
        {"name": "zone", "in": "query", "required": True, "schema": {"type": "string"}}
    ),
    "a parameter has another type": lambda it: history(it)["parameters"][1]["schema"].update(type="string"),
    "a parameter's limit is lower": lambda it: history(it)["parameters"][1]["schema"].update(maximum=10),
    "a call wants a token now": lambda it: it["paths"]["/healthz"]["get"].update(security=[{"accessToken": []}]),
    "callers sign in by another scheme": lambda it: it["components"]["securitySchemes"]["accessToken"].update(
        scheme="basic"
    ),
}


def reworded(it: Any) -> None:
    """Put other words into every text and example of the document."""
    for name, part in list(it.items()) if isinstance(it, dict) else ():
        if name in ("summary", "description") and isinstance(part, str):
            it[name] = f"In other words: {part}"
        elif name == "examples" and isinstance(part, list):
            it[name] = [*part, *part]
        elif name == "example":
            it[name] = {"in": "other words"}
        elif name != "properties":
            reworded(part)
        else:
            for member in part.values():  # a member of an object may be called "description"
                reworded(member)
    for part in it if isinstance(it, list) else ():
        reworded(part)


ADDITIVE: dict[str, Mutation] = {
    "nothing": lambda it: it,
    "a sentence": lambda it: send(it).update(description="In other words"),
    "other words everywhere": reworded,
    "an example": lambda it: members(it, "MessageView")["number"].update(examples=[7]),
    "an operation": lambda it: it["paths"].update({"/api/new": copy.deepcopy(it["paths"]["/healthz"])}),
    "a component": lambda it: it["components"]["schemas"].update(New={"type": "object", "properties": {}}),
    "a member of an answer": lambda it: members(it, "MessageView").update(mood={"type": "string"}),
    "an optional member of a request": lambda it: members(it, "MessageCreate").update(mood={"type": "string"}),
    "an optional parameter": lambda it: history(it)["parameters"].append(
        {"name": "zone", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
    "a header of an answer": lambda it: send(it)["responses"]["200"]["headers"].update(ETag={"schema": {}}),
    "a link": lambda it: send(it)["responses"]["200"]["links"].update(new={"operationId": "get_current_user"}),
    "a value of an open enum": lambda it: schema(it, "Mood")["anyOf"][0]["enum"].append("bad"),
    "a kind of event": lambda it: other_kind(it, "reaction"),
    "a member of an event": lambda it: members(it, "TypingEvent").update(device={"type": "string"}),
    "a member of an event that is always there": lambda it: required(it, "TypingEvent", "device"),
    "an example of an event": lambda it: events(it)[EVENT]["examples"].update(more={"value": {"type": "more"}}),
    "an example of an event less": lambda it: events(it)[EVENT]["examples"].pop("typing"),
    "a member of a known group is optional": lambda it: schema(it, "KnownGroup")["required"].remove("version"),
    "a known group has a new optional member": lambda it: members(it, "KnownGroup").update(mood={"type": "string"}),
    "a sync takes more groups": lambda it: members(it, "SyncCreate")["groups"].update(maxProperties=500),
    "a member of a sync": lambda it: members(it, "SyncView").update(mood={"type": "string"}),
    "a higher limit of a request": lambda it: members(it, "MessageCreate")["message"].update(maxLength=2000),
}


Find = Callable[[Mutation], list[str]]


@pytest.fixture(scope="module")
def find(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Find]:
    """Returns the findings of the gate for a mutation."""
    folder = tmp_path_factory.mktemp("mutations")
    old, new = folder / "old.json", folder / "new.json"
    old.write_text(json.dumps(base()))
    with gate(old) as breaking_changes:

        def find(mutate: Mutation) -> list[str]:
            document = base()
            mutate(document)
            new.write_text(json.dumps(document))
            return breaking_changes(new)

        yield find


@pytest.mark.parametrize("mutation", BREAKING)
def test_what_breaks_clients_is_found(find: Find, mutation: str) -> None:
    assert find(BREAKING[mutation])


@pytest.mark.parametrize("mutation", ADDITIVE)
def test_what_adds_passes(find: Find, mutation: str) -> None:
    assert find(ADDITIVE[mutation]) == []


def test_the_document_keeps_what_the_last_version_promised(tmp_path: Path) -> None:
    accepted, changelog = ACCEPTED.read_text(encoding="utf-8"), CHANGELOG.read_text(encoding="utf-8")
    if last_released() is None:
        assert not has_released(changelog), "CHANGELOG.md has a version, but git has no tag of it here: fetch the tags"
    (tmp_path / "promised.json").write_bytes(promised())
    with gate(tmp_path / "promised.json") as breaking_changes:
        assert unaccepted(breaking_changes(DOCUMENT), accepted, changelog) == []


def test_the_baseline_is_a_promise_of_every_operation(tmp_path: Path) -> None:
    """The gate is as strict before the first tag: each operation of the baseline that goes is found."""
    baseline = json.loads(BASELINE.read_bytes())
    assert baseline["paths"]
    with gate(BASELINE) as breaking_changes:
        for path in baseline["paths"]:
            rest = {other: methods for other, methods in baseline["paths"].items() if other != path}
            (tmp_path / "rest.json").write_text(json.dumps(baseline | {"paths": rest}))
            assert any(path in change for change in breaking_changes(tmp_path / "rest.json")), path


@pytest.mark.parametrize(
    ("changelog", "expected"),
    [
        ("# Changelog\n\n## Unreleased\n", False),
        ("## Unreleased\n\n## 0.1.0 (2026-12-01)\n", True),
        ("## [1.0.0]", True),
    ],
)
def test_a_version_in_the_changelog_is_a_promise(changelog: str, *, expected: bool) -> None:
    assert has_released(changelog) == expected


ENTRY = '[[accepted]]\nchange = "a path is gone"\nchangelog = "Call the other one"\n'


@pytest.mark.parametrize(
    ("changes", "accepted", "changelog", "expected"),
    [
        ([], "", "", []),
        (["a path is gone"], ENTRY, "- Call the other one.", []),
        (["a path is gone"], "", "", ["not accepted: a path is gone"]),
        (["a path is gone"], ENTRY, "", ["not in CHANGELOG.md: Call the other one"]),
        ([], ENTRY, "- Call the other one.", ["accepted, but not so: a path is gone"]),
    ],
)
def test_what_is_accepted_is_written_down(
    changes: list[str], accepted: str, changelog: str, expected: list[str]
) -> None:
    assert unaccepted(changes, accepted, changelog) == expected


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """An empty git repository in place of this one, and git commands for it."""
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.com")
    monkeypatch.setattr(breaking, "run", lambda *command: _run(*command, cwd=tmp_path))
    (tmp_path / "app").mkdir()

    def run(*command: str) -> None:
        _run(*git, *command, cwd=tmp_path)

    run("init", "--quiet")
    return run


def test_the_last_version_is_the_newest_tag(checkout: Callable[..., None], tmp_path: Path) -> None:
    for version in ("v0.9.0", "v0.10.0", "v0.10.0-rc.1", "unrelated"):
        (tmp_path / "app" / "openapi.json").write_text(version)
        checkout("add", ".")
        checkout("commit", "--quiet", "--allow-empty", "-m", version)
        checkout("tag", version)
    assert promised() == last_released() == b"v0.10.0"


def test_without_a_version_tag_the_baseline_is_promised(checkout: Callable[..., None], tmp_path: Path) -> None:
    assert promised() == BASELINE.read_bytes()
    (tmp_path / "app" / "openapi.json").write_text("unreleased")
    checkout("add", ".")
    checkout("commit", "--quiet", "-m", "first")
    checkout("tag", "nightly")
    assert last_released() is None
    assert promised() == BASELINE.read_bytes()


def test_a_tag_without_the_document_promises_nothing(checkout: Callable[..., None]) -> None:
    checkout("commit", "--quiet", "--allow-empty", "-m", "before the document")
    checkout("tag", "v0.0.1")
    assert promised() == BASELINE.read_bytes()
