"""Becomes another program on a leash: one that ends with its parent and, where that matters, is not root.

python -I -S leash.py PARENT_PID DEATH_SIGNAL DROP FOLDER PROGRAM ARGUMENT...

A program of its own, because the kernel's calls for this are only safe in a process with one thread: between fork and
exec of a larger Python they are not. DROP is what root does: `keep`, `namespace`, `nobody`, or `auto`, the first that
works of the last two. FOLDER is handed over to whoever it becomes.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def main(parent: str, death_signal: str, drop: str, folder: str, program: str, *arguments: str) -> None:
    """Drops, then ties: changing the user would undo the tie."""
    if os.geteuid() == 0:
        DROPS[drop](Path(folder))
    _die_with(int(parent), int(death_signal))
    try:
        os.execv(program, [program, *arguments])  # noqa: S606  # no shell is wanted
    except PermissionError:
        sys.exit(_unreachable(program))


def _namespace(folder: Path) -> None:
    """Stays root for the files' owner and becomes user 1000 for itself, as in a rootless container."""
    _hand_over(folder, 0, 0)
    _enter_namespace()


def _enter_namespace() -> None:
    if _libc().unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace to be had")
    for name, line in {"setgroups": "deny", "uid_map": "1000 0 1", "gid_map": "1000 0 1"}.items():
        Path("/proc/self", name).write_text(line)


def _nobody(folder: Path) -> None:
    """Becomes the user nobody, who must be able to walk to the folder: permissions above it are not ours to change."""
    user = pwd.getpwnam("nobody")
    _hand_over(folder, user.pw_uid, user.pw_gid)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if not os.access(folder, os.X_OK):
        sys.exit(_unreachable(str(folder)))


def _auto(folder: Path) -> None:
    drop = _namespace if _namespace_works() else _nobody
    drop(folder)


def _namespace_works() -> bool:
    """Tries it in a child: a namespace that was entered but could not be mapped cannot be left again."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(OSError, AttributeError):
            _enter_namespace()
            status = 0
        os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def _hand_over(folder: Path, user: int, group: int) -> None:
    if folder.stat().st_uid == user:
        return
    for path in [*folder.rglob("*"), folder]:
        os.chown(path, user, group, follow_symlinks=False)


def _die_with(parent: int, death_signal: int) -> None:
    """Asks the kernel for a signal at the parent's death, and looks whether that came first. Only Linux has this."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        signal.raise_signal(signal.SIGKILL)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _unreachable(path: str) -> str:
    return (
        f"root cannot run Postgres here: there are no user namespaces, and the user nobody cannot reach {path}. "
        "Start as a normal user, or from a folder that everybody may enter, or set DATABASE_URL."
    )


DROPS: dict[str, Callable[[Path], None]] = {
    "keep": lambda _folder: None,
    "namespace": _namespace,
    "nobody": _nobody,
    "auto": _auto,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
