"""NameRules: handles and display names that would pass for the service's own, or for a handle, are refused.

The rules are those of Unicode's UTS 39, as far as they serve a name of a person: a name is compared with reserved words
by its skeleton (section 4), and a word may mix scripts as in the level Highly Restrictive (section 5.2). Two users may
have the same display name, which is why a handle stands beside it.
"""

import unicodedata
from collections.abc import Iterable
from importlib.resources import files

import regex

from app.errors import AppError
from app.users.errors import HandleReserved, NameMisleading, NameReserved

_FOLDED = str.maketrans({"0": "o", "1": "l", "i": "l", "m": "rn"})
"""Letters that cannot be told apart in one case or the other: I is like l in UTS 39, and case does not matter here."""
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_PLAIN_WORD = regex.compile(
    r"[^\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}]+"
    r"|[\p{Common}\p{Inherited}\p{Latin}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}]+"
    r"|[\p{Common}\p{Inherited}\p{Greek}]+|[\p{Common}\p{Inherited}\p{Cyrillic}]+|[\p{Common}\p{Inherited}\p{Armenian}]+"
)
"""A word in one script, as far as scripts have letters that look alike, or in Latin and scripts of East Asia."""
_NOT_AT_AN_END = regex.compile(r"[\p{L}\p{M}](?:.*[\p{L}\p{M}])?", regex.DOTALL)


def _lines(name: str) -> list[str]:
    text = files("app.users").joinpath(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


_RESERVED = _lines("reserved_handles.txt")
_LOOK_ALIKES = str.maketrans(
    {letter: like for like, letters in map(str.split, _lines("look_alikes.txt")) for letter in letters}
)


def skeleton(text: str) -> str:
    """Return the ASCII letters and digits that a text looks like, without case, marks, spaces and punctuation."""
    letters = unicodedata.normalize("NFKD", text).replace("|", "l").translate(_LOOK_ALIKES).casefold()
    return "".join(letter for letter in letters if letter.isalnum()).translate(_FOLDED)


class NameRules:
    """The rules for new handles and display names, with further reserved handles."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._words = frozenset((*_RESERVED, *reserved))
        skeletons = {skeleton(word) for word in self._words} - {""}  # as of ___, which would reserve everything
        self._reserved = regex.compile(f"(?:{'|'.join(sorted(skeletons))})+")

    def refusal(self, *, display_name: str, handle: str = "") -> AppError | None:
        """Return why a user may not be named so: HandleReserved, NameReserved or NameMisleading; or None."""
        if self._is_reserved(handle):
            return HandleReserved()
        if self._is_reserved(display_name):
            return NameReserved()
        name = unicodedata.normalize("NFKC", display_name)
        if "@" in name or not all(_PLAIN_WORD.fullmatch(word) for word in _WORD.findall(name)):
            return NameMisleading()
        return None

    def _is_reserved(self, name: str) -> bool:
        """Return whether a name is reserved as it is, or without digits and other signs at its end, or at both ends."""
        core = _NOT_AT_AN_END.search(name)
        variants = (name, name[: core.end()], core[0]) if core else (name,)
        return name.lower() in self._words or any(self._reserved.fullmatch(skeleton(each)) for each in variants)
