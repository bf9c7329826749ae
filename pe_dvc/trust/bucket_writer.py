"""A country's metadata in a bucket, written: what today's keys signed is never replaced.

What they did not sign is a thief's, or of anyone else who can write to the bucket. It makes way.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import bin_key, bins_prefix
from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    StorePermissionError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_form import bucket_form
from pe_dvc.trust.roles import max_length
from pe_dvc.trust.tuf_api import Root, Snapshot, Targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.store.port import ObjectInfo, Store
    from pe_dvc.trust.signed_metadata import SignedMetadata

log = logging.getLogger(__name__)

WRITES_AT_ONCE = 16
ATTEMPTS = 8
"""How often a file that today's keys did not sign is replaced, while someone keeps writing it."""


def bucket_of(store: Store, git: SignedMetadata) -> ChannelBucket:
    """Return a country's metadata in a store, as who trusts the roots of ``git`` sees it."""
    return ChannelBucket(store, git.country, [root.signed for root in git.roots])


class ChannelBucket(ReadableChannels):
    """A country's metadata in a store that can be published to."""

    store: Store

    def __init__(
        self, store: Store, country: str, roots: Sequence[Root], successor: Root | None = None
    ) -> None:
        super().__init__(store, country, roots, successor)
        self.replaced: list[str] = []
        """Keys of objects that today's keys had not signed, and that made way."""

    def create(
        self,
        role: str,
        version: int,
        data: bytes,
        *,
        delegator: Root | Targets,
        refuse_newer: Callable[[], object] | None = None,
    ) -> ObjectInfo | None:
        """Create a version of a role; what ``delegator``'s keys did not sign makes way for it.

        ``data`` is the file in git: of a channel in bins these are put there first. Return None if
        they did sign what is there: then another publisher was first.
        ``refuse_newer`` raises if ``delegator`` is no longer the newest: who writes a file has
        written before what vouches for it.
        """
        kinds: dict[str, type[Any]] = {"root": Root, "snapshot": Snapshot}
        key, data = self.key(role, version), self.with_bins(data, where=self.where(role, version))
        for _ in range(ATTEMPTS):
            try:
                return self.store.create(key, data)
            except ConflictError:
                held, etag = self.look(delegator, role, kinds.get(role, Targets), version)
                if held is not None:
                    return None
            (refuse_newer or self.refuse_newer_root)()
            if etag is None:
                self._clear(key)
                continue
            with suppress(ConflictError):
                info = self.store.compare_and_swap(key, data, etag)
                self.replaced.append(key)
                return info
        raise self._written_again(key)

    def with_bins(self, data: bytes, *, where: str) -> bytes:
        """Write the bins of a file in git that are not there; return the file that lists them.

        The sha256 in a bin's key is that of its bytes, so that what else is there makes way.
        """
        data, bins = bucket_form(data, where=where)
        if not bins:
            return data
        there = {info.key: info.size for info in self.store.list(bins_prefix(self.country))}
        missing = [
            (key, held)
            for sha256, held in bins.items()
            if there.get(key := bin_key(self.country, sha256)) != len(held)
        ]
        with Pool(WRITES_AT_ONCE) as pool:
            list(pool.map(lambda one: self.store.overwrite(*one), missing))
        return data

    def place(self, key: str, data: bytes) -> bool:
        """Create an object whose bytes are known beforehand; return False if they are there.

        Whatever else is there makes way.
        """
        for _ in range(ATTEMPTS):
            with suppress(ConflictError):
                self.store.create(key, data)
                return True
            held, etag = self._held(key, limit=len(data))
            if held == data:
                return False
            if etag is None:
                self._clear(key)
                continue
            with suppress(ConflictError):
                self.store.compare_and_swap(key, data, etag)
                self.replaced.append(key)
                return True
        raise self._written_again(key)

    def restore(self, role: str, version: int, data: bytes) -> None:
        """Put a version back that a snapshot names, and that was altered or removed."""
        key, data = self.key(role, version), self.with_bins(data, where=self.where(role, version))
        self.store.compare_and_swap(key, data, self._etag(key))
        self.replaced.append(key)

    def swap(self, role: str, data: bytes, etag: str | None) -> ObjectInfo:
        """Replace an unversioned file. Raises ConflictError if it is no longer of that etag."""
        key = self.key(role)
        try:
            return self.store.compare_and_swap(key, data, etag)
        except ConflictError:
            if self._etag(key) is not None:
                raise
            self._clear(key)
            return self.store.compare_and_swap(key, data, None)

    def refresh_copy(self, role: str, data: bytes, *, is_new: bool = False) -> bool:
        """Write an unversioned copy, which nothing verifies; return False if it is there.

        Of a version that ``is_new`` it is not looked for.
        """
        key, data = self.key(role), bucket_form(data, where=self.where(role))[0]
        with suppress(NotFoundError, FormatError):
            if not is_new and self.store.read(key, limit=max_length(role))[0] == data:
                return False
        try:
            self.store.overwrite(key, data)
        except ConflictError:
            self._clear(key)
            self.store.overwrite(key, data)
        return True

    def remove(self, role: str, version: int) -> None:
        """Remove an object that stands in readers' way, if this machine may remove any."""
        key = self.key(role, version)
        try:
            self.store.delete([key])
        except StorePermissionError as error:
            log.warning("%s stands in readers' way, and cannot be removed: %s", key, error.message)
        else:
            self.replaced.append(key)

    def _held(self, key: str, *, limit: int) -> tuple[bytes | None, str | None]:
        """Return an object's bytes, None for more than ``limit``, and its etag, None for none."""
        try:
            data, info = self.store.read(key, limit=limit)
        except NotFoundError:
            return None, None
        except FormatError:
            return None, self._etag(key)
        return data, info.etag

    def _written_again(self, key: str) -> ConflictError:
        return ConflictError(
            f"{key} in {self.store.url} is written again and again without today's keys",
            remedy="Change the credentials of the bucket, then push again.",
        )

    def _clear(self, key: str) -> None:
        """Remove what lies below a key that is to be an object: in a directory it is a folder."""
        self.store.delete([info.key for info in self.store.list(key)])
