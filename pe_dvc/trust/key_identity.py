"""Which public key a key of the metadata is, under whatever id and in whatever writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.trust.tuf_api import Key


def pem_of(key: Key) -> str:
    """Return a public key in PEM (SubjectPublicKeyInfo), as tools of others read it.

    Raises FormatError for a key of another kind than TUF signs with.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_public_key,
    )

    public = str(key.keyval.get("public"))
    try:
        if key.keytype == "ed25519":  # TUF has it in hex
            raw = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
            return raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        loaded = load_pem_public_key(public.encode())
        return loaded.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        fault = f"key {key.keyid} of kind {key.keytype} cannot be written as PEM"
        raise FormatError(fault, remedy="Replace it: see docs/runbook-keys.md.") from None


def identity_of(key: Key) -> str:
    """Return what two keys have in common if they are one, whatever their ids are."""
    try:
        return pem_of(key)
    except FormatError:  # of a kind unknown here, whose signatures count for nothing
        return f"{key.keytype} {key.keyval.get('public')}"


def distinct_keys(keys: Mapping[str, Key]) -> dict[str, Key]:
    """Return keys by id, each key once: of one under two ids the first."""
    if len(keys) < 2:  # as of most roles; to tell two apart takes time
        return dict(keys)
    ids: dict[str, str] = {}
    for keyid, key in keys.items():
        ids.setdefault(identity_of(key), keyid)
    return {keyid: keys[keyid] for keyid in ids.values()}
