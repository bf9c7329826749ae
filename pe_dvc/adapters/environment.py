"""The Python environment of a build: the packages it used, as far as that can be known."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.data_build_fingerprint import of_installed, of_wheel
from pe_dvc.adapters.lockfiles import COMMIT, fitting_wheel, locked_packages
from pe_dvc.documents.provenance import Package
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from importlib.metadata import Distribution
    from pathlib import Path

    from pe_dvc.adapters.lockfiles import LockedPackage, SourceKind


def python_version() -> str:
    """Return the version of the running Python, such as ``3.11.9``."""
    return ".".join(map(str, sys.version_info[:3]))


def describe_package(
    name: str,
    *,
    lockfile: Path | None,
    key: str,
    unlocked: str | None = None,
    wheel: Path | None = None,
) -> Package:
    """Return what is known of the package ``name``: installed here, or pinned by ``lockfile``.

    ``wheel_sha256`` is given only where the lock file leaves one wheel for the version that is
    installed; a package installed from git has ``git_sha`` in its place. ``key`` is the setting
    that names the package, ``unlocked`` the reason for which another version than the locked one
    may be installed, ``wheel`` the package's wheel, for its fingerprint.

    Raises NotFoundError where the package is neither installed nor pinned, and FormatError where
    what is installed is not what is pinned.
    """
    locked = locked_packages(lockfile, name) if lockfile else []
    try:
        installed = _Installed(metadata.distribution(name))
    except metadata.PackageNotFoundError:
        return _pinned_package(name, locked, key, wheel)
    fitting = [pin for pin in locked if installed.is_of(pin)]
    pinned = ", ".join(map(str, locked)) or "no version"
    if lockfile is not None and not fitting and unlocked is None:
        raise _not_locked(name, installed, lockfile, pinned)
    wheels = {installed.wheel_of(pin) for pin in fitting} - {None}
    return Package(
        name=name,
        version=installed.version,
        wheel_sha256=wheels.pop() if len(wheels) == 1 else None,
        git_sha=installed.commit,
        data_build_fingerprint=of_installed(installed.distribution, name),
        installed_from=None if installed.source == "index" else installed.source,
        locked_version=pinned if lockfile is not None and not fitting else None,
        unlocked_reason=unlocked if lockfile is not None and not fitting else None,
    )


def installed_commit(name: str) -> str | None:
    """Return the commit of git that a package was installed from, None where there is none."""
    try:
        return _Installed(metadata.distribution(name)).commit
    except metadata.PackageNotFoundError:
        return None


class _Installed:
    """A package that is installed, and from where (PEP 610)."""

    def __init__(self, distribution: Distribution) -> None:
        self.distribution, self.version = distribution, distribution.version
        self._direct = _direct_url(distribution)
        self.source = _source(self._direct)
        found = (self._direct or {}).get("vcs_info", {})
        commit = found.get("commit_id", "") if found.get("vcs") == "git" else ""
        self.commit = commit if re.fullmatch(COMMIT, commit) else None

    def __str__(self) -> str:
        """Return what is installed, such as ``2.68.0`` or ``1.0 from a folder, editable``."""
        words = {"git": f" from git {(self.commit or '')[:12]}", "archive": " from a file"}
        words |= {"directory": " from a folder", "editable": " from a folder, editable"}
        return f"{self.version}{words.get(self.source, '')}".rstrip()

    def is_of(self, pin: LockedPackage) -> bool:
        """Tell whether this is what ``pin`` stands for."""
        if pin.version is not None and not _same_version(pin.version, self.version):
            return False
        if self.source == "archive" and self._hash in {*pin.hashes, *pin.wheels.values()}:
            return True
        local = ("editable", "directory")
        alike = pin.source == self.source or (pin.source in local and self.source in local)
        return alike and (pin.commit is None or pin.commit == self.commit)

    def wheel_of(self, pin: LockedPackage) -> str | None:
        """Return the sha256 of the wheel that was installed, where ``pin`` tells it."""
        if self.source == "archive":
            return self._hash if self._hash in pin.wheels.values() else None
        return fitting_wheel(pin.wheels) if self.source == "index" else None

    @property
    def _hash(self) -> str | None:
        archive = (self._direct or {}).get("archive_info", {})
        old = str(archive.get("hash", "")).removeprefix("sha256=")
        found = str(archive.get("hashes", {}).get("sha256") or old)
        return found if re.fullmatch(r"[0-9a-f]{64}", found) else None


def _not_locked(name: str, installed: _Installed, lockfile: Path, pinned: str) -> FormatError:
    return FormatError(
        f"pins {pinned} of {name}, and {installed} is installed",
        where=str(lockfile),
        remedy=f"Install what is locked and run `dvc repro`, or lock what is installed. If the "
        f'build is to stand as it is, say why: [tool.pe_dvc.unlocked] {name} = "the reason".',
    )


def _pinned_package(
    name: str, locked: list[LockedPackage], key: str, wheel: Path | None
) -> Package:
    if len(locked) != 1 or locked[0].version is None:
        raise NotFoundError(
            f"the package {name} of {key} is not installed, and the lock file pins "
            f"{'more than one version' if locked else 'none'} of it",
            remedy=f"Install {name} where `dvc repro` runs, or correct {key} in pyproject.toml, or "
            "leave it out.",
        )
    pin = locked[0]
    found = of_wheel(wheel, name, pin) if wheel is not None else None
    return Package(
        name=name,
        version=pin.version or "",
        wheel_sha256=found.sha256 if found else fitting_wheel(pin.wheels),
        git_sha=pin.commit,
        data_build_fingerprint=found.fingerprint if found else None,
        installed_from=None if pin.source == "index" else pin.source,
        known_from="lockfile",
    )


def _direct_url(installed: Distribution) -> dict[str, Any] | None:
    """Return PEP 610's record of an install from elsewhere than an index."""
    text = installed.read_text("direct_url.json")
    return read_json(text.encode(), what="direct_url.json") if text else None


def _source(direct: dict[str, Any] | None) -> SourceKind:
    if direct is None:
        return "index"
    if "vcs_info" in direct:
        return "git"
    if "dir_info" in direct:
        return "editable" if direct["dir_info"].get("editable") else "directory"
    return "archive"


def _same_version(one: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
