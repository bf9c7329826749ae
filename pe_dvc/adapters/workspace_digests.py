"""Digests of what is in a work tree: of files, and of directories that are datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.adapters.digests import DigestCache
from pe_dvc.adapters.directories import members_of_workspace
from pe_dvc.adapters.member_digests import MemberDigests
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from pathlib import Path


class _Found(NamedTuple):
    sha256: Sha256


NO_DATASET = _Found(Sha256("0" * 64))
"""Of a directory that holds what no dataset can have."""


class WorkspaceDigests:
    """Digests of files and directories in the repo at ``root``, some known without reading."""

    def __init__(self, root: Path) -> None:
        self._files, self._members = DigestCache(root), MemberDigests(root)

    def known(self, path: Path) -> _Found | None:
        """Return the digest of what did not change since it was hashed, else None."""
        # None of a directory either: only files have been hashed.
        found = self._files.known(path)
        return None if found is None else _Found(found.sha256)

    def digest(self, path: Path) -> _Found:
        """Return the digest of a file or directory; files that did not change are not read."""
        if not path.is_dir():
            return _Found(self._files.digest(path).sha256)
        try:
            members = members_of_workspace(path, self._members)
        except PeDvcError:
            return NO_DATASET
        return NO_DATASET if members is None else _Found(members.dir_hash)
