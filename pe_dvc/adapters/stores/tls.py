"""Whom to trust in TLS: a DVC remote's ``ssl_verify``, else a certificate bundle of the user's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dvc_boolean import FALSE, TRUE
from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.home import expand_home
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext


def tls_client(ssl_verify: str | None, bundle: str | None = None) -> dict[str, Any]:
    """Return obstore's client options for ``ssl_verify`` (a boolean or a file, as DVC has it).

    ``bundle`` is the cloud's own setting; ``SSL_CERT_FILE`` counts after it. Raises FormatError
    for a file that cannot be read.
    """
    said = (ssl_verify or "").strip()
    if said.lower() in FALSE:
        return {"allow_invalid_certificates": True}
    if is_file_name(said):
        return {"root_certificate": _certificates(said, "the remote's ssl_verify")}
    named = bundle or os.environ.get("SSL_CERT_FILE")
    return {"root_certificate": _certificates(named, "the CA bundle")} if named else {}


def is_file_name(ssl_verify: str) -> bool:
    """Tell whether ``ssl_verify`` names a file, and is not one of DVC's words for yes and no."""
    return bool(ssl_verify) and ssl_verify.lower() not in TRUE | FALSE


def python_context(client: Mapping[str, Any]) -> SSLContext:
    """Return for Python's own HTTP client what ``tls_client`` returned for obstore."""
    import ssl

    if client.get("allow_invalid_certificates"):
        return ssl._create_unverified_context()
    context = ssl.create_default_context()
    # Python 3.13 refuses authorities without key identifiers, as companies have; obstore does not.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificates := client.get("root_certificate"):
        context.load_verify_locations(cadata=certificates.decode("ascii", "ignore"))
    return context


def _certificates(path: str, what: str) -> bytes:
    remedy = f"Name a file of PEM certificates in {what}."
    try:
        data = read_document(expand_home(path))
    except OSError as error:
        raise FormatError(
            f"{what} cannot be read: {error.strerror}", where=path, remedy=remedy
        ) from error
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise FormatError(f"{what} holds no PEM certificate", where=path, remedy=remedy)
    return data
