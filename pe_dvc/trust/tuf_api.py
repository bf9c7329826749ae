"""The one door to python-tuf and securesystemslib, opened without boto3 and urllib3.

It also writes the bytes that are signed, sooner than python-tuf does.

``import tuf.ngclient`` takes some 750 ms, because securesystemslib's signer for AWS KMS imports
boto3 and tuf's default fetcher imports urllib3, whether needed or not; without the
two it takes 150. A reader of channels needs neither. So while tuf is imported, stand-ins take
their places, which import the real thing when it is first used: signing by AWS KMS works as ever.
Import tuf from here only. (``importlib.util.LazyLoader`` does not help: in Python 3.11 a plain
``import boto3`` already loads the module.)
"""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.canonical import unescaped_json

if TYPE_CHECKING:
    from collections.abc import Iterator

_FETCHER = "tuf.ngclient.urllib3_fetcher"


class _StandIn(ModuleType):
    """A module that is imported when one of its attributes is first asked for."""

    def __getattr__(self, attribute: str) -> Any:
        self.step_aside()
        return getattr(importlib.import_module(self.__name__), attribute)

    def step_aside(self) -> None:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


class _FetcherStandIn(_StandIn):
    """Has the one name that tuf takes from the module, so that taking it imports nothing."""

    __path__: list[str] = []  # noqa: RUF012 - the import machinery asks for it

    def Urllib3Fetcher(self, *arguments: Any, **options: Any) -> Any:  # noqa: N802
        return self.__getattr__("Urllib3Fetcher")(*arguments, **options)


@contextmanager
def _stand_ins() -> Iterator[None]:
    wanted = [_StandIn("boto3"), _FetcherStandIn(_FETCHER)]
    placed = [module for module in wanted if module.__name__ not in sys.modules]
    sys.modules.update({module.__name__: module for module in placed})
    try:
        yield
    finally:
        for module in placed:
            module.step_aside()


with _stand_ins():
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import (
        AWSSigner,
        AzureSigner,
        CryptoSigner,
        GCPSigner,
        HSMSigner,
        Key,
        Signature,
        Signer,
        SSlibKey,
        VaultSigner,
    )
    from tuf.api.exceptions import (
        BadVersionNumberError,
        DownloadError,
        DownloadHTTPError,
        DownloadLengthMismatchError,
        ExpiredMetadataError,
        LengthOrHashMismatchError,
        RepositoryError,
        UnsignedMetadataError,
    )
    from tuf.api.metadata import (
        DelegatedRole,
        Delegations,
        Metadata,
        MetaFile,
        Role,
        Root,
        Signed,
        Snapshot,
        TargetFile,
        Targets,
        Timestamp,
        VerificationResult,
    )
    from tuf.api.serialization import DeserializationError, SignedSerializer
    from tuf.api.serialization.json import CanonicalJSONSerializer
    from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

__all__ = [
    "AWSSigner",
    "AzureSigner",
    "BadVersionNumberError",
    "CanonicalJSONSerializer",
    "CryptoSigner",
    "DelegatedRole",
    "Delegations",
    "DeserializationError",
    "DownloadError",
    "DownloadHTTPError",
    "DownloadLengthMismatchError",
    "Envelope",
    "ExpiredMetadataError",
    "FetcherInterface",
    "GCPSigner",
    "HSMSigner",
    "Key",
    "LengthOrHashMismatchError",
    "MetaFile",
    "Metadata",
    "QuickSerializer",
    "RepositoryError",
    "Role",
    "Root",
    "SSlibKey",
    "Signature",
    "Signed",
    "SignedSerializer",
    "Signer",
    "Snapshot",
    "TargetFile",
    "Targets",
    "Timestamp",
    "UnsignedMetadataError",
    "UnverifiedSignatureError",
    "Updater",
    "UpdaterConfig",
    "VaultSigner",
    "VerificationResult",
    "signed_bytes",
]


class QuickSerializer(SignedSerializer):
    """Writes what ``CanonicalJSONSerializer`` writes, by Python's C encoder where it can.

    python-tuf writes it in Python. Of ten thousand pointers that takes three times as long, and a
    publication asks for it a dozen times. What a key signs of this is held against python-tuf's own
    bytes before it counts (``pe_dvc.trust.signers``).
    """

    def serialize(self, signed_obj: Signed) -> bytes:
        """Return the canonical JSON of what is signed. Raises SerializationError."""
        try:
            data = unescaped_json(signed_obj.to_dict())
        except (ValueError, TypeError):
            data = None  # which python-tuf refuses in its own words
        return CanonicalJSONSerializer().serialize(signed_obj) if data is None else data


def signed_bytes(metadata: Metadata[Any]) -> bytes:
    """Return ``metadata.signed_bytes``, the bytes that signatures are of. Raises as that."""
    return QuickSerializer().serialize(metadata.signed)
