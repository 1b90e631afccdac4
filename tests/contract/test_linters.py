"""Redocly and Spectral, with the strictest sets of rules and our own, have nothing to say about the document."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.tools import DOCUMENT, HERE, node, succeeded

Mutation = Callable[[dict[str, Any]], object]


def spectral(*documents: Path) -> list[list[str]]:
    """Return the rules that each document breaks, from one run: its start takes as long as a document."""
    ended = node(
        "spectral",
        "lint",
        "--ruleset",
        HERE / "spectral.yaml",
        "--fail-severity",
        "hint",
        "--format",
        "json",
        "--quiet",
        *documents,
    )
    assert ended.returncode in (0, 1), ended.stderr
    findings: dict[str, list[str]] = {str(document): [] for document in documents}
    for found in json.loads(ended.stdout):
        findings[found["source"]].append(found["code"])
    return list(findings.values())


def test_redocly_finds_nothing() -> None:
    said = succeeded(node("redocly", "lint", "--config", HERE / "redocly.yaml", DOCUMENT))
    assert "warning" not in said


def send(document: dict[str, Any]) -> Any:
    return document["paths"]["/api/messages"]["post"]


MUTATIONS: dict[str, Mutation] = {
    "operation-id-is-verb-noun": lambda it: send(it).update(operationId="messages"),
    "one-tag": lambda it: send(it).update(tags=["messages", "users"]),
    "errors-are-problems": lambda it: send(it)["responses"]["409"].update(content={"text/plain": {"schema": {}}}),
    "problems-have-examples": lambda it: send(it)["responses"]["404"]["content"]["application/problem+json"].pop(
        "examples"
    ),
    "streams-have-examples": lambda it: it["paths"]["/api/events"]["get"]["responses"]["200"]["content"][
        "text/event-stream"
    ].pop("examples"),
    "answers-carry-the-request-id": lambda it: send(it)["responses"]["200"]["headers"].pop("X-Request-ID"),
    "requests-are-closed": lambda it: it["components"]["schemas"]["UserCreate"].pop("additionalProperties"),
    "members-have-examples": lambda it: it["components"]["schemas"]["UserView"]["properties"]["handle"].pop("examples"),
    "members-are-described": lambda it: it["components"]["schemas"]["UserView"]["properties"]["handle"].pop(
        "description"
    ),
    "members-are-snake-case": lambda it: it["components"]["schemas"]["UserView"]["properties"].update(
        createdAt={"type": "boolean", "description": "x", "examples": [True]}
    ),
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Return the findings in the document, and in two paths of it that break each of our own rules."""
    spoilt = json.loads(DOCUMENT.read_bytes())
    spoilt["paths"] = {path: spoilt["paths"][path] for path in ("/api/messages", "/api/events")}
    for mutate in MUTATIONS.values():
        mutate(spoilt)
    file = tmp_path_factory.mktemp("spoilt") / "openapi.json"
    file.write_text(json.dumps(spoilt))
    return spectral(DOCUMENT, file)


def test_spectral_finds_nothing(findings: list[list[str]]) -> None:
    assert findings[0] == []


@pytest.mark.parametrize("rule", MUTATIONS)
def test_our_own_rules_find_what_they_are_for(findings: list[list[str]], rule: str) -> None:
    assert rule in findings[1]
