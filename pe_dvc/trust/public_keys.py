"""Public keys for the metadata that lists them: from a signer's URI, or from a PEM file.

A KMS or HSM is asked once, when its key is listed; its URI is kept beside the key, so that
anyone with access to it can sign without further settings.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from pe_dvc.documents.metadata_fields import SIGNER_FIELD
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError, SignatureError
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.keys import load_key_file
from pe_dvc.trust.signers import FILE_SCHEME, key_file_of, pin_of_the_device
from pe_dvc.trust.tuf_api import (
    AWSSigner,
    AzureSigner,
    GCPSigner,
    HSMSigner,
    Key,
    SSlibKey,
    VaultSigner,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

EXTRAS = {
    "awskms": "aws-kms",
    "gcpkms": "gcp-kms",
    "azurekms": "azure-kms",
    "hsm": "hsm",
    "hv": "vault",
}
"""The optional dependency of pe_dvc that a scheme needs."""


def public_key(uri: str, environ: Mapping[str, str] = os.environ) -> Key:
    """Return the public key behind a signer's URI, with the URI noted unless it is a file's.

    Raises SignatureError if the KMS or HSM does not answer, and the errors of
    ``load_key_file``.
    """
    scheme, colon, rest = uri.partition(":")
    if uri.startswith(FILE_SCHEME):
        return load_key_file(key_file_of(uri, environ)).public_key
    if not colon or scheme not in _IMPORTS:
        raise FormatError(
            f"{uri!r} is not a signer: expected {FILE_SCHEME}/path/key.pem or a URI of "
            f"{', '.join(_IMPORTS)}"
        )
    try:
        key = _IMPORTS[scheme](rest)[1]
    except Exception as error:
        raise SignatureError(
            f"the key behind {uri} cannot be read: {type(error).__name__}: {error}",
            remedy=f"Check the URI and its credentials, and install pe_dvc[{EXTRAS[scheme]}].",
        ) from error
    key.unrecognized_fields[SIGNER_FIELD] = uri
    return key


def public_key_file(path: Path) -> Key:
    """Return the key of a PEM file that another person made. Raises NotFoundError, FormatError.

    The file of a private key is refused: it should not have come here.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return SSlibKey.from_crypto(load_pem_public_key(read_document(path)))
    except FileNotFoundError:
        raise NotFoundError(f"the public key {path} does not exist") from None
    except PeDvcError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FormatError(
            "not a public key in PEM of a kind that TUF signs with",
            where=str(path),
            remedy="Ask its holder for what `openssl pkey -in key.pem -pubout` prints.",
        ) from None


def _azure(rest: str) -> tuple[str, Key]:
    parts = urlsplit(rest)
    name = parts.path.removeprefix("/keys/").partition("/")[0]
    return AzureSigner.import_(parts.netloc.partition(".")[0], name)


def _hsm(rest: str) -> tuple[str, Key]:
    parts = urlsplit(rest)
    label = parse_qs(parts.query).get("label", [None])[0]
    return HSMSigner.import_(int(parts.path) if parts.path else None, label, pin_of_the_device)


_IMPORTS: dict[str, Callable[[str], tuple[str, Key]]] = {
    "awskms": lambda rest: AWSSigner.import_(rest),
    "gcpkms": lambda rest: GCPSigner.import_(rest),
    "azurekms": _azure,
    "hsm": _hsm,
    "hv": lambda rest: VaultSigner.import_(rest),
}
