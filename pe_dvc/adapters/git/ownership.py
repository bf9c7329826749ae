"""Git's rule for repos of other users: what is not yours is not read, unless you say so.

Another user may leave a repo in a directory above yours, such as ``/tmp``, whose configuration
would then be read on your behalf. The rule is that of ``safe.directory`` in git's documentation.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from pe_dvc.primitives.errors import UntrustedError
from pe_dvc.store.home import expand_home

_PROTECTED = ("system", "global", "command")
"""Scopes in which git heeds the setting: a repo cannot declare itself safe."""


def check_owner(root: Path, *parts: Path) -> None:
    """Raise UntrustedError where ``root``, or one of its ``parts``, is another user's.

    Unless git's ``safe.directory`` has ``root``. The owner of a link, and of what it leads to,
    both count.
    """
    foreign = next((path for path in (root, *parts) if not _is_ours(path)), None)
    if foreign is None or _is_safe(root):
        return
    raise UntrustedError(
        f"{root} was not read: {foreign} belongs to another user ({_owner(foreign)})",
        remedy="If you trust them, allow it as you do for git: git config --global --add "
        f"safe.directory {shlex.quote(str(root))}",
    )


def _is_ours(path: Path) -> bool:
    try:
        return {path.lstat().st_uid, path.stat().st_uid} <= _users()
    except FileNotFoundError:
        return True  # nothing is there to be read


def _users() -> set[int]:
    """Return whose files are ours: this user's, and for root those of who called `sudo`."""
    user, sudo = os.geteuid(), os.environ.get("SUDO_UID", "")
    return {user, int(sudo)} if user == 0 and sudo.isascii() and sudo.isdigit() else {user}


def _owner(path: Path) -> str:
    import pwd

    status = path.lstat() if path.is_symlink() else path.stat()
    try:
        return pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return f"uid {status.st_uid}"


def _is_safe(root: Path) -> bool:
    """Ask git, which knows all places of its configuration, also the environment."""
    safe = False
    for value in _safe_directories():
        if value == "":
            safe = False  # as in git: forget what was said before
        elif value == "*" or _names(value, root):
            safe = True
    return safe


def _names(value: str, root: Path) -> bool:
    if value.endswith("/*"):
        return expand_home(value[:-2]).resolve() in root.resolve().parents
    return Path(value).is_absolute() and Path(value).resolve() == root.resolve()


def _safe_directories() -> list[str]:
    from pe_dvc.adapters.git.command import run_git

    command = ("config", "--null", "--show-scope", "--type=path", "--get-all", "safe.directory")
    fields = run_git(Path("/"), *command).stdout.split("\0")[:-1]
    found = zip(fields[::2], fields[1::2], strict=False)
    return [value for scope, value in found if scope in _PROTECTED]
