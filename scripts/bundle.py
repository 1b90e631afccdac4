"""Writes the bundle of the page's modules, or checks it: a browser loads one file in half the time of ninety."""

import subprocess
import sys

from app.http.page import BUNDLE, FOLDER, bundle_head
from app.http.static import StaticFolder
from scripts.bootstrap import ESBUILD, ROOT

OPTIONS = ("--bundle", "--minify", "--format=esm", "--target=es2023", "--charset=utf8", "--log-level=warning")
LICENCES = b"// It has htm (Apache-2.0, vendor/LICENSE-htm) and Preact (MIT, vendor/LICENSE-preact) in it.\n"


def main() -> None:
    """Run as the command line says."""
    is_check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not is_check:
        sys.exit("usage: scripts/bundle [--check]")
    made = subprocess.run((ESBUILD, FOLDER / "app.js", *OPTIONS), check=True, stdout=subprocess.PIPE).stdout
    bundle, path = bundle_head(StaticFolder(FOLDER, {}).files) + LICENCES + made, FOLDER / BUNDLE
    if not is_check:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bundle)
    elif not path.is_file() or path.read_bytes() != bundle:
        sys.exit(f"{path.relative_to(ROOT)} is not made of the modules as they are: run scripts/bundle")


if __name__ == "__main__":
    main()
