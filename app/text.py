"""The visible part of a text, and where it may be cut.

Unicode properties are those of the regex package, which knows newer characters than the interpreter does.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

import regex

PREVIEW_GRAPHEMES, PREVIEW_BYTES = 80, 160
"""A preview's greatest length with its "…": 80 letters of Latin or Arabic, 52 of Chinese. Each inbox row holds one."""
CUT = "…"

_EMPTY = r"\u2800\U0001d159"
"""The empty Braille cell and the empty note head: symbols that look like nothing."""
_UNSEEN = r"\p{Cc}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb" + _EMPTY
"""Controls, spaces, characters that are not drawn, as fillers and zero-width spaces, and marks of annotations."""
_SEEN = regex.compile(f"[^{_UNSEEN}]")
_NAMING = regex.compile(rf"[[\p{{L}}\p{{N}}\p{{P}}\p{{S}}]--[{_UNSEEN}]]", regex.VERSION1)

_EMOJI = r"\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f)?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
_EMOJI_SEQUENCE = rf"{_EMOJI}(?:\u200d{_EMOJI})*"
"""UTS 51, ED-15a to ED-17, as far as format characters matter; emoji of later versions of Unicode included."""
_JOINER = (
    r"(?<=\p{ccc=Virama})\u200d"
    r"|(?<=[\p{Joining_Type=Dual_Joining}\p{Joining_Type=Left_Joining}]\p{M}*)\u200d"
    r"|(?<=(?:\p{ccc=Virama}|[\p{Joining_Type=Dual_Joining}\p{Joining_Type=Left_Joining}]\p{M}*))\u200c(?=\p{L})"
)
"""Joiners where a script is read differently without them (UAX 31, section 2.3)."""
_GRAPHEME = regex.compile(r"\X")
_PART_OF_NAME = regex.compile(rf"{_EMOJI_SEQUENCE}|{_JOINER}|[^\p{{C}}\p{{Zl}}\p{{Zp}}]")


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: it is empty, or of spaces and invisible characters only."""
    return _SEEN.search(text) is None


def shown_name(name: str) -> str:
    """Return a name without spaces around it, controls, and characters that only hide or reorder others.

    Joiners stay where scripts and emoji need them. Returns "" for a name without a letter, digit or sign that is seen.
    """
    kept = "".join(part[0] for part in _PART_OF_NAME.finditer(name)).strip()
    return kept if _NAMING.search(kept) else ""


def shown_lines(text: str) -> str:
    """Return a text of a few lines, each as shown_name returns a name, without those that show nothing."""
    return "\n".join(filter(None, map(shown_name, text.splitlines())))


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
