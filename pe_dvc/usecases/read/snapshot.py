"""What a reader takes along to other processes and machines, beside what it resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.usecases.revoked import Known


@dataclass(frozen=True)
class Snapshot:
    """A reader of one country's data, as plain values: no credentials, no paths but of stores.

    ``stores`` are addresses. ``root`` is the trusted root, None without one, and ``known`` what was
    verified last to be withdrawn, None if that was not asked. ``seen`` is the publication that it
    read (``trust.seen``), below which no reader that goes on for it goes; None if it read none.
    """

    country: str
    stores: tuple[str, ...]
    offline: bool
    root: bytes | None = field(repr=False)
    known: Known | None = field(repr=False)
    seen: bytes | None = field(default=None, repr=False)
