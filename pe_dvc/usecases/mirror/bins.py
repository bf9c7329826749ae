"""Copies the bins of channels to a mirror, before the metadata that lists them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.bins import bins_of
from pe_dvc.documents.keys import bin_key, bins_prefix
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bin_files import fetch_bin
from pe_dvc.trust.binned import lists_bins
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.bins import Bin
    from pe_dvc.store.port import ReadableStore, Store


class BinsCopier:
    """Copies bins of a country from ``origin`` to ``mirror``."""

    def __init__(self, origin: ReadableStore, mirror: Store, country: str) -> None:
        self._origin, self._mirror, self._country = origin, mirror, country

    def copy(self, files: Iterable[bytes], *, today: bool) -> list[str]:
        """Copy what channels' files list and the mirror lacks; return the keys that were written.

        Those of ``today``'s versions are read there as well: readers would be refused an altered
        one. Raises VerificationError for a bin that the origin has not, StoreError.
        """
        wanted = {one.sha256: one for data in files for one in _bins_in(data)}
        with Pool(TRANSFERS) as pool:
            done = run_all(pool, lambda one: self._copy(one, today), list(wanted.values()))
        return [key for key in done if key is not None]

    @cached_property
    def _there(self) -> dict[str, int]:
        return {info.key: info.size for info in self._mirror.list(bins_prefix(self._country))}

    def _copy(self, wanted: Bin, today: bool) -> str | None:
        key = bin_key(self._country, wanted.sha256)
        if self._there.get(key) == wanted.length and not today:
            return None
        data = fetch_bin(self._origin, self._country, wanted)
        if self._there.get(key) == wanted.length and self._holds(key, data):
            return None
        self._mirror.overwrite(key, data)
        return key

    def _holds(self, key: str, data: bytes) -> bool:
        try:
            return self._mirror.read(key, limit=len(data))[0] == data
        except (NotFoundError, FormatError):
            return False


def _bins_in(data: bytes) -> list[Bin]:
    signed = parse(Targets, data, where="a channel").signed
    if not lists_bins(signed):
        return []
    bins = bins_of(signed.unrecognized_fields, plain(signed), where="a channel")
    return list(bins.held.values()) if bins else []
