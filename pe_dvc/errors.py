"""Every error that pe_dvc raises on purpose, by family; each names what to do next where known.

``docs/reading.md`` lists the exit code that the command line makes of each family.
"""

from __future__ import annotations

from pe_dvc.primitives.errors import (
    ConflictError,
    CredentialsError,
    DigestMismatchError,
    DiskFullError,
    EquivocationError,
    ExpiredError,
    FormatError,
    GateError,
    LedgerUnavailableError,
    MovedError,
    NotDeletedError,
    NotFoundError,
    NotPublishedError,
    PeDvcError,
    ReleaseError,
    RevokedError,
    RollbackError,
    SignatureError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    UnknownNameError,
    UnsupportedVersionError,
    UntrustedError,
    VerificationError,
)

__all__ = [
    "ConflictError",
    "CredentialsError",
    "DigestMismatchError",
    "DiskFullError",
    "EquivocationError",
    "ExpiredError",
    "FormatError",
    "GateError",
    "LedgerUnavailableError",
    "MovedError",
    "NotDeletedError",
    "NotFoundError",
    "NotPublishedError",
    "PeDvcError",
    "ReleaseError",
    "RevokedError",
    "RollbackError",
    "SignatureError",
    "StoreError",
    "StorePermissionError",
    "StoreUnavailableError",
    "UnknownNameError",
    "UnsupportedVersionError",
    "UntrustedError",
    "VerificationError",
]
