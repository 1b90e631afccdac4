"""Loaded by schemathesis: checks of its own, and what it is to know of the stream.

A schema cannot say that a group must exist or that a name must be visible, so valid data may be answered with 422; but
then with the code of a rule, never with one that says that the data does not have the form that the document asks for.
"""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, HookContext, Response

FORM = {"invalid-parameter"}
EXCLUSIVE = {"before", "after", "around", "at"}
STREAM = "text/event-stream"


@schemathesis.hook
def before_load_schema(_: HookContext, raw_schema: dict[str, Any]) -> None:
    """Our schema of a stream is that of an event's data; schemathesis takes it for that of an event's fields."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            content = operation["responses"].get("200", {}).get("content", {})
            if STREAM in content:
                content[STREAM] = {"schema": event_with(content[STREAM]["schema"])}


def event_with(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of one event, as the operation describes them."""
    fields = {
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": data},
        "event": {"type": "string", "pattern": "^[a-z]+$"},
        "id": {"type": "string", "pattern": "^[0-9a-f-]+$", "maxLength": 64},
        "retry": {"type": "integer", "minimum": 1},
    }
    return {"type": "object", "properties": fields, "required": ["data", "event"], "additionalProperties": False}


@schemathesis.check
def a_stream_tells_something(_: CheckContext, response: Response, case: Case) -> None:
    if case.operation.definition.raw["operationId"] == "stream_events" and response.status_code == 200:
        assert b"\nevent: resync\n" in b"\n" + response.content, "A stream that cannot go on begins with resync"


@schemathesis.check
def valid_data_is_refused_for_a_rule_only(_: CheckContext, response: Response, case: Case) -> None:
    if response.status_code != 422 or case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if len(EXCLUSIVE & (case.query or {}).keys()) > 1:  # which no schema of single parameters can forbid
        return
    code = response.json()["code"]
    assert code not in FORM, f"Valid data was refused as {code}"
