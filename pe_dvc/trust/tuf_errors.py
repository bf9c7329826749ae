"""What python-tuf's client refuses, said in pe_dvc's families: role, version, date, whose job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    RollbackError,
    SignatureError,
    StoreError,
    VerificationError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.printable import brief
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.roles import ROLE_OWNERS, TAMPERED
from pe_dvc.trust.tuf_api import (
    BadVersionNumberError,
    DeserializationError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    Metadata,
    RepositoryError,
    UnsignedMetadataError,
)
from pe_dvc.trust.verify import expired

if TYPE_CHECKING:
    from pathlib import Path

TUF_FAILURES = (RepositoryError, DownloadError, ValueError, TypeError, KeyError, RuntimeError)
"""What refreshing can raise: tuf's own errors, and what it lets slip on odd metadata."""

_EXPIRED = re.compile(r"(?:Final |New )?(\w+?)(?:\.json)? is expired")

_FROZEN = (
    "Either its publisher has not run for that long, or this is an attack with old metadata: "
    "tell the maintainers of the data."
)

_NO_SUCCESSOR = (
    "Nothing of it was believed. TUF has readers stop at a next root that does not follow from the "
    "one before: tell the maintainers, whose next pe-dvc push removes {object}. If it is the true "
    "one, the root that you trust is not of this bucket: compare what pe-dvc trust list shows with "
    "what a maintainer tells you."
)
"""Who can write to the bucket can deny it, by this as by removing the timestamp (5.3.4)."""


def explain(error: Exception, last: tuple[str, bytes], store: str, state: Path) -> PeDvcError:
    """Return pe_dvc's error for what tuf raised after reading the file ``last`` of ``store``."""
    found = _explained(error, last, store, state)
    is_ours = isinstance(found, VerificationError | FormatError)
    return with_root_hint(found, last, store) if is_ours else found


def with_root_hint(found: PeDvcError, last: tuple[str, bytes], store: str) -> PeDvcError:
    """Say what is to be done about a next root, if that is what was read last."""
    key, _ = last
    if key.endswith(".root.json"):
        found.remedy = _NO_SUCCESSOR.format(object=f"{store}/{key}")
    return found


def _explained(error: Exception, last: tuple[str, bytes], store: str, state: Path) -> PeDvcError:
    key, data = last
    role = key.rpartition("/")[2].removesuffix(".json").rpartition(".")[2]
    where = f"{store}/{key}"
    if isinstance(error, DownloadError):
        return _download(error, where, role, store)
    if isinstance(error, ExpiredMetadataError):
        return _expired(error, role, data, where, state)
    if isinstance(error, LengthOrHashMismatchError):
        return _mismatch(role, data, where, state)
    if isinstance(error, UnsignedMetadataError):
        return SignatureError(
            f"{where}: {role} version {_version(data)} does not have the signatures it needs "
            f"({error})",
            remedy=f"{TAMPERED} Or the root that you trust is not of this bucket: compare what "
            "pe-dvc trust list shows with what a maintainer tells you.",
        )
    if isinstance(error, BadVersionNumberError):
        return RollbackError(
            f"{where}: {role} version {_version(data)} is not the expected version: {error}",
            remedy=_FROZEN,
        )
    if isinstance(error, DeserializationError):
        return FormatError(f"not TUF metadata: {error.__cause__ or error}", where=where)
    return VerificationError(f"{where}: {role} does not verify: {error}", remedy=TAMPERED)


def _download(error: DownloadError, where: str, role: str, store: str) -> PeDvcError:
    if isinstance(error.__cause__, StoreError):
        return error.__cause__
    if isinstance(error, DownloadLengthMismatchError):
        found = error.__cause__
        said = found.message if isinstance(found, FormatError) else f"{where}: {error}"
        return VerificationError(f"{said}; it was not read", remedy=TAMPERED)
    if isinstance(error, DownloadHTTPError) and role == "timestamp":
        return NotFoundError(
            f"{store} has no channels of {where.split('/')[-2]}: {error}",
            remedy="Check the country, and that --store names the right bucket. Maintainers: "
            "nothing is there before the first pe-dvc push.",
        )
    return VerificationError(
        f"{where} is gone, though signed metadata names it: {error}", remedy=TAMPERED
    )


def _expired(
    error: ExpiredMetadataError, role: str, data: bytes, where: str, state: Path
) -> PeDvcError:
    """The signatures were checked before the expiry: the date in the bytes is to be believed.

    What has expired need not be the file that was read last: it may be one kept earlier.
    """
    named = _EXPIRED.search(str(error))
    if named is not None and named[1] != role:
        role, data = named[1], read_document(state / f"{named[1]}.json")
        where = "the newest root" if role == "root" else where.rpartition("/")[0] + f"/{role}.json"
    signed = Metadata.from_bytes(data).signed
    return expired(role, signed.version, signed.expires, where=where)


def _mismatch(role: str, data: bytes, where: str, state: Path) -> PeDvcError:
    promised = _promise(role, state)
    return DigestMismatchError(
        what=role,
        expected=f"{promised.get('length', 'any number of')} bytes with "
        f"sha256:{promised.get('hashes', {}).get('sha256', 'any')}",
        actual=f"{len(data)} bytes with sha256:{sha256_bytes(data)}",
        source=where,
        remedy=f"{TAMPERED} It is made by {ROLE_OWNERS[role]}.",
    )


def _promise(role: str, state: Path) -> dict[str, Any]:
    """Return what the verified timestamp or snapshot says about the role's file."""
    promising = "timestamp" if role == "snapshot" else "snapshot"
    signed = read_json(read_document(state / f"{promising}.json"), what="metadata")["signed"]
    promise: dict[str, Any] = signed["meta"][f"{role}.json"]
    return promise


def _version(data: bytes) -> str:
    """Return the version that unverified metadata claims to have."""
    try:
        return brief(str(read_json(data, what="metadata")["signed"]["version"]))
    except (FormatError, KeyError, TypeError):
        return "?"
