"""Names as they are shown: joiners stay where they are needed, and what only hides goes."""

from hypothesis import given

from app.users.shown_names import shown_name
from tests.messaging.test_preview import FAMILY, TEXTS


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
