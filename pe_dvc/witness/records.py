"""What a witness signed last of each log: a directory of files, written before anyone has it.

``HASH/checkpoint`` is the note with the log's signature and the witness's own, HASH being the
sha256 of the log's origin: what C2SP tlog-witness has a witness show to monitors.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.locks import Wait, exclusive
from pe_dvc.tlog.witness import REQUEST_LIMIT, read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.tlog.checkpoint import Checkpoint
    from pe_dvc.tlog.note import Note

LOCK_SECONDS = 10.0
"""How long a request waits for others about the same log."""


MOST_EVIDENCE = 16
"""Notes of each log and kind that are kept though they were refused."""
_REFUSED, _FORKED = "refused-", "forked-"


def origin_hash(origin: str) -> str:
    """Return what stands for a log in paths."""
    return hashlib.sha256(origin.encode()).hexdigest()


class Records:
    """The directory ``root``, which only witnesses of one key write to."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._files = ConfinedTree(root)

    def read(self, origin: str) -> bytes | None:
        """Return the note that was signed last, None if there is none."""
        try:
            return self._files.read(_path(origin), limit=REQUEST_LIMIT)
        except FileNotFoundError:
            return None

    def last(self, origin: str) -> Checkpoint | None:
        """Return the checkpoint that was signed last.

        Raises FormatError for a damaged file: a witness that starts again could sign two histories.
        """
        data = self.read(origin)
        if data is None:
            return None
        where = str(self._files.root / _path(origin))
        _, found = read_checkpoint(data, where=where)
        if found.origin != origin:
            raise FormatError(f"expected a checkpoint of {origin}, got {found.origin}", where=where)
        return found

    def keep(self, origin: str, note: Note) -> None:
        """Write the note, so that it is there after a power cut."""
        path = _path(origin)
        with writing_to(self._files.root / path):
            self._files.write(path, str(note).encode(), durable=True)
            # The name as well as the bytes, and the folder's own name the first time.
            for folder in (self._files.root / path).parent, self._files.root:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def keep_evidence(self, origin: str, note: Note, *, is_proof: bool = False) -> None:
        """Keep a note that the log signed, and that was not shown to follow what was signed here.

        With ``is_proof`` the two contradict each other: they are of one size. Others anyone can
        send, with a wrong proof of an honest note, so they take no room of these.
        """
        folder, kind = origin_hash(origin), _FORKED if is_proof else _REFUSED
        data = str(note).encode()
        kept = [name for name, _ in self._files.entries(folder) if name.startswith(kind)]
        if len(kept) < MOST_EVIDENCE:
            name = f"{kind}{hashlib.sha256(data).hexdigest()[:16]}"
            self._files.write(f"{folder}/{name}", data, durable=True)

    @contextmanager
    def only_one(self, origin: str) -> Iterator[None]:
        """Let no one else read and write the record of this log. Raises StoreUnavailableError."""
        wait = Wait(LOCK_SECONDS, doing="cosigning the same log", remedy="Ask again in a moment.")
        with exclusive(self._files, f"{origin_hash(origin)}.lock", wait):
            yield


def _path(origin: str) -> str:
    return f"{origin_hash(origin)}/checkpoint"
