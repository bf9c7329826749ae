"""The pointers of a channel in bins, as a reader wants them: one dataset's needs one bin.

What lists the bins was verified by the channel's signature; a bin is verified by the sha256 that it
lists. So a bin that was read once is read from this machine, for as long as it is listed. ADR 0033.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.bins import read_bin
from pe_dvc.documents.keys import bin_key
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import unless_read_only, writing_to
from pe_dvc.store.offline import REMEDY
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.bin_files import READS_AT_ONCE, fetch_bin
from pe_dvc.trust.roles import TAMPERED

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.bins import Bin, Bins, Targets
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.store.port import ReadableStore

_FOLDER = "bins"
_MOST_FILES = 4096


class BinReader:
    """Reads bins of a country's channels from ``store``, and keeps them below ``state_dir``."""

    def __init__(
        self, store: ReadableStore, country: str, state_dir: Path, *, offline: bool
    ) -> None:
        self._store, self._country, self._offline = store, country, offline
        self._state = ConfinedTree(state_dir, modes=PRIVATE)
        self._directory = state_dir / _FOLDER
        self._opened: dict[Bin, dict[str, Pointer]] = {}

    def lookup(self, channel: str, name: str, bins: Bins) -> Pointer | None:
        """Return a dataset's pointer, None if the channel does not have that dataset.

        Raises VerificationError, StoreError, and NotFoundError offline for a bin that was never
        read here.
        """
        number, listed = bins.of(f"{self._country}/{channel}/{name}")
        if listed is None:
            return None
        if listed not in self._opened:
            targets = self._targets(number, listed, bins.bits)
            self._opened[listed] = self._pointers(channel, targets)
            self._prune()
        return self._opened[listed].get(name)

    def pointers(self, channel: str, bins: Bins) -> list[Pointer]:
        """Return every pointer of a channel, by name. Raises as ``lookup`` does."""
        found: Targets = {}
        with Pool(READS_AT_ONCE) as pool:
            for targets in pool.map(
                lambda item: self._targets(item[0], item[1], bins.bits), bins.held.items()
            ):
                found |= targets
        self._prune()
        return list(self._pointers(channel, found).values())

    def _pointers(self, channel: str, targets: Targets) -> dict[str, Pointer]:
        where = f"{channel} in {self._store.url}"
        try:
            return pointers_of(targets, country=self._country, channel=channel, where=where)
        except FormatError as error:
            raise VerificationError(error.message, remedy=TAMPERED) from error

    def _targets(self, number: int, listed: Bin, bits: int) -> Targets:
        where = f"{self._store.url}/{bin_key(self._country, listed.sha256)}"
        try:
            return read_bin(self._data(listed), number, bits, where=where)
        except FormatError as error:
            raise VerificationError(error.message, remedy=TAMPERED) from error

    def _data(self, listed: Bin) -> bytes:
        name = f"{listed.sha256}.json"
        try:
            kept = read_document(self._directory / name)
        except (OSError, FormatError):
            kept = b""
        if sha256_bytes(kept) == listed.sha256:
            return kept
        if self._offline:
            raise NotFoundError(
                f"the part of a channel of {self._country} that this is in was never read here",
                remedy=REMEDY,
            )
        data = fetch_bin(self._store, self._country, listed)
        with unless_read_only(), writing_to(self._directory):
            self._state.write(f"{_FOLDER}/{name}", data)
        return data

    def _prune(self) -> None:
        """Remove the oldest, once there are many: most are of versions that are no more."""
        files = self._state.entries(_FOLDER)
        if len(files) > _MOST_FILES:
            oldest = sorted(files, key=lambda file: file[1].st_mtime)[: len(files) // 2]
            for name, _ in oldest:
                with unless_read_only(), suppress(FileNotFoundError):  # another process was first
                    self._state.unlink(f"{_FOLDER}/{name}")
