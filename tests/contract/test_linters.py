"""Redocly and Spectral, with the strictest sets of rules and our own, have nothing to say about the document."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.tools import DOCUMENT, HERE, node, succeeded

Mutation = Callable[[dict[str, Any]], object]


def spectral(document: Path) -> list[str]:
    """The rules that are broken."""
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
        document,
    )
    assert ended.returncode in (0, 1), ended.stderr
    return [finding["code"] for finding in json.loads(ended.stdout)]


def test_redocly_finds_nothing() -> None:
    said = succeeded(node("redocly", "lint", "--config", HERE / "redocly.yaml", DOCUMENT))
    assert "warning" not in said


def test_spectral_finds_nothing() -> None:
    assert spectral(DOCUMENT) == []


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
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Findings in a document that breaks each of our own rules."""
    document = json.loads(DOCUMENT.read_bytes())
    for mutate in MUTATIONS.values():
        mutate(document)
    file = tmp_path_factory.mktemp("spoilt") / "openapi.json"
    file.write_text(json.dumps(document))
    return spectral(file)


@pytest.mark.parametrize("rule", MUTATIONS)
def test_our_own_rules_find_what_they_are_for(spoilt: list[str], rule: str) -> None:
    assert rule in spoilt
