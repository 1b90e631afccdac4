"""Make the data of the page's emoji picker from a package of emojibase-data.

    npm pack emojibase-data@17.0.0
    .venv/bin/python -m scripts.emoji emojibase-data-17.0.0.tgz

writes app/web/static/vendor/emoji.json: names, keywords and groups in English, and the five skin tones of an emoji.
"""

import base64
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.messaging.reactions import require_emoji
from scripts.bootstrap import ROOT

INTEGRITY = "sha512-Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA=="
"""The checksum of emojibase-data 17.0.0, as the registry has it."""
TARGET = ROOT / "app" / "web" / "static" / "vendor" / "emoji.json"
COMPONENTS = "component"
"""The group of skin tones and hair, which are no emoji by themselves."""
TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""Unicode's modifiers for skin tones, from light to dark."""


def picker_data(package: bytes) -> list[dict[str, Any]]:
    """Return the groups of the picker with their emoji, each as its text, its name, its keywords and its skin tones.

    Raises ValueError for another package than the one that is pinned.
    """
    if f"sha512-{base64.b64encode(hashlib.sha512(package).digest()).decode()}" != INTEGRITY:
        raise ValueError("the package is not the one that is pinned")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        emoji, messages = (_read(archive, f"package/en/{name}.json") for name in ("compact", "messages"))
    return [
        {"name": group["message"].capitalize(), "emoji": [_entry(each) for each in emoji if _is_in(each, group)]}
        for group in messages["groups"]
        if group["key"] != COMPONENTS
    ]


def _read(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"the package has no file {name}")
    return json.load(file)


def _is_in(emoji: dict[str, Any], group: dict[str, Any]) -> bool:
    return bool(emoji.get("group") == group["order"])


def _entry(emoji: dict[str, Any]) -> list[str | list[str]]:
    """Return an emoji as the service returns it in reactions, its name, keywords that its name does not have, and its
    skin tones, the lightest first, if it has them.
    """
    name = emoji["label"]
    keywords = [word for word in emoji.get("tags", ()) if word not in name.split()]
    tones = _skin_tones(each["unicode"] for each in emoji.get("skins", ()))
    return [require_emoji(emoji["unicode"]), name, " ".join(keywords), *([tones] if tones else [])]


def _skin_tones(emoji: Iterable[str]) -> list[str]:
    """Return the emoji of one skin tone: those of two people with different ones are left out."""
    by_tones = {frozenset(set(each) & set(TONES)): require_emoji(each) for each in emoji}
    return [by_tones[frozenset({tone})] for tone in TONES] if by_tones else []


def main() -> None:
    data = picker_data(Path(sys.argv[1]).read_bytes())
    TARGET.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
