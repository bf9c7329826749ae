"""A channel must not point readers to what is not in the bucket: ADR 0004.

What this publication has just brought, or seen there, is not asked for again.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import ConflictError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.ancestry import plain
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.pointed_manifest import pointed_manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pe_dvc.documents.pointed_file import PointedFile
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.tuf_api import Targets


class Supply(Protocol):
    """Brings what a pointer points to into the store; tells whether it could."""

    def __call__(self, pointer: Pointer) -> bool:
        """Bring payload, chunk list and manifest. Raises StoreError."""


class PointedObjects:
    """Checks what a channel of ``country`` points to.

    ``known`` are manifests that are there, with what pointers to them may say of the file.

    ``supply`` is asked for what earlier versions point to. What is ``withdrawn`` is not asked for.
    """

    def __init__(
        self,
        store: ReadableStore,
        country: str,
        *,
        known: Mapping[Sha256, PointedFile | None] = MappingProxyType({}),
        supply: Supply | None = None,
        withdrawn: Collection[Sha256] = (),
    ) -> None:
        self._store, self._country, self._known = store, country, known
        self._supply, self._withdrawn = supply, withdrawn

    def check(self, channel: str, signed: Targets) -> None:
        """Raise what ``pointed_manifest`` raises: all of it must be there."""
        where = f"{channel} version {signed.version}"
        asked = self._asked(channel, signed, where)
        with Pool(TRANSFERS) as pool:
            run_all(pool, lambda pointer: self._check(where, pointer), asked)

    def holds(self, channel: str, signed: Targets) -> bool:
        """Tell whether all that an earlier version points to is there, or was brought there."""
        where = f"{channel} version {signed.version}"
        for pointer in self._asked(channel, signed, where):
            try:
                self._check(where, pointer)
            except (ConflictError, VerificationError):
                return False
            except NotFoundError:
                if self._supply is None or not self._supply(pointer):
                    return False
        return True

    def _asked(self, channel: str, signed: Targets, where: str) -> list[Pointer]:
        pointers = pointers_of(plain(signed), country=self._country, channel=channel, where=where)
        return [
            p
            for p in pointers.values()
            if p.sha256 not in self._withdrawn and not self._is_known(p)
        ]

    def _is_known(self, pointer: Pointer) -> bool:
        """Tell whether a pointer's manifest is there, and says of the file what it says."""
        known = self._known
        is_there = pointer.manifest_sha256 in known
        return is_there and pointer.file in (None, known[pointer.manifest_sha256])

    def _check(self, where: str, pointer: Pointer) -> None:
        seen = "Readers see what they saw before."
        pointed_manifest(
            self._store,
            pointer,
            who=f"{where} points to what was never pushed, or is gone: ",
            remedy=f"{seen} Run pe-dvc push where the data is, at a commit whose manifests "
            "describe it; then try again.",
            remedy_of_another=f"{seen} Run pe-dvc manifest adopt {pointer.name}, dvc repro, "
            "commit, and try again.",
        )
