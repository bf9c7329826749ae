"""What was last verified to be withdrawn, noted so that a pin need not verify it each time.

Verifying a country's metadata takes longer than all the rest of reading a pin that is in the cache.
So every look at the role ``revoked`` leaves a note, which is believed for a moment. It lies in the
state directory, where only its user writes, and belongs to a bucket and a trusted root.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import unless_read_only
from pe_dvc.store.permissions import PRIVATE, check_private
from pe_dvc.trust.bucket_identity import bucket_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Noted(NamedTuple):
    """The sha256 of all withdrawn artifacts, as verified at ``as_of`` (UTC)."""

    revoked: frozenset[str]
    as_of: datetime


class RevokedNote:
    """The note of one country in one bucket, by one trusted root."""

    def __init__(self, state_dir: Path, country: str, url: str, root: bytes) -> None:
        check_private(state_dir)
        check_private(state_dir / "revoked")
        self._tree = ConfinedTree(state_dir, modes=PRIVATE)
        self._path = f"revoked/{country}-{bucket_id(url)}-{sha256_bytes(root)[:16]}.json"

    def read(self, *, max_age: float) -> Noted | None:
        """Return what was noted in the last ``max_age`` seconds, None if nothing was."""
        try:
            verified = self._tree.status(self._path).st_mtime
            if not 0 <= time.time() - verified < max_age:
                return None
            document = read_json(self._tree.read(self._path), what="a note of what is revoked")
            if datetime.fromisoformat(document["expires"]) < datetime.now(UTC):
                return None
            return Noted(frozenset(document["revoked"]), datetime.fromtimestamp(verified, UTC))
        except (FileNotFoundError, FormatError, KeyError, TypeError, ValueError):
            return None  # it was never looked, or a power cut tore the note

    def write(self, revoked: Iterable[str], expires: datetime) -> None:
        """Note what was verified just now to be withdrawn, and until when (UTC) that counts."""
        data = readable_json({"expires": expires.isoformat(), "revoked": sorted(revoked)})
        with unless_read_only():
            try:
                same = self._tree.read(self._path) == data
            except FileNotFoundError:
                same = False
            if not same:
                self._tree.write(self._path, data)
            else:
                os.utime(self._tree.root / self._path)
