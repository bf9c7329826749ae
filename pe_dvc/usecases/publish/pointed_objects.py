"""A channel must not point readers to what is not in the bucket: ADR 0004.

A manifest is written after its payload, so that where it is, the payload is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.keys import MANIFEST_LIMIT, manifest_key
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.trust.ancestry import plain
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Collection

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.tuf_api import Targets


class Supply(Protocol):
    """Brings what a pointer points to into the store; tells whether it could."""

    def __call__(self, pointer: Pointer) -> bool:
        """Bring payload, chunk list and manifest. Raises StoreError."""


class PointedObjects:
    """Checks what a channel of ``country`` points to; ``known`` are manifests that are there.

    ``supply`` is asked for what earlier versions point to.
    """

    def __init__(
        self,
        store: ReadableStore,
        country: str,
        *,
        known: Collection[Sha256] = (),
        supply: Supply | None = None,
    ) -> None:
        self._store, self._country, self._known = store, country, known
        self._supply = supply

    def check(self, channel: str, signed: Targets) -> None:
        """Raise NotFoundError for a manifest that lacks, ConflictError where there is another."""
        where = f"{channel} version {signed.version}"
        asked = self._asked(channel, signed, where)
        with ThreadPoolExecutor(TRANSFERS) as pool:
            run_all(pool, lambda pointer: self._check(where, pointer), asked)

    def holds(self, channel: str, signed: Targets) -> bool:
        """Tell whether all that an earlier version points to is there, or was brought there."""
        where = f"{channel} version {signed.version}"
        for pointer in self._asked(channel, signed, where):
            try:
                self._check(where, pointer)
            except ConflictError:
                return False
            except NotFoundError:
                if self._supply is None or not self._supply(pointer):
                    return False
        return True

    def _asked(self, channel: str, signed: Targets, where: str) -> list[Pointer]:
        pointers = pointers_of(plain(signed), country=self._country, channel=channel, where=where)
        return [p for p in pointers.values() if p.manifest_sha256 not in self._known]

    def _check(self, where: str, pointer: Pointer) -> None:
        key = manifest_key(self._country, pointer.sha256)
        try:
            data, _ = self._store.read(key, limit=MANIFEST_LIMIT)
        except NotFoundError:
            raise NotFoundError(
                f"{where} points to {pointer.name}, sha256:{pointer.sha256}, which was never "
                f"pushed to {self._store.url}",
                remedy="Readers see what they saw before. Run pe-dvc push where the data is, at "
                "a commit whose manifests describe it; then try again.",
            ) from None
        if sha256_bytes(data) != pointer.manifest_sha256:
            raise ConflictError(
                f"{where} signs another manifest of {pointer.name} than {self._store.url}/{key}",
                remedy="Readers see what they saw before. Run pe-dvc manifest adopt "
                f"{pointer.name}, dvc repro, commit, and try again.",
            )
