"""Lock files of Python: which version and which wheel of a package a build was pinned to.

Reads ``uv.lock``, ``pylock.toml`` (PEP 751) and requirements files with hashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.toml_reader import read_toml
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
"""Most bytes of a lock file."""

_REQUIREMENT = re.compile(
    r"^([A-Za-z0-9][\w.-]*+)(?:\[[^\]\n]*+\])?[ \t]*+==[ \t]*+([^\s;\\]++)", re.MULTILINE
)
_TABLES = re.compile(rb"^\[\[packages?\]\]", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """A version that a lock file pins, and the sha256 of each wheel of it by file name.

    A requirements file names no files, so that its hashes say of no wheel that it is one.
    """

    version: str
    wheels: dict[str, str]


def locked_packages(path: Path, package: str) -> list[LockedPackage]:
    """Return every version of ``package`` that the lock file ``path`` pins.

    More than one stands for different platforms. Raises NotFoundError for no such file and
    FormatError for one that does not parse.
    """
    try:
        data = read_document(path, limit=MAX_BYTES)
    except FileNotFoundError:
        raise NotFoundError(
            f"the lock file {path} is not there",
            remedy="Make the lock file, or correct tool.pe_dvc.lockfile in pyproject.toml, or "
            "leave it out.",
        ) from None
    where, remedy = str(path), "Make the lock file again."
    if path.suffix in (".lock", ".toml") and _TABLES.search(data):
        document = read_toml(data, where=where, limit=MAX_BYTES, remedy=remedy)
        try:
            return _from_toml(document, package)
        except (TypeError, AttributeError) as error:
            raise FormatError(f"is not a lock file: {error}", where=where, remedy=remedy) from None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"is not a lock file: {error}", where=where, remedy=remedy) from None
    return [
        LockedPackage(version=version, wheels={})
        for name, version in _REQUIREMENT.findall(text)
        if _normal(name) == _normal(package)
    ]


def fitting_wheel(wheels: dict[str, str]) -> str | None:
    """Return the sha256 of the wheel that an installer takes on this machine, None if unsure."""
    from packaging.tags import sys_tags
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    ranks = {tag: rank for rank, tag in enumerate(sys_tags())}
    best: dict[int, set[str]] = {}
    for name, sha256 in wheels.items():
        try:
            tags = parse_wheel_filename(name)[3]
        except InvalidWheelFilename:
            return None
        fitting = [ranks[tag] for tag in tags if tag in ranks]
        if fitting:
            best.setdefault(min(fitting), set()).add(sha256)
    digests = best[min(best)] if best else set()
    return digests.pop() if len(digests) == 1 else None


def _from_toml(document: dict[str, Any], package: str) -> list[LockedPackage]:
    entries = document.get("package") or document.get("packages") or []
    return [
        LockedPackage(
            version=entry["version"],
            wheels=dict(filter(None, map(_wheel, entry.get("wheels", [])))),
        )
        for entry in entries
        if _normal(entry.get("name", "")) == _normal(package) and "version" in entry
    ]


def _wheel(entry: dict[str, Any]) -> tuple[str, str] | None:
    source = entry.get("name") or entry.get("filename") or entry.get("url") or entry.get("path", "")
    name = source.rsplit("/", 1)[-1].partition("#")[0]
    sha256 = entry.get("hashes", {}).get("sha256") or entry.get("hash", "").removeprefix("sha256:")
    return (name, sha256) if re.fullmatch(r"[0-9a-f]{64}", sha256) else None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
