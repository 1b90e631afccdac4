"""Names as they are shown: without what only hides, reorders or shows nothing.

Unicode properties are those of the regex package, which knows newer characters than the interpreter does.
"""

import regex

_EMPTY = r"\u2800\U0001d159"
"""The empty Braille cell and the empty note head: symbols that look like nothing."""
UNSEEN = r"\p{Cc}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb" + _EMPTY
"""Controls, spaces, characters that are not drawn, as fillers and zero-width spaces, and marks of annotations."""
_NAMING = regex.compile(rf"[[\p{{L}}\p{{N}}\p{{P}}\p{{S}}]--[{UNSEEN}]]", regex.VERSION1)

_EMOJI = r"\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f)?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
_EMOJI_SEQUENCE = rf"{_EMOJI}(?:\u200d{_EMOJI})*"
"""UTS 51, ED-15a to ED-17, as far as format characters matter; emoji of later versions of Unicode included."""
_JOINER = (
    r"(?<=\p{ccc=Virama})\u200d"
    r"|(?<=[\p{Joining_Type=Dual_Joining}\p{Joining_Type=Left_Joining}]\p{M}*)\u200d"
    r"|(?<=(?:\p{ccc=Virama}|[\p{Joining_Type=Dual_Joining}\p{Joining_Type=Left_Joining}]\p{M}*))\u200c(?=\p{L})"
)
"""Joiners where a script is read differently without them (UAX 31, section 2.3)."""
_PART_OF_NAME = regex.compile(rf"{_EMOJI_SEQUENCE}|{_JOINER}|[^\p{{C}}\p{{Zl}}\p{{Zp}}]")


def shown_name(name: str) -> str:
    """Return a name without spaces around it, controls, and characters that only hide or reorder others.

    Joiners stay where scripts and emoji need them. Returns "" for a name without a letter, digit or sign that is seen.
    """
    kept = "".join(part[0] for part in _PART_OF_NAME.finditer(name)).strip()
    return kept if _NAMING.search(kept) else ""


def shown_lines(text: str) -> str:
    """Return a text of a few lines, each as shown_name returns a name, without those that show nothing."""
    return "\n".join(filter(None, map(shown_name, text.splitlines())))
