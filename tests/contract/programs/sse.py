"""Server-sent events, line by line."""

from collections.abc import Iterable, Iterator


def server_sent(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The fields of each event: data, event, maybe id and retry."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.rstrip("\n").partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif not value:
            if "data" in fields:
                yield fields
            fields = {}
