"""Reads the bins of channels from stores: each by its sha256, which signed metadata lists.

What was read is kept in memory, as is what this process made: one bin is in many versions.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from pe_dvc.documents.bins import read_bin
from pe_dvc.documents.keys import bin_key
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.several import first_good
from pe_dvc.trust.roles import TAMPERED

if TYPE_CHECKING:
    from pe_dvc.documents.bins import Bin, Bins, Targets
    from pe_dvc.store.port import ReadableStore

READS_AT_ONCE = 16
_MOST_BYTES = 64 * 1024 * 1024


class _Known:
    """Bins by their sha256, those that were used last, ``_MOST_BYTES`` of them."""

    def __init__(self) -> None:
        self._files: OrderedDict[Sha256, bytes] = OrderedDict()
        self._lock, self._bytes = threading.Lock(), 0

    def get(self, sha256: Sha256) -> bytes | None:
        with self._lock:
            if sha256 in self._files:
                self._files.move_to_end(sha256)
            return self._files.get(sha256)

    def clear(self) -> None:
        with self._lock:
            self._files.clear()
            self._bytes = 0

    def add(self, sha256: Sha256, data: bytes) -> None:
        with self._lock:
            self._bytes += len(data) - len(self._files.pop(sha256, b""))
            self._files[sha256] = data
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._files.popitem(last=False)[1])


_known = _Known()


def forget() -> None:
    """Forget the bins that are in memory, as a new process has none."""
    _known.clear()


def remember(sha256: Sha256, data: bytes) -> None:
    """Keep a bin in memory; ``sha256`` is that of ``data``."""
    _known.add(sha256, data)


def fetch_bin(store: ReadableStore, country: str, wanted: Bin) -> bytes:
    """Return a bin's bytes, verified. Raises VerificationError where it is missing or altered."""
    if (known := _known.get(wanted.sha256)) is not None:
        return known
    key = bin_key(country, wanted.sha256)

    def read(one: ReadableStore) -> bytes:
        data = one.read(key, limit=wanted.length)[0]
        if sha256_bytes(data) != wanted.sha256:
            raise DigestMismatchError(
                what="a bin of a channel",
                expected=f"sha256:{wanted.sha256}",
                actual=f"sha256:{sha256_bytes(data)}",
                source=f"{one.url}/{key}",
                remedy=TAMPERED,
            )
        return data

    try:
        data = first_good(store, read, key=key)
    except NotFoundError:
        raise VerificationError(
            f"{store.url}/{key} is missing, and signed metadata lists it: what a part of the "
            "channel points to cannot be known",
            remedy="The maintainers of the data put it back, by a push from the commit that has "
            "this version of the channel: tell them.",
        ) from None
    _known.add(wanted.sha256, data)
    return data


def fetch_all(store: ReadableStore, country: str, bins: Bins) -> Targets:
    """Return the targets of all bins, verified. Raises VerificationError, FormatError."""

    def read(item: tuple[int, Bin]) -> Targets:
        number, wanted = item
        where = f"{store.url}/{bin_key(country, wanted.sha256)}"
        return read_bin(fetch_bin(store, country, wanted), number, bins.bits, where=where)

    found: Targets = {}
    with Pool(READS_AT_ONCE) as pool:
        for targets in pool.map(read, bins.held.items()):
            found |= targets
    return dict(sorted(found.items()))
