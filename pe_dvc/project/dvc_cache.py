"""DVC's cache of a data repo, where the clone's author and its user may each have put it.

What is pulled is written there, and what is pushed is read from there: neither may be elsewhere on
this machine on the word of a clone, whose bucket would then get files of other projects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.objects import DvcObjects
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.clone_options import came_with_clone
from pe_dvc.store.confined import ConfinedTree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pe_dvc.adapters.dvc.config import DvcConfig
    from pe_dvc.project.repo import DataRepo


def check_cache_place(config: DvcConfig, root: Path) -> None:
    """Raise FormatError if a file that came with the clone names a cache outside the clone."""
    file, directory = config.cache_file, config.cache_dir
    if file is None or directory.is_relative_to(root) or not came_with_clone(file, root):
        return
    raise FormatError(
        f"puts DVC's cache into {directory}, outside this repo, and the file came with the repo",
        where=f"{file}: cache.dir",
        remedy=f"Take the file out of git, where it never belongs: git rm --cached {file}"
        if file.suffix == ".local"
        else f"If you want it there, say so yourself: dvc config --local cache.dir {directory}",
    )


def check_may_add(repo: DataRepo, paths: Iterable[str]) -> None:
    """Raise FormatError where ``dvc add`` of ``paths`` would follow a link out of the clone.

    It writes a ``.dvc`` file and a ``.gitignore`` beside each, and the cache. Also as
    ``check_cache_place`` does.
    """
    check_published(repo)
    tree = ConfinedTree(repo.root)
    for folder in (".dvc", ".dvc/tmp"):
        tree.check_entries(folder)
    for path in paths:
        folder = path.rpartition("/")[0]
        beside = f"{folder}/.gitignore" if folder else ".gitignore"
        tree.check([f"{path}.dvc", beside])


def check_published(repo: DataRepo, md5s: Iterable[str] = ()) -> None:
    """Raise FormatError where an object to publish, or its folder, is a link in DVC's cache.

    Also as ``check_cache_place`` does.
    """
    config, root = repo.dvc_config, repo.root.absolute()
    check_cache_place(config, root)
    objects = DvcObjects(config.cache_dir, root=root)
    objects.check()
    objects.check_objects(md5s)
