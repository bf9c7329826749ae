"""What a clone says was published (``channels/us/seen/``): a floor for readers and publishers."""

from __future__ import annotations

import posixpath
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, PeDvcError, VerificationError
from pe_dvc.project import directories
from pe_dvc.project.notes import note_once
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.trust.pins import pinned_seen, seen_path
from pe_dvc.trust.seen import (
    FOLDER,
    LIMIT,
    MOST,
    NOTHING_SEEN,
    SeenFile,
    SeenPublication,
    SeenVersions,
    highest_signed,
    version_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.repo_tree import RepoTree
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.log_memory import ShownLog
    from pe_dvc.trust.signed_metadata import SignedMetadata


def seen_folder(repo: DataRepo) -> str:
    """Return the folder of these files, relative to the data repo."""
    return f"{repo.settings.channels}/{repo.country}/{FOLDER}"


def is_seen(path: str, channels: str) -> bool:
    """Tell whether a path in git is such a file, of any country whose repo has ``channels``."""
    _, found, inner = f"/{path}".rpartition(f"/{channels}/")
    return bool(found) and inner.split("/")[1:2] == [FOLDER]


def seen_files(repo: DataRepo) -> list[SeenFile]:
    """Return the files of a clone's work tree, unread; none where there are none."""
    return seen_in(repo.root, seen_folder(repo))


def seen_in(root: Path, folder: str) -> list[SeenFile]:
    """Return the files in a folder below ``root``, unread. Raises FormatError for a link."""
    tree, found = ConfinedTree(root), []
    with suppress(OSError):
        for name, _ in tree.entries(folder):
            version, path = version_of(name), f"{folder}/{name}"
            if version is not None:
                read = partial(tree.read, path, limit=LIMIT)
                found.append(SeenFile(version=version, place=str(root / path), read=read))
    return found


def fetched_seen_files(repo: DataRepo) -> list[SeenFile]:
    """Return the files of the branches that remotes call theirs, as of the last ``git fetch``.

    An old commit that is checked out has old files. No files where there is no git, or it lacks
    them, and in an environment for reading only, which has no pygit2.
    """
    from pe_dvc.adapters.git.tags import GitTags

    folder, found = seen_folder(repo), []
    with suppress(PeDvcError, ModuleNotFoundError):
        for tree in GitTags(repo.root, root=repo.root).remote_heads():
            found += seen_in_tree(tree, folder)
    return found


def seen_in_tree(tree: RepoTree, folder: str) -> list[SeenFile]:
    """Return the files in a folder of a commit, unread."""
    return [
        SeenFile(version=version, place=tree.where(path), read=partial(_read, tree, path))
        for path in (f"{folder}/{name}" for name in tree.entries(folder)[0])
        if (version := version_of(posixpath.basename(path))) is not None
    ]


def _read(tree: RepoTree, path: str) -> bytes:
    data = tree.read(path)
    if len(data) > LIMIT:
        raise FormatError(f"has {len(data)} bytes, and no more than {LIMIT} are read", where=path)
    return data


def pinned_seen_file(country: str) -> list[SeenFile]:
    """Return the file that is kept beside a pinned root, if there is one that can be read."""
    config_dir = directories.config_dir()
    data = pinned_seen(config_dir, country)
    if data is None:
        return []
    place = str(seen_path(config_dir, country))
    try:
        version = SeenPublication.from_bytes(data, where=place).versions.timestamp
    except FormatError as error:
        note_once(f"{error.message}; it is passed over")
        return []
    return [SeenFile(version=version, place=place, read=lambda: data)]


def seen_versions(repo: DataRepo, store: ReadableStore, metadata: SignedMetadata) -> SeenVersions:
    """Return the highest versions of timestamp and snapshot that were published.

    A publisher goes on above them, so that the readers who have seen them follow.
    """
    if not metadata.files.exists():
        return NOTHING_SEEN
    root = metadata.root.signed
    seen = highest_signed(seen_files(repo), root, metadata.country, store.url)
    return seen.versions if seen else NOTHING_SEEN


def seen_logs(repo: DataRepo, store: ReadableStore, metadata: SignedMetadata) -> list[ShownLog]:
    """Return what a clone saw of the store's log, the largest trees, each once.

    Any root of the chain may vouch for it: a log goes on when keys change.
    """
    if not metadata.files.exists():
        return []
    from pe_dvc.trust.log_memory import ShownLog  # readers come here, too, and ask for no log

    found = []
    for file in seen_files(repo):
        with suppress(FormatError, VerificationError):
            seen = file.publication()
            shown = ShownLog(seen.timestamp, seen.snapshot, file.place)
            if seen.is_of(metadata.country, [store.url]) and shown.state is not None:
                found.append((seen, shown))
    found.sort(key=lambda one: (one[1].tree.number, one[1].tree.size), reverse=True)
    logs: list[ShownLog] = []
    for seen, shown in found:
        if len(logs) == MOST:
            break
        if any(shown.tree.is_same_tree(one.tree) for one in logs):
            continue
        roots = reversed(metadata.roots)
        if any(seen.is_signed_by(root.signed, where=shown.place) for root in roots):
            logs.append(shown)
    return logs
