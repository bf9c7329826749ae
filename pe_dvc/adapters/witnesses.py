"""Witnesses as a publisher reaches them over HTTP: asked, or read where they keep what they signed.

C2SP tlog-witness. No redirects; bounded in bytes and, all in all, in time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.adapters.bounded_http import Answer, TooLongError, UnreachableError, ask
from pe_dvc.primitives.errors import ConflictError, StoreUnavailableError
from pe_dvc.tlog.checkpoint import parse_checkpoint, read_number
from pe_dvc.tlog.note import VerifierKey, parse_note
from pe_dvc.tlog.witness import ANSWER_LIMIT, SIZE_TYPE, AddCheckpoint, parse_cosignatures

if TYPE_CHECKING:
    from pe_dvc.tlog.note import Note, Signature

Prove = Callable[[int], list[bytes]]
"""``prove(size)`` proves that a log begins with its first ``size`` entries."""

_ATTEMPTS = 3
OK, CONFLICT = 200, 409


@dataclass(frozen=True)
class WitnessServer:
    """A witness at ``url`` whose cosignatures are by ``key``; it has ``seconds`` in all."""

    key: VerifierKey
    url: str
    seconds: float

    def cosignatures(self, note: Note, before: int, prove: Prove) -> list[Signature]:
        """Return what the witness answers of a checkpoint; nothing of it is verified.

        ``before`` is which size it has likely signed last. Raises StoreUnavailableError for one
        that is away or refuses, ConflictError for one that has signed a later state, FormatError.
        """
        deadline = time.monotonic() + self.seconds
        size = parse_checkpoint(note.text, where="the checkpoint").size
        where = f"{self.url}/add-checkpoint"
        for _ in range(_ATTEMPTS):
            asked = AddCheckpoint(before, tuple(prove(before)), note)
            answer = _ask("POST", where, deadline, str(asked).encode())
            if answer.status == OK:
                return parse_cosignatures(answer.body, where=where)
            if answer.status != CONFLICT or answer.kind.partition(";")[0] != SIZE_TYPE:
                said = answer.body[:200].decode(errors="replace").strip()
                raise _away(where, f"it answered {answer.status}: {said}")
            before = read_number(answer.body.decode(errors="replace").rstrip("\n"), where=where)
            if before > size:
                raise ConflictError(f"it has signed {before} entries already, and these are {size}")
        raise _away(where, "others have it sign at the same time")


@dataclass(frozen=True)
class WitnessFiles:
    """A witness without a server, whose directory of signatures is at the address ``url``."""

    key: VerifierKey
    url: str
    seconds: float

    def cosignatures(self, note: Note, before: int, prove: Prove) -> list[Signature]:
        """Return what the witness has signed, if it is this checkpoint. Raises as a server's."""
        origin, _ = note.text.split("\n", 1)
        where = f"{self.url}/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
        answer = _ask("GET", where, time.monotonic() + self.seconds)
        if answer.status != OK:
            raise _away(where, f"it answered {answer.status}")
        found = parse_note(answer.body, where=where)
        if found.text != note.text:
            size = parse_checkpoint(found.text, where=where).size
            raise _away(where, f"it has signed {size} entries, and not this state yet")
        return found.by(self.key)


def _ask(method: str, url: str, deadline: float, body: bytes | None = None) -> Answer:
    left = deadline - time.monotonic()
    try:
        return ask(method, url, seconds=left, limit=ANSWER_LIMIT, body=body)
    except TimeoutError:
        raise _away(url, "it took too long") from None
    except TooLongError:
        raise _away(url, "its answer is too long") from None
    except UnreachableError as error:
        raise _away(url, f"it cannot be reached: {error}") from None


def _away(url: str, why: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"{why} ({url})", operation="cosign", key=url)
