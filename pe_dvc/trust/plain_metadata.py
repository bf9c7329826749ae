"""Signed metadata of the plainest form, verified with ``cryptography`` alone.

To load python-tuf takes longer than all the rest of reading what is in the cache. This module
accepts less than python-tuf does, and never more: whatever is not valid, or not of the form that
pe_dvc itself writes, is ``Unusual``, and python-tuf is to judge it. Sections are those of the TUF
specification, https://theupdateframework.github.io/specification/v1.0.33/.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from typing import Any, NamedTuple

from pe_dvc.primitives.canonical import unescaped_json
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.trust.country_and_role import check_country_and_role
from pe_dvc.trust.roles import DELEGATED, max_length

_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Unusual(Exception):  # noqa: N818 - it may be in order, by python-tuf's lights
    """It is not valid, or not of the plainest form."""


class PlainMetadata(NamedTuple):
    """Metadata whose signatures are not verified yet: what is signed, and by which keys."""

    fields: dict[str, Any]
    payload: bytes
    """What the signatures are of."""
    signatures: dict[str, bytes]

    @property
    def version(self) -> int:
        """The version that it says it is."""
        version: int = self.fields["version"]
        return version

    @property
    def expires(self) -> datetime.datetime:
        """When it expires (UTC). Raises Unusual for a time in another form."""
        moment = datetime.datetime.fromisoformat(self.fields["expires"])
        if moment.strftime(_TIME) != self.fields["expires"]:
            raise Unusual
        return moment


def read_plain(data: bytes, country: str, role: str) -> PlainMetadata:
    """Read a role's metadata; nothing is verified. Raises Unusual."""
    if len(data) > max_length(role):
        raise Unusual
    try:
        document = read_json(data, what="TUF metadata", fractions=False)
        signed, signatures = document["signed"], document["signatures"]
        check_country_and_role(signed, country, role, where=role)
        found = {one["keyid"]: bytes.fromhex(one["sig"]) for one in signatures}
        plain = PlainMetadata(signed, _canonical(signed), found)
        is_usual = (
            len(found) == len(signatures)
            and signed["_type"] == ("targets" if role in DELEGATED else role)
            and re.fullmatch(r"1\.0\.[0-9]{1,3}", signed["spec_version"]) is not None
            and type(signed["version"]) is int
            and signed["version"] > 0
            and plain.expires is not None
        )
    except (FormatError, VerificationError, ValueError, TypeError, KeyError, AttributeError):
        raise Unusual from None
    if not is_usual:
        raise Unusual
    return plain


def _canonical(signed: dict[str, Any]) -> bytes:
    """Return OLPC's canonical JSON, which TUF signs (4.2)."""
    data = unescaped_json(signed)
    if data is None:
        raise Unusual
    return data


def check_signed(metadata: PlainMetadata, keys: Any, role: Any) -> None:
    """Raise Unusual unless a threshold of a role's keys signed it (4.2.1, 5.3.4, 5.4.2 and so on).

    ``keys`` and ``role`` are as the metadata that delegates has them, which is verified.
    """
    try:
        threshold, keyids = role["threshold"], set(role["keyids"])
        signers = {
            _signer(keys[keyid], metadata.signatures[keyid], metadata.payload)
            for keyid in keyids & metadata.signatures.keys() & keys.keys()
        }
    except (KeyError, TypeError, AttributeError):
        raise Unusual from None
    if type(threshold) is not int or threshold < 1 or len(signers - {None}) < threshold:
        raise Unusual


def _signer(key: dict[str, Any], signature: bytes, payload: bytes) -> bytes | None:
    """Return the public key, None if the signature is not valid, or of a kind unknown here.

    It is not named: one key under two names is one signer.
    """
    if (key["keytype"], key["scheme"]) != ("ed25519", "ed25519"):
        return None
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = bytes.fromhex(key["keyval"]["public"])
        Ed25519PublicKey.from_public_bytes(public).verify(signature, payload)
    except (InvalidSignature, ValueError):
        return None
    return public


def check_listed(data: bytes, listed: Any) -> None:
    """Raise Unusual unless bytes are what the metadata that lists them says (5.5.2, 5.6.2)."""
    digest = hashlib.sha256(data).hexdigest()
    usual = {"hashes": {"sha256": digest}, "length": len(data)}
    if not isinstance(listed, dict) or {**listed, **usual} != listed:
        raise Unusual
