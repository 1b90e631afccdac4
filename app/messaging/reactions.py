"""The emoji that a message can be reacted with: those that Unicode recommends for interchange (UTS 51, RGI)."""

from typing import Final

import emoji

from app.messaging.errors import NotAnEmoji

_SELECTOR: Final = "\ufe0f"
_QUALIFIED: Final = {
    text.replace(_SELECTOR, ""): text
    for text, about in emoji.EMOJI_DATA.items()
    if about["status"] == emoji.STATUS["fully_qualified"]
}
"""Each emoji with all its variation selectors, by the text without them."""


def require_emoji(text: str) -> str:
    """Return the one emoji that a text is, in the form that Unicode calls fully qualified, or raise NotAnEmoji.

    So ❤ with and without the selector that asks for its coloured form is one reaction. At most 35 bytes of UTF-8.
    """
    found = _QUALIFIED.get(text.replace(_SELECTOR, ""))
    if found is None:
        raise NotAnEmoji
    return found
