"""Check a release on a hub that is declared as a mirror: does it give what its manifest names?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.result import Result
from pe_dvc.store.port import head_if_there
from pe_dvc.usecases.mirror.wanted import Lacking
from pe_dvc.usecases.object_digest import object_digest
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.progress import Reporter, Silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ObjectSource, Progress

    File = tuple[Sha256, tuple[ObjectSource, str]]


@dataclass(frozen=True, kw_only=True)
class HubCheck(Result):
    """What a check of a mirror on a hub found. ``faults`` are files that are missing or altered.

    ``checked`` are the files that its release manifest names. ``quick`` checks ask for each only.
    """

    name: str
    url: str
    checked: int
    checked_bytes: int
    quick: bool
    faults: list[Lacking] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether readers get all that its release manifest names."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**super().to_json(), "ok": self.ok}


def verify_hub(
    files: Mapping[Sha256, tuple[ObjectSource, str]],
    *,
    name: str,
    url: str,
    quick: bool = False,
    reporter: Reporter | None = None,
) -> HubCheck:
    """Check the ``files`` of a release: where each lies, by its sha256. Raises StoreError."""

    wanted = sorted(files.items())
    with Pool(TRANSFERS) as pool:
        sizes = run_all(pool, _size, wanted)
        total, faults = sum(filter(None, sizes)), _missing(wanted, sizes)
        if not quick:
            there = [
                (one, size) for one, size in zip(wanted, sizes, strict=True) if size is not None
            ]
            with (reporter or Silent()).task(f"check {len(there)} files", total) as progress:
                found = run_all(pool, lambda item: _altered(*item, progress), there)
            faults += [fault for fault in found if fault is not None]
    return HubCheck(
        name=name, url=url, checked=len(wanted), checked_bytes=total, quick=quick, faults=faults
    )


def _size(file: File) -> int | None:
    _, (source, path) = file
    info = head_if_there(source, path)
    return None if info is None else info.size


def _missing(wanted: Sequence[File], sizes: Sequence[int | None]) -> list[Lacking]:
    return [
        Lacking(key=path, what=f"sha256:{sha256}", detail=f"is not in {source.url}")
        for (sha256, (source, path)), size in zip(wanted, sizes, strict=True)
        if size is None
    ]


def _altered(file: File, size: int, progress: Progress) -> Lacking | None:
    sha256, (source, path) = file
    try:
        actual = object_digest(source, path, size, progress=progress)
        detail = f"expected sha256:{sha256}, got sha256:{actual}"
    except (NotFoundError, FormatError) as error:
        actual, detail = "", error.message
    return None if actual == sha256 else Lacking(key=path, what=f"sha256:{sha256}", detail=detail)
