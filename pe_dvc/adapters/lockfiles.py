"""Lock files of Python: which version, and which files of a package, a build was pinned to.

Reads ``uv.lock``, ``poetry.lock``, ``pylock.toml`` (PEP 751) and requirements files of pip.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.adapters.requirements_file import pinned
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.toml_reader import read_toml
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
"""Most bytes of a lock file."""

_TABLES = re.compile(rb"^\[\[packages?\]\]", re.MULTILINE)

COMMIT = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"

SourceKind = Literal["index", "git", "editable", "directory", "archive"]
"""Where a package is from: an index such as PyPI, a commit, a folder, or a file by its address."""


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """What a lock file pins of a package; ``version`` is None where it leaves that to the source.

    ``wheels`` is the sha256 of each wheel by file name. A requirements file names no files, so
    that its ``hashes`` say of no wheel that it is one. ``commit`` is of a package from git.
    """

    version: str | None
    wheels: dict[str, str] = field(default_factory=dict)
    hashes: frozenset[str] = frozenset()
    source: SourceKind = "index"
    commit: str | None = None

    def __str__(self) -> str:
        """Return what is pinned, such as ``1.637.0`` or ``1.0 from git 5fa48f07436a``."""
        place = "" if self.source == "index" else f" from {self.source}"
        commit = f" {self.commit[:12]}" if self.commit else ""
        return f"{self.version or 'any version'}{place}{commit}"


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
            return list(_from_toml(document, package))
        except (TypeError, AttributeError) as error:
            raise FormatError(f"is not a lock file: {error}", where=where, remedy=remedy) from None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"is not a lock file: {error}", where=where, remedy=remedy) from None
    return [
        LockedPackage(
            version=pin.version,
            hashes=pin.hashes,
            commit=pin.commit,
            source="git" if pin.commit else "archive" if pin.version is None else "index",
        )
        for pin in pinned(text)
        if normal_name(pin.name) == normal_name(package)
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


def normal_name(name: str) -> str:
    """Return a package's name as indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _from_toml(document: dict[str, Any], package: str) -> Iterator[LockedPackage]:
    entries = document.get("package") or document.get("packages") or []
    # The first versions of poetry kept the files of all packages in one table.
    files = (document.get("metadata") or {}).get("files") or {}
    for entry in entries:
        name = entry.get("name", "")
        if normal_name(name) != normal_name(package):
            continue
        listed = [*entry.get("wheels", []), *entry.get("files", []), *files.get(name, [])]
        source, commit = _source(entry)
        found = [file for file in map(_file, listed) if file is not None]
        version = entry.get("version")
        if not isinstance(version, str | None):
            raise TypeError(f"the version of {package} is no text")
        yield LockedPackage(
            version=version,
            wheels={file: sha256 for file, sha256 in found if file.endswith(".whl")},
            hashes=frozenset(sha256 for _, sha256 in found),
            source=source,
            commit=commit,
        )


def _source(entry: dict[str, Any]) -> tuple[SourceKind, str | None]:
    """Return where a package is from, as uv, poetry or PEP 751 say it."""
    source: dict[str, Any] = entry.get("source") or {}
    if "vcs" in entry or "git" in source or source.get("type") == "git":
        vcs = entry.get("vcs") or {}
        commit = vcs.get("commit-id") or source.get("resolved_reference")
        commit = commit or source.get("git", "").rpartition("#")[2]
        return "git", commit if re.fullmatch(COMMIT, commit) else None
    folder = entry.get("directory") or {}
    editable = folder.get("editable") or entry.get("develop") or "editable" in source
    if folder or source.keys() & {"editable", "virtual", "directory"}:
        return ("editable" if editable else "directory"), None
    if source.get("type") == "directory":
        return ("editable" if editable else "directory"), None
    is_file = "archive" in entry or source.keys() & {"url", "path"} - {"type"}
    if is_file and source.get("type", "url") in ("url", "file"):
        return "archive", None
    return "index", None


def _file(entry: dict[str, Any]) -> tuple[str, str] | None:
    keys = ("name", "filename", "file", "url", "path")
    source = next((entry[key] for key in keys if entry.get(key)), "")
    name = source.rsplit("/", 1)[-1].partition("#")[0]
    sha256 = entry.get("hashes", {}).get("sha256") or entry.get("hash", "").removeprefix("sha256:")
    return (name, sha256) if re.fullmatch(r"[0-9a-f]{64}", sha256) else None
