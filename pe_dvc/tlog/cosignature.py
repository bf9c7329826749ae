"""Cosignatures: a witness says that it saw a log grow to a checkpoint, and when.

C2SP tlog-cosignature (https://c2sp.org/tlog-cosignature), the type with Ed25519. A witness signs
only what is consistent with all that it signed of the log before.
"""

from __future__ import annotations

from pe_dvc.primitives.errors import FormatError, SignatureError
from pe_dvc.tlog.note import COSIGNATURE, ED25519_BYTES, Note, Sign, Signature, VerifierKey

_TIME_BYTES, _LATEST = 8, 2**63 - 1


def cosign(note: Note, key: VerifierKey, sign: Sign, time: int) -> Note:
    """Return a checkpoint's note with a cosignature by ``key``; ``time`` in seconds since 1970."""
    if key.kind != COSIGNATURE or not 0 <= time <= _LATEST:
        raise FormatError(f"{key.name} at {time} makes no cosignature: its key or time is wrong")
    data = time.to_bytes(_TIME_BYTES, "big") + sign(_message(note, time))
    return note.adding(Signature(key.name, key.key_id, data))


def verify_cosignature(note: Note, key: VerifierKey) -> int:
    """Return when ``key`` cosigned a checkpoint's note last, in seconds since 1970.

    Raises SignatureError if it has not, or if one that claims to be its own does not verify.
    """
    claimed = note.by(key)
    if not claimed or key.kind != COSIGNATURE:
        raise SignatureError(f"the checkpoint is not cosigned by {key.name}")
    return max(_time(note, key, signature.data) for signature in claimed)


def _time(note: Note, key: VerifierKey, data: bytes) -> int:
    time = int.from_bytes(data[:_TIME_BYTES], "big")
    if len(data) != _TIME_BYTES + ED25519_BYTES or not 0 <= time <= _LATEST:
        raise SignatureError(f"a cosignature by {key.name} does not verify")
    key.check(data[_TIME_BYTES:], _message(note, time))
    return time


def _message(note: Note, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{note.text}".encode()
