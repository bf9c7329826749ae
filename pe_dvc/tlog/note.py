"""Signed notes: a text, and below it one line for each signature.

C2SP signed-note (https://c2sp.org/signed-note). Signatures are Ed25519, over the text or, of a
cosignature (``pe_dvc.tlog.cosignature``), over a message that the text is part of.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pe_dvc.primitives.errors import FormatError, SignatureError

ED25519, COSIGNATURE = 0x01, 0x04
"""Types of signatures: of a note's text, and timestamped ones of checkpoints."""

KEY_ID_BYTES, PUBLIC_KEY_BYTES, ED25519_BYTES = 4, 32, 64
LONGEST, MOST_SIGNATURES = 1024 * 1024, 64
"""Bytes of the longest note that is read, and how many signatures it may have."""

_DASH = "\u2014 "
Sign = Callable[[bytes], bytes]
"""Signs a message by Ed25519."""


class Signature(NamedTuple):
    """One signature line. ``data`` is what follows the key's id, of no type that is known yet."""

    name: str
    key_id: bytes
    data: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64_of(self.key_id + self.data)}\n"


@dataclass(frozen=True)
class VerifierKey:
    """A public key and its name, for signatures of one type."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.kind not in (ED25519, COSIGNATURE) or len(self.public) != PUBLIC_KEY_BYTES:
            raise FormatError(
                f"the key {self.name} is not an Ed25519 key of type {ED25519} or {COSIGNATURE}"
            )

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell apart keys of the same name."""
        text = f"{self.name}\n".encode() + bytes([self.kind]) + self.public
        return hashlib.sha256(text).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64_of(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``NAME+ID+KEY``. Raises FormatError."""
        name, key_id, data = (*text.split("+", 2), "", "")[:3]
        key = from_base64(data, where=f"the key {name}")
        found = cls(name, key[1:], key[0] if key else 0)
        if found.key_id.hex() != key_id:
            raise FormatError(f"the key {name} has id {found.key_id.hex()}, not {key_id}")
        return found

    def check(self, signature: bytes, message: bytes) -> None:
        """Raise SignatureError unless this key made ``signature`` of ``message``."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(f"a signature by {self.name} does not verify") from error


@dataclass(frozen=True)
class Note:
    """A text that ends with a newline, and its signatures, of which none is verified yet."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.endswith("\n") or any(c < " " and c != "\n" for c in self.text):
            raise FormatError("a note ends with a newline and has no other control characters")

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(str(signature) for signature in self.signatures)}"

    def signed_by(self, key: VerifierKey, sign: Sign) -> Note:
        """Return the note with a signature of its text by ``key`` at its end."""
        if key.kind != ED25519:
            raise FormatError(f"the key {key.name} is for cosignatures")
        return self.adding(Signature(key.name, key.key_id, sign(self.text.encode())))

    def adding(self, signature: Signature) -> Note:
        """Return the note with one signature more."""
        return Note(self.text, (*self.signatures, signature))

    def by(self, key: VerifierKey) -> list[Signature]:
        """Return the signatures that claim to be by ``key``; those by others are ignored."""
        return [one for one in self.signatures if (one.name, one.key_id) == (key.name, key.key_id)]

    def verify(self, key: VerifierKey) -> None:
        """Raise SignatureError unless ``key`` signed the text, and nothing else by its name."""
        claimed = self.by(key)
        if not claimed or key.kind != ED25519:
            raise SignatureError(f"the note is not signed by {key.name}")
        for signature in claimed:
            key.check(signature.data, self.text.encode())


def parse_note(data: bytes, *, where: str) -> Note:
    """Read a signed note. Raises FormatError."""
    try:
        text, blank, lines = data[: LONGEST + 1].decode().rpartition("\n\n")
    except UnicodeDecodeError as error:
        raise FormatError("it is not a signed note: it is not UTF-8", where=where) from error
    signatures = lines.removesuffix("\n").split("\n")
    is_note = blank and lines.endswith("\n") and len(signatures) <= MOST_SIGNATURES
    if len(data) > LONGEST or not is_note:
        raise FormatError(
            "it is not a signed note: a text, an empty line, and lines of signatures", where=where
        )
    return Note(f"{text}\n", tuple(parse_signature(line, where=where) for line in signatures))


def parse_signature(line: str, *, where: str) -> Signature:
    """Read one signature line, without its newline. Raises FormatError."""
    name, _, data = line.removeprefix(_DASH).partition(" ")
    found = from_base64(data, where=where)
    if not line.startswith(_DASH) or len(found) <= KEY_ID_BYTES:
        raise FormatError(f"{line[:100]!r} is not a signature line of a note", where=where)
    check_key_name(name, where=where)
    return Signature(name, found[:KEY_ID_BYTES], found[KEY_ID_BYTES:])


def check_key_name(name: str, *, where: str | None = None) -> None:
    """Raise FormatError for what is no name of a key."""
    if not name or "+" in name or not name.isprintable() or any(c.isspace() for c in name):
        raise FormatError(f"{name[:100]!r} is not the name of a key: no spaces, no +", where=where)


def base64_of(data: bytes) -> str:
    """Return standard Base 64 (RFC 4648, section 4)."""
    return base64.b64encode(data).decode()


def from_base64(text: str, *, where: str) -> bytes:
    """Read standard Base 64, in its one form only. Raises FormatError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{text[:100]!r} is not Base 64", where=where) from error
    if base64_of(data) != text:
        raise FormatError(f"{text[:100]!r} is not Base 64 in its usual form", where=where)
    return data
