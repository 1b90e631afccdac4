"""Visible and invisible characters, and previews: cut between what people see."""

import regex
from hypothesis import given
from hypothesis import strategies as st

from app.text import PREVIEW_BYTES, PREVIEW_GRAPHEMES, is_blank, preview, shown_name

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
FAMILY = "👩‍👩‍👧‍👦"


@given(TEXTS | st.text("ab \r\n", max_size=400) | st.text("ab👩‍👧\u0301\u0bcd\u0b95 ", max_size=400))
def test_a_preview_is_the_text_or_a_beginning_of_whole_graphemes_with_an_ellipsis(text: str) -> None:
    cut, graphemes = preview(text), regex.findall(r"\X", text)
    if len(graphemes) <= PREVIEW_GRAPHEMES and len(text.encode()) <= PREVIEW_BYTES:
        assert cut == text
        return
    assert len(cut.encode()) <= PREVIEW_BYTES
    shown = cut.removesuffix("…")
    beginnings = ["".join(graphemes[:count]).rstrip() for count in range(1, PREVIEW_GRAPHEMES)]
    fitting = [beginning for beginning in beginnings if len(beginning.encode()) <= PREVIEW_BYTES - 3]
    assert cut != shown == (fitting or [text.encode()[:157].decode(errors="ignore").rstrip()])[-1]


def test_previews_are_as_long_in_arabic_as_in_latin_letters() -> None:
    for letter in "aя\u0628\u05d0":
        assert preview(letter * 80) == letter * 80
        assert len(preview(letter * 81)) in {79, 80}
    assert preview("漢" * 60) == "漢" * 52 + "…"


def test_previews_keep_joined_emoji_whole() -> None:
    assert preview("x" * 70 + " " + FAMILY * 4) == "x" * 70 + " " + FAMILY * 3 + "…"
    assert preview(FAMILY * 7) == FAMILY * 6 + "…"


def test_a_preview_of_a_single_endless_grapheme_is_not_empty() -> None:
    assert preview("a" + "\u0301" * 500) == "a" + "\u0301" * 78 + "…"


def test_texts_that_show_nothing_are_blank() -> None:
    for text in (
        "", " \n\t\u3000\u00a0\u1680", "\u200b", "\u200d\u200c\u2060\ufeff", "\u2800", "\u3164", "\u115f\u1160\uffa0",
        "\u00ad", "\u034f", "\u061c\u200e\u200f\u202e\u2066", "\u180e", "\ufe0f", "\U000e0041\U000e007f", "\U000e0100",
        "\U0001d159", "\u17b4\u17b5", "\x00\x1b\x7f\x85", "\u2028\u2029", "\ufff9\ufffa\ufffb", "\u206a\U0001d173",
        " \u200b \u2800 ",
    ):  # fmt: skip
        assert is_blank(text), ascii(text)
        assert shown_name(text) == "", ascii(text)
    for text in ("a", ".", "\u0301", "🙂", "\u200b-\u200b", "\ue000", "\U0001fae9", "\u0600"):
        assert not is_blank(text), ascii(text)


def test_names_keep_joiners_where_scripts_and_emoji_need_them() -> None:
    for name in (
        "ශ්‍රී", "نیم‌فاصله", "क्‌ष", "ന്‍", "ه‍.", "👩‍💻", "👨🏽‍🚀", "❤️‍🔥", "🏳️‍🌈", "1️⃣", "🇨🇭", FAMILY, "🧑‍🧑‍🧒",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001fae9", "\U0001f9d1\u200d\U0001fae9",
    ):  # fmt: skip
        assert shown_name(name) == name, ascii(name)


def test_names_lose_joiners_that_only_hide() -> None:
    for name, kept in {
        "A\u200dn\u200cn": "Ann",
        "\u200dAnn\u200d\u200d": "Ann",
        "👩\u200d\u200d💻": "👩💻",
        "\u200d💻": "💻",
        "ш\u200dж": "шж",
        "بب\u200c": "بب",
        "A\U000e0067\U000e007f": "A",
        "🙂\u200d": "🙂",
        "🙂\u202e🙂": "🙂🙂",
    }.items():
        assert shown_name(name) == kept, ascii(name)


@given(TEXTS)
def test_a_shown_name_stays_as_it_is(name: str) -> None:
    kept = shown_name(name)
    assert shown_name(kept) == kept
