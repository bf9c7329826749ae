"""``pe_dvc.TrustedRoots`` and ``pe_dvc.Cache``: what is kept on this machine for its user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.expired import Expired
    from pe_dvc.project.trust import PinnedRoot
    from pe_dvc.store.eviction import CacheEntry, CheckedEntry
    from pe_dvc.usecases.purge import Purged


class TrustedRoots:
    """The pinned roots of trust, one for a country (``PE_DVC_CONFIG_DIR``)."""

    def add(
        self,
        country: str,
        root: Path | None = None,
        *,
        fingerprint: str | None = None,
        store: str | None = None,
        seen: Path | None = None,
    ) -> PinnedRoot:
        """Pin the root.json ``root``, else the first one that the bucket shows.

        ``seen`` is a file that says what was published at least: readers refuse what is older.
        Without it, ``seen/`` beside ``root`` is looked at. Raises ConflictError if another root is
        pinned, VerificationError if its sha256 is not ``fingerprint``, NotFoundError, FormatError,
        StoreError.
        """
        from pe_dvc.project.trust import trust_file, trust_store

        if root is not None:
            return trust_file(country, root, fingerprint, seen=seen)
        return trust_store(country, store=store, fingerprint=fingerprint, seen=seen)

    def show(
        self, country: str, *, store: str | None = None, export: Path | None = None
    ) -> PinnedRoot:
        """Return what is pinned for a country, and what was last seen published in the store.

        ``export`` is a directory that gets both, for another machine. Raises NotFoundError.
        """
        from pe_dvc.project.trust import trust_shown

        return trust_shown(country, store=store, export=export)

    def fingerprints(self) -> dict[str, str]:
        """Return the sha256 of each pinned root, by country."""
        from pe_dvc.project.directories import config_dir
        from pe_dvc.trust.pins import list_pins

        return dict(sorted(list_pins(config_dir()).items()))

    def remove(self, country: str) -> None:
        """Forget the root of a country. Raises NotFoundError if none is pinned."""
        from pe_dvc.project.directories import config_dir
        from pe_dvc.trust.pins import remove_pin

        remove_pin(config_dir(), country)


class Cache:
    """The local cache of verified artifacts (``PE_DVC_CACHE_DIR``)."""

    @property
    def directory(self) -> Path:
        """Where it is."""
        from pe_dvc.project.directories import cache_dir

        return cache_dir()

    @property
    def limit(self) -> int | None:
        """Bytes that it may take (``PE_DVC_CACHE_LIMIT``), None for no limit."""
        from pe_dvc.project.directories import cache_limit

        return cache_limit()

    def entries(self) -> list[CacheEntry]:
        """Return what is in it, least recently used first."""
        from pe_dvc.project.cache import open_cache
        from pe_dvc.store.eviction import entries

        return entries(open_cache())

    def verify(self) -> list[CheckedEntry]:
        """Hash every artifact in it; return all, and remove those that were altered."""
        from pe_dvc.project.cache import open_cache
        from pe_dvc.store.eviction import check_entries

        return list(check_entries(open_cache()))

    def prune(self, max_size: int | None = None) -> list[CacheEntry]:
        """Remove artifacts, least recently used first, until the rest fits; return what went.

        ``max_size`` is in bytes, ``PE_DVC_CACHE_LIMIT`` unless given. Raises FormatError where
        neither is.
        """
        from pe_dvc.project.cache import prune

        return prune(max_size)

    def prune_revoked(self, *, workspace: bool = False, store: str | None = None) -> Purged:
        """Remove what the data stewards of the countries that are trusted here have withdrawn.

        From this cache, in a data repo also from DVC's, and with ``workspace`` from the checkout:
        a file that was changed there stays. Returns what was removed. Raises VerificationError and
        StoreError.
        """
        from pe_dvc.project.purge import purge

        return purge(workspace=workspace, store=store)

    def prune_expired(
        self,
        *,
        dvc_cache: bool = False,
        workspace: bool = False,
        no_other_copies: bool = False,
        store: str | None = None,
    ) -> Expired:
        """Remove what gateways no longer grant you, and send them a signed statement of it.

        From this cache, in a data repo with ``dvc_cache`` also from DVC's, and with ``workspace``
        from the checkout. ``no_other_copies`` also states that you have none elsewhere, which
        pe_dvc cannot know. A statement that cannot be sent is kept, and sent by the next call.
        Raises NotFoundError where no gateway is known, StoreError where one does not answer.
        """
        from pe_dvc.project.expired import prune_expired

        return prune_expired(
            dvc_cache=dvc_cache, workspace=workspace, no_other_copies=no_other_copies, store=store
        )
