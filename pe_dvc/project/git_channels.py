"""A repo's signed metadata as git's history holds it."""

from __future__ import annotations

import logging
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.trust.ancestry import Committed, digest
from pe_dvc.trust.files import ChannelFiles, TreeChannelFiles
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.adapters.git.tags import GitChange
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.tuf_api import Metadata, Root

log = logging.getLogger(__name__)

AHEAD = 32
"""Versions of a role in git that readers do not see yet, at most, where not all are looked for."""


class GitChannels:
    """The versions of roles in the commits behind HEAD; a shallow clone holds fewer."""

    def __init__(self, repo: DataRepo) -> None:
        self._repo = repo

    def newest(self, role: str) -> Committed:
        """Return the newest version that was committed signed; without ``data`` for none."""
        nothing = Committed(data=b"", where=role)
        newest = next((found for _, found, _ in self._signed(role)), nothing)
        log.info("newest signed %s in git: %s", role, newest.where if newest.data else "none")
        return newest

    def versions(
        self, role: str, *, newest: int | None = None
    ) -> dict[int, tuple[GitChange, bytes]]:
        """Return the commit that first held each version signed, with the file's bytes.

        With ``newest`` those of so many versions, and of a few more: git may be ahead of readers.
        """
        found: dict[int, tuple[GitChange, bytes]] = {}
        most = None if newest is None else newest + AHEAD
        for change, one, version in islice(self._signed(role), most):
            found[version] = (change, one.data)
        return found

    def data(self, role: str) -> list[bytes]:
        """Return the file of each version that was committed signed, newest first."""
        return [found.data for _, found, _ in self._signed(role)]

    def held(self, role: str) -> list[bytes]:
        """Return the file of every commit that changed it, signed or not, newest first."""
        path = f"{self._repo.settings.channels}/{self._repo.country}/{role}.json"
        history = self._git.history(path)
        return [change.tree.read_signed(path) for change in history]

    def took_away(self, role: str, sha256: Sha256) -> bool:
        """Tell whether HEAD's file was committed on top of the version with that digest.

        As ``git revert`` does. A merge that kept the one of two sides took nothing away.
        """
        held = list(self._signed(role))
        path = f"{self._repo.settings.channels}/{self._repo.country}/{role}.json"
        if not held or not self._git.head().has(path):
            return False
        today = self._git.head().read_signed(path)
        placed = next((change for change, found, _ in held if found.data == today), None)
        if placed is None:
            return False
        return any(
            self._git.is_ancestor(change.commit, placed.commit)
            for change, found, _ in held
            if digest(parse(Targets, found.data, where=found.where)) == sha256
        )

    @cached_property
    def _git(self) -> GitTags:
        return GitTags(self._repo.root, root=self._repo.root)

    @cached_property
    def _roots(self) -> list[Metadata[Root]]:
        """Today's root chain; empty where the checkout has no channels, or none that hold."""
        files = ChannelFiles(self._repo.channels_root, self._repo.country)
        try:
            return SignedMetadata(files).roots
        except (VerificationError, FormatError, NotFoundError):
            return []

    def _signed(self, role: str) -> Iterator[tuple[GitChange, Committed, int]]:
        """Yield the versions of a role that the root of the same commit vouches for, as numbers.

        That root must be one of the chain that leads to today's: channels that were created
        again have nothing to do with those before.
        """
        folder, country = self._repo.settings.channels, self._repo.country
        path = f"{folder}/{country}/{role}.json"
        for change in self._git.history(path):
            metadata = SignedMetadata(TreeChannelFiles(change.tree, folder, country))
            found = Committed(data=metadata.data(role), where=change.tree.where(path))
            if self._is_signed(metadata, role):
                yield change, found, metadata.role(role).signed.version

    def _is_signed(self, metadata: SignedMetadata, role: str) -> bool:
        try:
            metadata.verified(role)
        except (VerificationError, FormatError, NotFoundError):
            return False  # a draft, or a commit that was never complete: it could not be published
        version = metadata.root.signed.version
        return [metadata.root.signed] == [
            root.signed for root in self._roots[version - 1 : version]
        ]
