# Sourced by the entry scripts from the top of the checkout. POSIX shell.
# setup PART... puts parts in place (scripts/bootstrap.py); PYTHON, UV and BIOME are then there to use.

PYTHON=.venv/bin/python
UV=.tools/uv/bin/uv
BIOME=.tools/biome/biome

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "Python 3.11 or newer is needed, and none was found on the PATH." >&2
    return 1
}

setup() {
    python=$(find_python) || exit 1
    "$python" -m scripts.bootstrap "$@" || exit 1
}
