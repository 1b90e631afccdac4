"""Decode each event of the document with models that datamodel-code-generator made, strictly typed."""

import json
import sys
from pathlib import Path
from typing import assert_never

import by_dataclass
import by_msgspec
import by_pydantic
import by_typed_dict
import msgspec

document = json.loads(Path(sys.argv[1]).read_bytes())
stream = document["paths"]["/api/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]
examples = [json.dumps(example["value"]) for example in stream["examples"].values()]


def with_pydantic(data: str) -> str:  # noqa: PLR0911  # one for each event
    match by_pydantic.EventView.model_validate_json(data).root:
        case by_pydantic.MessageEvent(message=message):
            return message.message
        case by_pydantic.GroupEvent(group=group):
            return group.display_name
        case by_pydantic.ProfileEvent(user=user):
            return user.display_name
        case by_pydantic.ChangeEvent(change=change):
            return f"{change.change_number}"
        case by_pydantic.ReadEvent(number=number):
            return f"{number}"
        case by_pydantic.TypingEvent(is_typing=is_so) | by_pydantic.PresenceEvent(is_online=is_so):
            return f"{is_so}"
        case by_pydantic.ResyncEvent(reason=reason):
            return reason
        case other:
            assert_never(other)


def with_msgspec(data: str) -> str:  # noqa: PLR0911  # one for each event
    match msgspec.json.decode(data, type=by_msgspec.EventView):
        case by_msgspec.MessageEvent(message=message):
            return message.message
        case by_msgspec.GroupEvent(group=group):
            return group.display_name
        case by_msgspec.ProfileEvent(user=user):
            return user.display_name
        case by_msgspec.ChangeEvent(change=change):
            return f"{change.change_number}"
        case by_msgspec.ReadEvent(number=number):
            return f"{number}"
        case by_msgspec.TypingEvent(is_typing=is_so) | by_msgspec.PresenceEvent(is_online=is_so):
            return f"{is_so}"
        case by_msgspec.ResyncEvent(reason=reason):
            return reason
        case other:
            assert_never(other)


def with_typed_dict(data: str) -> str:  # noqa: C901, PLR0911  # one for each event
    event: by_typed_dict.EventView = json.loads(data)
    if event["type"] == "message":
        return event["message"]["message"]
    if event["type"] == "group":
        return event["group"]["display_name"]
    if event["type"] == "profile":
        return event["user"]["display_name"]
    if event["type"] == "change":
        return f"{event['change']['change_number']}"
    if event["type"] == "read":
        return f"{event['number']}"
    if event["type"] == "typing":
        return f"{event['is_typing']}"
    if event["type"] == "presence":
        return f"{event['is_online']}"
    if event["type"] == "resync":
        return event["reason"]
    assert_never(event)


for example in examples:
    assert with_pydantic(example) == with_msgspec(example) == with_typed_dict(example) != ""
assert by_dataclass.ResyncEvent(type="resync", reason="new").reason == "new"
assert len(examples) > 5
