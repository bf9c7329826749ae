"""Files of the workspace that are other than what their manifests describe.

A push publishes what DVC's cache holds, so a change that DVC was not told of stays
behind. Most files are known by their inode, size and mtime since their manifests were written; of
the others only so many bytes are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.primitives.digest import Sha256

READ_AT_MOST = 256 * 1024 * 1024
"""Bytes to hash, smallest files first, to tell whether files were edited: less than a second."""


class LocalChanges(NamedTuple):
    """Paths in the repo: files that were ``edited``, and those that are too large to tell."""

    edited: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What to tell a person who pushes."""
        lines = [
            f"{path} was edited since dvc repro. The edit is not published: readers get what the "
            f"manifest describes. To drop the edit: dvc checkout {path}. To publish it: "
            f"dvc commit {path}, then dvc repro, commit and push again"
            for path in self.edited
        ]
        if self.unread:
            first, *others = self.unread
            names = f"{first} and {len(others)} more" if others else first
            lines.append(
                f"not looked at, for their size: {names}. pe-dvc verify tells "
                "whether they were edited since dvc repro; what is published is in DVC's cache"
            )
        return lines


class FileDigest(Protocol):
    """The digest of a file."""

    @property
    def sha256(self) -> Sha256:
        """The sha256 of its bytes."""
        ...


class Digests(Protocol):
    """Digests of local files, some of them known without reading the file."""

    def known(self, path: Path) -> FileDigest | None:
        """Return the digest of a file that did not change since it was hashed, else None."""
        ...

    def digest(self, path: Path) -> FileDigest:
        """Return the digest of a file, read if need be."""
        ...


def find_local_changes(root: Path, artifacts: Iterable[Artifact], digests: Digests) -> LocalChanges:
    """Return which files and directories of ``artifacts`` in the work tree ``root`` were edited.

    A file that is not there was not edited. Reads at most ``READ_AT_MOST`` bytes.
    """
    edited, unknown = [], []
    for artifact in artifacts:
        path = root / artifact.path
        if not (path.is_dir() if artifact.is_directory else path.is_file()):
            continue
        known = digests.known(path)
        if known is not None and known.sha256 == artifact.sha256:
            continue
        if known is not None or not (artifact.is_directory or path.stat().st_size == artifact.size):
            edited.append(artifact.path)
        else:
            unknown.append(artifact)
    left, unread = READ_AT_MOST, []
    for artifact in sorted(unknown, key=lambda artifact: artifact.size):
        left -= artifact.size
        if left < 0:
            unread.append(artifact.path)
        elif digests.digest(root / artifact.path).sha256 != artifact.sha256:
            edited.append(artifact.path)
    return LocalChanges(edited=tuple(sorted(edited)), unread=tuple(sorted(unread)))
