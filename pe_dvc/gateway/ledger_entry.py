"""One read of gated data, as the ledger keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pe_dvc.primitives.errors import FormatError

How = Literal["stream", "presigned", "direct", "statement"]
"""``stream``: through the gateway. ``presigned``: the reader was given a URL of the store, and may
have read by it. ``direct``: from the store, as its own logs say (``pe-dvc audit import``).
``statement``: no read; the reader signed that data were deleted (ADR 0041)."""

STATEMENT: How = "statement"
DESTRUCTION = "destruction"
"""The ``kind`` of an entry of a statement, of whose bytes ``sha256`` is."""

_MOST = 2**53
_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")


@dataclass(frozen=True)
class LedgerRead:
    """Who was given which bytes of what, when, and by which right.

    ``at`` is an aware time. ``kind`` says what the object is: ``manifest``, ``payload``,
    ``sidecar``, ``chunks`` … ``first_byte`` and ``last_byte`` are inclusive; ``last_byte`` None is
    the whole object from ``first_byte``, of ``length`` bytes where that is known. ``columns`` are
    those that the bytes hold, where the manifest tells. ``grant_id`` is empty for a read that no
    grant allowed. ``raw_sources`` names the raw inputs that the data are made from. Of all these
    ``person``, ``client_address`` and ``token_id`` are personal data, which the ledger keeps
    outside of what it can never change.
    """

    at: datetime
    country: str
    dataset: str
    version: str | None
    object_key: str
    sha256: str | None
    kind: str
    first_byte: int
    last_byte: int | None
    columns: tuple[str, ...]
    person: str
    project: str
    licence: str
    grant_id: str
    how: How
    client_address: str
    token_id: str | None
    raw_sources: tuple[str, ...] = ()
    length: int | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise FormatError("the time of a read has no time zone", where="at")
        object.__setattr__(self, "at", self.at.astimezone(UTC))
        for name in ("first_byte", "last_byte", "length"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < _MOST:
                raise FormatError("bytes are counted from 0, up to 2**53", where=name)
        for name, value in vars(self).items():
            _check_text(name, value)

    @property
    def is_read(self) -> bool:
        """Whether data were given; of a statement of destruction none were."""
        return self.kind != DESTRUCTION

    @property
    def byte_count(self) -> int | None:
        """How many bytes were given, None where the length of the object is not known."""
        end = self.last_byte + 1 if self.last_byte is not None else self.length
        return None if end is None else max(end - self.first_byte, 0)


def _check_text(name: str, value: object) -> None:
    """Refuse what a database or canonical JSON has no form for."""
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and _NO_TEXT.search(text):
            raise FormatError("a text of a read has a NUL, or half of a character", where=name)
