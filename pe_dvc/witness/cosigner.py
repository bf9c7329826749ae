"""What a witness signs, and what it refuses: C2SP tlog-witness, without its HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import SignatureError, VerificationError
from pe_dvc.tlog.cosignature import cosign
from pe_dvc.tlog.note import Note
from pe_dvc.tlog.witness import AddCheckpoint, check_growth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pe_dvc.tlog.note import Sign, Signature, VerifierKey
    from pe_dvc.witness.records import Records

BAD_REQUEST, FORBIDDEN, UNKNOWN, CONFLICT, UNPROCESSABLE = 400, 403, 404, 409, 422


class _RefusedError(VerificationError):
    """A checkpoint that is not cosigned. ``status`` is HTTP's; ``size`` what is known, of a 409."""

    def __init__(self, status: int, message: str, *, size: int | None = None) -> None:
        super().__init__(message)
        self.status, self.size = status, size


def refusal(error: Exception) -> tuple[int, int | None] | None:
    """Return HTTP's status of a checkpoint that was refused, and the size that a 409 names.

    None for an error that is no refusal.
    """
    return (error.status, error.size) if isinstance(error, _RefusedError) else None


class Witness:
    """Cosigns checkpoints of ``logs``: the keys of each, by its origin.

    ``key`` is the witness's own, ``sign`` signs by it, ``now`` returns seconds since 1970. Safe for
    threads, and for several processes on one directory of records.
    """

    def __init__(
        self,
        key: VerifierKey,
        sign: Sign,
        logs: Mapping[str, Sequence[VerifierKey]],
        records: Records,
        now: Callable[[], float],
    ) -> None:
        self.key, self.logs, self.records = key, logs, records
        self._sign, self._now = sign, now

    def by_its_log(self, note: Note, origin: str) -> list[Signature]:
        """Return the signatures of a log on its checkpoint. Raises VerificationError."""
        keys = self.logs.get(origin)
        if keys is None:
            raise _RefusedError(UNKNOWN, f"the log {origin[:100]} is not witnessed here")
        signatures: list[Signature] = []
        try:
            for key in keys:
                if claimed := note.by(key):
                    note.verify(key)
                    signatures += claimed
        except SignatureError as error:
            raise _RefusedError(FORBIDDEN, error.message) from error
        if not signatures:
            raise _RefusedError(FORBIDDEN, f"no key of the log {origin} signed the checkpoint")
        return list(dict.fromkeys(signatures))

    def add(self, request: AddCheckpoint) -> Signature:
        """Return a cosignature, once what it says is on disk.

        Raises VerificationError, and what reading and writing the records raises.
        """
        found = request.checkpoint
        signatures = self.by_its_log(request.note, found.origin)
        if request.old > found.size:
            raise _RefusedError(
                BAD_REQUEST, f"a tree of {found.size} entries cannot begin with {request.old}"
            )
        plain = Note(request.note.text, tuple(signatures))
        with self.records.only_one(found.origin):
            known = self.records.last(found.origin)
            size = known.size if known else 0
            if request.old != size:
                raise _RefusedError(CONFLICT, f"the size that was signed is {size}", size=size)
            try:
                check_growth(known, found, request.hashes)
            except VerificationError as error:
                if known is not None:
                    is_proof = known.size == found.size
                    self.records.keep_evidence(found.origin, plain, is_proof=is_proof)
                raise _RefusedError(UNPROCESSABLE, error.message) from error
            cosigned = cosign(plain, self.key, self._sign, int(self._now()))
            self.records.keep(found.origin, cosigned)
        return cosigned.signatures[-1]
