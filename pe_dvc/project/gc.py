"""``pe-dvc gc``: opens git's history and the bucket of a data repo, and collects garbage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.history import GitHistory
from pe_dvc.adapters.stores.s3_uploads import s3_uploads_of
from pe_dvc.documents.dvc_files import records_hashes
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.mirror_place import check_apart, check_not_within, filled_mirrors
from pe_dvc.project.seen import is_seen
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.retention.copies import Copies
from pe_dvc.usecases.retention.gc import GRACE, GarbageCollection
from pe_dvc.usecases.retention.reachability import names_data, reach_of
from pe_dvc.usecases.revoke.removal import withdrawn_there
from pe_dvc.usecases.revoke.withdrawn import ROLE, withdrawn_here

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.retention.gc import Collected
    from pe_dvc.usecases.retention.reachability import Reach


def gc(
    repo: DataRepo,
    *,
    store: str | None = None,
    apply: bool = False,
    tips: bool = False,
    unknown: bool = False,
    grace: timedelta = GRACE,
) -> Collected:
    """Plan the removal of unreachable objects from the store, and with ``apply`` remove them.

    Reachable is what any commit of any ref names, here and at the git remotes; with ``tips`` only
    the commits that refs point to, not their ancestors. Payloads that no manifest in the store and
    no commit of this clone ever named, reflogs included, go only with ``unknown``: another DVC
    repo may use the same remote. Raises as ``GarbageCollection.collect``.
    """
    bucket, history = repo.open_store(store), RepoHistory(repo, tips=tips)
    now = datetime.now(UTC)
    collection = GarbageCollection(
        store=bucket,
        country=repo.country,
        history=history,
        first_root=repo.first_root(),
        grace=grace,
        foreign=partial(foreign_files, repo, bucket),
        ours=None if unknown else history.ever,
        copies=_copies(repo, store),
        unfinished=s3_uploads_of(bucket),
    )
    found = collection.collect(now) if apply else collection.plan(now)
    withdrawn = withdrawn_here(repo.channel_files, bucket, GitChannels(repo).newest(ROLE))
    return replace(found, withdrawn=withdrawn_there(bucket, repo.country, withdrawn))


def _copies(repo: DataRepo, store: str | None) -> Copies | None:
    """Return how many copies must remain, and the mirrors that count; None for no such rule.

    Raises ConflictError for a mirror that is no place of its own.
    """
    least = repo.settings.copies
    if not least:
        return None
    mirrors = filled_mirrors(repo)
    for name, mirror in mirrors.items():
        check_apart(repo, mirror.url, store)
        check_not_within(name, mirror, mirrors)
    opened = [repo.open_other(mirror.url) for mirror in mirrors.values()]
    return Copies(least=least, mirrors=opened, country=repo.country)


def foreign_files(repo: DataRepo, store: ReadableStore) -> frozenset[str]:
    """Return the keys of channels' files that promise nothing.

    Readers were never shown them, or the keys of git's root do not vouch for them. No keys where
    these channels cannot be read: then every file promises what it names.
    """
    try:
        pinned = repo.signed_metadata().root_files[-1]
        history = ChannelHistory(store, repo.country, pinned)
        return frozenset().union(*(history.without_promise(channel) for channel in CHANNELS))
    except PeDvcError:
        return frozenset()


class RepoHistory:
    """The git history of a data repo, as garbage collection reads it."""

    def __init__(self, repo: DataRepo, *, tips: bool = False) -> None:
        self._repo, self._tips = repo, tips

    def check_complete(self) -> None:
        """Raise ReleaseError where this clone does not hold all of the history."""
        GitHistory(self._repo.root).check_complete(self._refers_to_data)

    def roots(self) -> dict[str, str]:
        """Return the commit of each ref, here and at the remotes."""
        return GitHistory(self._repo.root).roots()

    def reach(self, roots: dict[str, str]) -> Reach:
        """Return the hashes that the history from ``roots`` on names."""
        history = GitHistory(self._repo.root)
        return reach_of(history.blobs(sorted(roots.items()), names_data, tips=self._tips))

    def ever(self) -> Reach:
        """Return the hashes that any commit of this clone names, also one that no ref reaches."""
        history = GitHistory(self._repo.root)
        commits = history.own_roots() | history.reflogs()
        return reach_of(history.blobs(sorted(commits.items()), names_data))

    def _refers_to_data(self, path: str) -> bool:
        """Tell whether a file, by its path in git, names data that must be kept."""
        if is_seen(path, self._repo.settings.channels):
            return False  # it names metadata alone, and may wait for the next commit
        folders = (self._repo.settings.manifests, self._repo.settings.channels)
        inside = any(f"/{folder}/" in f"/{path}" for folder in folders)
        return records_hashes(path) or inside
