"""The lines of ``.gitattributes`` that keep git from rewriting what is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.store.confined import ConfinedTree

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.settings import Settings

FILE = ".gitattributes"


def keep_line_endings(repo: DataRepo) -> bool:
    """Add the lines for manifests and channels that are missing; return whether there were any."""
    tree = repo.tree
    there = tree.read(FILE).decode(errors="surrogateescape") if tree.has(FILE) else ""
    kept = with_line_endings_kept(there, repo.settings)
    if kept != there:
        data = kept.encode(errors="surrogateescape")
        ConfinedTree(repo.root).write(FILE, data, durable=True)
    return kept != there


def with_line_endings_kept(text: str, settings: Settings) -> str:
    """Return the file's ``text`` with the lines for manifests and channels that it lacks."""
    folders = (settings.manifests, settings.channels)
    wanted = [f"/{folder}/** -text" for folder in folders]
    missing = [line for line in wanted if line not in text.splitlines()]
    head = text if not text or text.endswith("\n") else f"{text}\n"
    return head + "".join(f"{line}\n" for line in missing) if missing else text
