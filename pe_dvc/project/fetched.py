"""A file that was fetched, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.result import Result

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.reader import Reader
    from pe_dvc.usecases.read.resolve import Resolved


@dataclass(frozen=True, kw_only=True)
class Fetched(Result):
    """A verified local file: the pinned ``reference`` of its bytes, their sha256 and number.

    ``manifest_verified`` tells whether what the manifest says of them is signed, too, and
    ``not_revoked_as_of`` when it was verified (UTC) that they were not withdrawn, None where that
    cannot be known here.
    """

    path: Path
    reference: str
    sha256: Sha256
    size: int
    manifest_verified: bool
    not_revoked_as_of: datetime | None = None


def get_one(reader: Reader, resolved: Resolved, *, output: Path | None) -> Fetched:
    """Return the file of what was resolved; raises as ``Reader.fetch``."""
    path = reader.fetch(resolved, output=output)
    return Fetched(
        path=path,
        reference=str(resolved.pinned),
        sha256=resolved.sha256,
        size=resolved.payload.size,
        manifest_verified=resolved.manifest_verified,
        not_revoked_as_of=resolved.not_revoked_as_of,
    )
