"""Where releases are: a clone, bare or not, its store, and what the two have signed."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project import directories
from pe_dvc.project.reader_trust import related_stores, seen_by_remotes, seen_of
from pe_dvc.project.release_repo import ReleaseRepo
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.root import working_directory
from pe_dvc.project.withdrawn import known_here, refuse_release
from pe_dvc.usecases.revoke.withdrawn import withdrawn_here

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.port import Store
    from pe_dvc.trust.client import ChannelClient
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.seen import SeenFile
    from pe_dvc.usecases.release.derive import Release
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn


class ReleasePlace:
    """The repo at ``place`` (here), and its store or the one at the address ``store``."""

    def __init__(self, place: Path | None = None, *, store: str | None = None) -> None:
        self._place = place or working_directory()
        self._store_url = store
        self.git = ReleaseRepo(self._place)

    @cached_property
    def store(self) -> Store:
        """The bucket: as given, ``PE_DVC_STORE``, or as the clone says."""
        from pe_dvc.project.stores import one_address, open_store

        if self._clone is not None:
            return self._clone.open_store(self._store_url)
        named = one_address(self._store_url or os.environ.get("PE_DVC_STORE"))
        url = named or self.git.settings().store
        if url is None:
            raise NotFoundError(
                f"{self.git.git.directory} is a bare clone and names no store",
                remedy="Use --store, or set PE_DVC_STORE.",
            )
        return open_store(url)

    @cached_property
    def signed(self) -> ChannelClient:
        """The bucket's signed metadata, verified from the pinned root, else from git's."""
        from pe_dvc.trust.client import ChannelClient
        from pe_dvc.trust.pins import pinned_root

        files = self._files
        pinned = pinned_root(directories.config_dir(), files.country)
        root = pinned or files.read_bytes("root")
        earlier = [] if pinned else files.roots_before(root)
        return ChannelClient(
            self.store,
            files.country,
            root,
            directories.state_dir(),
            earlier=earlier,
            seen=seen_of(files.country, self._clone),
            seen_elsewhere=self._seen_in_git,
            related=related_stores(files.country, self._clone),
        )

    def _seen_in_git(self) -> list[SeenFile]:
        """Return what was published as git has it: the remotes', of a bare clone HEAD's."""
        if self._clone is not None:
            return seen_by_remotes(self._clone)
        return self.git.seen_files()

    @cached_property
    def _withdrawn(self) -> Withdrawn:
        """What is withdrawn, as readers of the bucket see it, or as git has it."""
        return withdrawn_here(self._files, self.store)

    def withdrawn_of(self, release: Release) -> dict[str, Revocation]:
        """Return why datasets of a release were withdrawn, by name, as far as is known here."""
        known = known_here(self._files, self._clone).artifacts
        digests = {n: Sha256(m.artifact.sha256) for n, (m, _) in release.manifests.items()}
        return {name: known[sha256] for name, sha256 in digests.items() if sha256 in known}

    def _refuse_withdrawn(self, release: Release) -> None:
        """Raise RevokedError for a release of which an artifact is withdrawn."""
        refuse_release(release, self.signed, self._files)

    @cached_property
    def _clone(self) -> DataRepo | None:
        return DataRepo.around(self._place)

    def _with_work_tree(self) -> DataRepo:
        if self._clone is None:
            raise NotFoundError(
                f"{self._place} has no work tree: signed metadata is written to one",
                remedy="Run this in a clone that is not bare, and commit what it writes.",
            )
        return self._clone

    @property
    def _files(self) -> ChannelFiles:
        """The signed metadata: the work tree's, or in a bare clone HEAD's (``check_root``)."""
        from pe_dvc.project.clone_root import check_root

        files = self.git.channels() if self._clone is None else self._clone.channel_files
        check_root(files)
        return files
