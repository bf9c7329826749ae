"""What ``pe-dvc cache prune --expired`` knows of the clone around it, and removes if asked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.purge_clone import Clone
from pe_dvc.usecases.purge import Contents, Purged, contents_of, listed_in_cache

if TYPE_CHECKING:
    from collections.abc import Collection

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.cache import Cache
    from pe_dvc.usecases.purge import Held


@dataclass(frozen=True)
class _Gone:
    """An artifact that must go. DVC's md5 of it is in its manifests, if these are here."""

    sha256: Sha256
    dvc_md5: str | None = None


class ExpiredClone:
    """A data repo, and the pe_dvc cache of this machine, whose manifests tell more of it."""

    def __init__(self, repo: DataRepo, cache: Cache) -> None:
        self._repo, self._cache = repo, cache

    def present(self, digests: Collection[Sha256]) -> set[tuple[str, str]]:
        """Return which artifacts have files here, each with the place."""
        found, clone = set(), self._clone(digests)
        for digest in self._manifests.keys() & set(digests):
            done = Purged()
            clone.purge(self._contents(clone, digest), done, workspace=False, objects=False)
            found |= {(str(digest), "workspace")} if done.kept else set()
            found |= {(str(digest), "dvc-cache")} if done.kept_dvc else set()
        return found

    def purge(self, digests: Collection[Sha256], *, dvc_cache: bool, workspace: bool) -> Purged:
        """Remove what must go where it is asked for; return what went, and what is still here."""
        done, clone = Purged(), self._clone(digests)
        for digest in sorted(self._manifests.keys() & set(digests)):
            contents = self._contents(clone, digest)
            clone.purge(contents, done, workspace=workspace, objects=dvc_cache)
        return done

    def _clone(self, digests: Collection[Sha256]) -> Clone:
        return Clone(self._repo, [_Gone(digest) for digest in digests])

    @cached_property
    def _manifests(self) -> dict[Sha256, list[bytes]]:
        """The manifests of the checkout, and those that this machine read, by their artifact."""
        found: dict[Sha256, list[bytes]] = {}
        cached = (data for _, data in self._cache.manifests())
        for data in (*Clone(self._repo, []).manifests, *cached):
            with suppress(FormatError):
                found.setdefault(Payload.of_manifest(data).sha256, []).append(data)
        return found

    def _contents(self, clone: Clone, digest: Sha256) -> Contents:
        gone = _Gone(digest)

        def list_of(payload: Payload) -> list[Held] | None:
            listed = listed_in_cache(self._cache, payload)
            return clone.listed(payload, gone) if listed is None else listed

        return contents_of(gone, self._manifests[digest], list_of)
