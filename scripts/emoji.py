"""Make the data of the page's emoji picker from a package of emojibase-data.

    npm pack emojibase-data@17.0.0
    .venv/bin/python -m scripts.emoji emojibase-data-17.0.0.tgz

writes app/web/static/vendor/emoji.json: names, keywords and groups in English, without skin tones.
"""

import base64
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

from app.messaging.reactions import require_emoji
from scripts.bootstrap import ROOT

INTEGRITY = "sha512-Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA=="
"""The checksum of emojibase-data 17.0.0, as the registry has it."""
TARGET = ROOT / "app" / "web" / "static" / "vendor" / "emoji.json"
COMPONENTS = "component"
"""The group of skin tones and hair, which are no emoji by themselves."""


def picker_data(package: bytes) -> list[dict[str, Any]]:
    """Return the groups of the picker with their emoji, each as its text, its name and its keywords.

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


def _entry(emoji: dict[str, Any]) -> list[str]:
    """Return an emoji as the service returns it in reactions, its name, and keywords that its name does not have."""
    name = emoji["label"]
    keywords = [word for word in emoji.get("tags", ()) if word not in name.split()]
    return [require_emoji(emoji["unicode"]), name, " ".join(keywords)]


def main() -> None:
    data = picker_data(Path(sys.argv[1]).read_bytes())
    TARGET.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
