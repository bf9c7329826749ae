"""A bundle of signed in-toto statements: JSON Lines of DSSE envelopes, ``.intoto.jsonl``.

Reads and writes; signatures are made and checked by ``pe_dvc.trust.envelopes``.
https://github.com/in-toto/attestation/blob/main/spec/v1/bundle.md and
https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.merge_conflict import conflict_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md"""

_REMEDY = "It is not as pe_dvc writes it: restore it from git."


@dataclass(frozen=True, kw_only=True)
class SignedStatement:
    """A statement's bytes as they are signed, and the signatures (hex) by key id."""

    payload: bytes
    signatures: Mapping[str, str] = field(default_factory=dict)


def write_statements(statements: Iterable[SignedStatement]) -> bytes:
    """Return the bundle; the same statements and signatures give the same bytes."""
    return b"".join(_line(statement) for statement in statements)


def read_statements(data: bytes, *, where: str) -> list[SignedStatement]:
    """Return what a bundle holds, in its order; no signature is checked.

    Raises FormatError for anything that is no such bundle: a payload of another type, or both
    sides of a merge conflict, among it.
    """
    if refusal := conflict_error(data, where=where):
        raise refusal
    lines = data.splitlines()
    return [_read(line, f"{where}, line {number}") for number, line in enumerate(lines, 1)]


def _line(statement: SignedStatement) -> bytes:
    envelope = {
        "payload": base64.b64encode(statement.payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": keyid, "sig": base64.b64encode(bytes.fromhex(sig)).decode()}
            for keyid, sig in sorted(statement.signatures.items())
        ],
    }
    return json.dumps(envelope, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes, where: str) -> SignedStatement:
    envelope = read_json(line, what="a DSSE envelope", where=where, remedy=_REMEDY)
    if not isinstance(envelope, dict):
        raise _fault("an object", envelope, where)
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise _fault(f"the payloadType {PAYLOAD_TYPE}", envelope.get("payloadType"), where)
    signatures: dict[str, str] = {}
    given = envelope.get("signatures")
    for one in given if isinstance(given, list) else [given]:
        keyid = one.get("keyid") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(keyid, str) or keyid in signatures:
            raise _fault("signatures, each with a keyid of its own", one, where)
        signatures[keyid] = _base64(one.get("sig"), where).hex()
    return SignedStatement(payload=_base64(envelope.get("payload"), where), signatures=signatures)


def _base64(value: Any, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise _fault("base64", value, where) from None


def _fault(expected: str, got: Any, where: str) -> FormatError:
    shown = repr(got)[:80]
    return FormatError(f"expected {expected}, got {shown}", where=where, remedy=_REMEDY)
