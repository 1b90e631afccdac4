"""The preview of a message: what is seen of its text, and where that may be cut."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

import regex

from app.users.shown_names import UNSEEN

PREVIEW_GRAPHEMES, PREVIEW_BYTES = 80, 160
"""A preview's greatest length with its "…": 80 letters of Latin or Arabic, 52 of Chinese. Each inbox row holds one."""
CUT = "…"

_SEEN = regex.compile(f"[^{UNSEEN}]")
_GRAPHEME = regex.compile(r"\X")


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: it is empty, or of spaces and invisible characters only."""
    return _SEEN.search(text) is None


@lru_cache(64)
def preview(text: str) -> str:
    """Return a text of at most 80 graphemes and 160 bytes of UTF-8, or its beginning with "…" (UAX 29).

    The members' rows show the same text: those of the last 64 messages are remembered.
    """
    fits = len(text.encode()) <= PREVIEW_BYTES
    if fits and len(text) <= PREVIEW_GRAPHEMES:  # no text has more graphemes than characters
        return text
    beginning = text[: PREVIEW_BYTES + 1]
    ends: Sequence[int] = range(1, len(beginning) + 1)
    if not beginning.isascii() or "\r" in beginning:
        ends = [grapheme.end() for grapheme in islice(_GRAPHEME.finditer(beginning), PREVIEW_GRAPHEMES + 1)]
    if fits and len(ends) <= PREVIEW_GRAPHEMES:
        return text
    fitting = len(beginning.encode()[: PREVIEW_BYTES - len(CUT.encode())].decode(errors="ignore"))
    end = max((end for end in ends[: PREVIEW_GRAPHEMES - 1] if end <= fitting), default=fitting)
    return text[:end].rstrip() + CUT
