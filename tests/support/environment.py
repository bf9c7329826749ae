"""The environment of tests and of the people in them: nothing of who runs the tests leaks in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEPT = {
    "FUZZ_SECONDS",
    "HOME",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "SOAK",
    "TERM",
    "TMPDIR",
    "USER",
}
_KEPT |= {"COLUMNS", "FUZZ_SECONDS", "US_CPS_SDIST"}
_CERTIFICATES = ("SSL_CERT_", "REQUESTS_CA_", "CURL_CA_", "NODE_EXTRA_CA_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
PACKAGE_CLIENTS = ("PIP_", "UV_", "NPM_CONFIG_", *_CERTIFICATES, *_PROXIES)
"""How variables begin that say how to reach a registry; proxies in small letters, too."""


def scrub() -> None:
    """Take all out of this process's environment but what tests, or package clients, need.

    The commands of this Python's environment come first on PATH.
    """
    for name in list(os.environ):
        if name not in _KEPT and not name.upper().startswith(("PYTEST_", *PACKAGE_CLIENTS)):
            del os.environ[name]
    os.environ["LANG"] = "C.UTF-8"
    commands, *others = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if commands != str(BIN):
        os.environ["PATH"] = os.pathsep.join([str(BIN), commands, *others])
    os.umask(0o022)


def without_package_clients(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which no package client can reach its registry."""
    return {n: v for n, v in environment.items() if not n.upper().startswith(PACKAGE_CLIENTS)}


def own_home(home: Path) -> dict[str, str]:
    """Give a person a home with a git identity; return the variables that make it theirs."""
    identity = "[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n"
    (home / ".gitconfig").write_text(identity)
    places = {
        "HOME": ".",
        "XDG_CONFIG_HOME": ".config",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "DVC_SYSTEM_CONFIG_DIR": "system",
        "DVC_SITE_CACHE_DIR": "site-cache",
        "GIT_CONFIG_GLOBAL": ".gitconfig",
    }
    return {
        **{name: str(home / place) for name, place in places.items()},
        "GIT_CONFIG_SYSTEM": os.devnull,
        "DVC_NO_ANALYTICS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def own_directories(home: Path) -> dict[str, str]:
    """Return the variables that give a person keys, pinned roots and caches of their own."""
    return {
        f"PE_DVC_{name.upper()}_DIR": str(home / name)
        for name in ("keys", "config", "cache", "state")
    }


class Homes:
    """A home for each test; the last one again where nobody has written to it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = 0
        self._variables: dict[str, str] = {}
        self._files: dict[str, tuple[int, ...]] = {}

    def next(self) -> dict[str, str]:
        """Return the variables that make a home a test's; see ``own_home``."""
        if not self._variables or self._files != self._seen():
            self._number += 1
            home = self._home()
            home.mkdir()
            self._variables = own_home(home)
            self._files = self._seen()
        return self._variables

    def _home(self) -> Path:
        return self._directory / str(self._number)

    def _seen(self) -> dict[str, tuple[int, ...]]:
        """Return what is in the last home: any change of it shows."""
        try:
            found = {entry.name: entry.stat() for entry in os.scandir(self._home())}
            found["."] = self._home().stat()
        except OSError:
            return {}
        return {
            name: (stat.st_ino, stat.st_size, stat.st_mode, stat.st_ctime_ns)
            for name, stat in found.items()
        }
