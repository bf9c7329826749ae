"""Private keys that lie where git has them, or would take them in with the next ``git add``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.redact import holds_private_key
from pe_dvc.store.plain_files import open_plain

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.repo_tree import RepoTree
    from pe_dvc.project.repo import DataRepo

_READ = 4 * 1024 * 1024
"""Bytes read of each file: a key is short, and a file that git holds is seldom longer."""


def exposed_private_keys(repo: DataRepo) -> list[str]:
    """Return the files of the git work tree around a data repo that hold a private key.

    Looks at what git tracks and at what it does not ignore; paths are relative to the data repo.
    """
    found = (path for path in repo.git.files() if holds_private_key(_beginning(path)))
    return sorted(os.path.relpath(path, repo.root.resolve()) for path in found)


def staged_private_keys(tree: RepoTree) -> list[str]:
    """Return the files that the next commit would have and that hold a private key."""
    return sorted(path for path in tree.files() if holds_private_key(_staged(tree, path)))


def _beginning(path: Path) -> bytes:
    """Return the first bytes of a file; nothing of what is no file, or not for us to read."""
    try:
        descriptor = open_plain(path, os.O_RDONLY | os.O_NOFOLLOW)
    except (OSError, FormatError):
        return b""
    try:
        # No more than there is: of 4 MiB asked for a thousand times most is memory for nothing.
        left = min(os.fstat(descriptor).st_size, _READ) or _READ
        data = b""
        while left and (block := os.read(descriptor, left)):
            data += block
            left -= len(block)
        return data
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _staged(tree: RepoTree, path: str) -> bytes:
    try:
        return tree.read(path)
    except (FormatError, NotFoundError):
        return b""  # gone, or far too long for a key
