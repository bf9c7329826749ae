"""The lines of ``.gitattributes`` that keep git from rewriting what is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.store.confined import ConfinedTree

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo

FILE = ".gitattributes"


def keep_line_endings(repo: DataRepo) -> bool:
    """Add the lines for manifests and channels that are missing; return whether there were any."""
    tree = repo.tree
    there = tree.read(FILE).decode(errors="surrogateescape") if tree.has(FILE) else ""
    folders = (repo.settings.manifests, repo.settings.channels)
    wanted = [f"/{folder}/** -text" for folder in folders]
    missing = [line for line in wanted if line not in there.splitlines()]
    if missing:
        head = there if not there or there.endswith("\n") else f"{there}\n"
        data = (head + "".join(f"{line}\n" for line in missing)).encode(errors="surrogateescape")
        ConfinedTree(repo.root).write(FILE, data, durable=True)
    return bool(missing)
