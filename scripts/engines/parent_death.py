"""Become another program that ends with its parent process and, where that matters, does not run as root.

python -I -S parent_death.py PARENT_PID DEATH_SIGNAL DROP FOLDER PROGRAM ARGUMENT...

This is a program of its own, as the system calls for this are safe only in a process with one thread, which a larger
Python between fork and exec may not be. DROP is how root drops its privileges: `keep`, `namespace`, `nobody`, or
`auto`, the first of the last two that works. FOLDER is given to the user that the program runs as.
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
    """Drop privileges, then set the death signal, which a change of the user would clear, and become the program."""
    if os.geteuid() == 0:
        DROPS[drop](Path(folder))
    _end_with_parent(int(parent), int(death_signal))
    try:
        os.execv(program, [program, *arguments])  # noqa: S606  # a shell would be a process more, and the signal its own
    except PermissionError:
        sys.exit(_unreachable(program))


def _namespace(folder: Path) -> None:
    """Become user 1000 in a user namespace, which is root outside of it, as in a rootless container."""
    _hand_over(folder, 0, 0)
    _enter_namespace()


def _enter_namespace() -> None:
    if _libc().unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not available")
    for name, line in {"setgroups": "deny", "uid_map": "1000 0 1", "gid_map": "1000 0 1"}.items():
        Path("/proc/self", name).write_text(line)


def _nobody(folder: Path) -> None:
    """Become the user nobody, or exit if that user cannot reach the folder."""
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
    """Return whether a child process can enter a namespace; this process could not leave one that fails half-way."""
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


def _end_with_parent(parent: int, death_signal: int) -> None:
    """Ask the kernel, on Linux, for a signal at the parent's death, and end at once if the parent is dead already."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        signal.raise_signal(signal.SIGKILL)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _unreachable(path: str) -> str:
    return (
        f"root cannot run Postgres here: there are no user namespaces, and the user nobody cannot reach {path}. "
        "Start as a normal user, or from a folder that all users may enter, or set DATABASE_URL."
    )


DROPS: dict[str, Callable[[Path], None]] = {
    "keep": lambda _folder: None,
    "namespace": _namespace,
    "nobody": _nobody,
    "auto": _auto,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
