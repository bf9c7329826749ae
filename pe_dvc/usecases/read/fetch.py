"""Fetch: from a resolved reference to a verified local file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pe_dvc.usecases.payload_place import find_place
from pe_dvc.usecases.progress import Reporter, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.store.cache import Cache
    from pe_dvc.store.local_copies import LocalCopy
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.store.slot import Slot
    from pe_dvc.usecases.payload_place import OpenLocation
    from pe_dvc.usecases.read.resolve import Resolved

log = logging.getLogger(__name__)


def fetch(
    resolved: Resolved,
    *,
    store: ReadableStore,
    cache: Cache,
    reporter: Reporter | None = None,
    copies: Sequence[LocalCopy] = (),
    open_location: OpenLocation | None = None,
) -> Path:
    """Return the path of the artifact in the cache, downloaded and verified if it was not there.

    Bytes that are here already are not downloaded: those of a download that broke off, those of
    ranged reads, and the local ``copies`` if one is the artifact. What the store lacks is read from
    where its manifest says that it lies as well, by ``open_location``. Of many processes that fetch
    one artifact at once, one downloads and the others wait. The file is read-only, and stays as
    long as this process lives. Raises DigestMismatchError, which leaves nothing behind,
    NotFoundError and StoreError, which leaves what verified for the next attempt.
    """
    reporter = reporter or Silent()
    slot = slot_of(resolved, cache)
    with slot.admission(copies, on_wait=lambda: note_wait(resolved, reporter)):
        if slot.path is not None:
            log.info("%s is in the cache", resolved.pinned)
        else:
            from pe_dvc.usecases.read.download import download

            payload = resolved.payload
            log.info("download %s, %d bytes", resolved.pinned, payload.size)
            place = find_place(payload.key, payload.location, store, open_location)
            download(resolved, slot, store, place, cache, reporter)
    return slot.final


def slot_of(resolved: Resolved, cache: Cache) -> Slot:
    """Return the place of the artifact in the cache."""
    payload = resolved.payload
    return cache.slot(
        payload.sha256, payload.size, resolved.suffix, reserve=resolved.manifest_verified
    )


def note_wait(resolved: Resolved, reporter: Reporter) -> None:
    """Say that another process is downloading the artifact."""
    reporter.note(f"waiting for another process that is downloading {resolved.reference}")
