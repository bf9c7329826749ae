"""A connection string of Azure's, as its portal gives it and DVC remotes hold it.

Azure's form: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
No value is ever shown: keys and signatures are among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pe_dvc.adapters.stores.endpoints import checked_endpoint
from pe_dvc.primitives.errors import FormatError

PUBLIC_CLOUD = "core.windows.net"
_OTHERS = re.compile(r"(?:(?:Queue|Table|File|Dfs|Web)(?:Secondary)?|BlobSecondary)Endpoint")
_USED = (
    *("AccountName", "AccountKey", "SharedAccessSignature"),
    *("BlobEndpoint", "EndpointSuffix", "DefaultEndpointsProtocol"),
)
_SUFFIX = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_FORM = "AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net"
_REMEDY = (
    "Copy it again from the storage account's access keys, or give account_name with account_key "
    "or sas_token in its place."
)


@dataclass(frozen=True, kw_only=True, repr=False)
class AzureConnection:
    """What a connection string says: the account, where its blobs are, and one credential."""

    account: str
    endpoint: str
    key: str | None
    sas: str | None


def read_connection(text: str, where: str) -> AzureConnection:
    """Read a connection string; ``where`` is the option or variable that has it.

    Parts of other services than blobs are left out. Raises FormatError for one that cannot be
    used in full.
    """
    parts = _parts(text, where)
    key, sas = parts.get("AccountKey"), parts.get("SharedAccessSignature")
    if not key and not sas:
        # Else the credentials of the environment would go to an endpoint that it names.
        raise _wrong(where, "it has neither AccountKey nor SharedAccessSignature")
    named = parts.get("BlobEndpoint", "").split("?")[0]
    account = parts.get("AccountName") or _account_of(named)
    if not account:
        raise _wrong(where, "it has no AccountName")
    endpoint = checked_endpoint(named, f"BlobEndpoint in {where}") or _endpoint(
        account, parts, where
    )
    return AzureConnection(
        account=account, endpoint=endpoint, key=key or None, sas=None if key else sas
    )


def _parts(text: str, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.strip().split(";"):
        if not part.strip():
            continue
        name, equals, value = part.strip().partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z]+", name):
            raise _wrong(where, "a part of it is not NAME=VALUE")
        if name in _USED:
            found[name] = value.strip()
        elif not _OTHERS.fullmatch(name):
            raise _wrong(where, f"{name[:40]} is not known here")
    return found


def _endpoint(account: str, parts: dict[str, str], where: str) -> str:
    scheme = parts.get("DefaultEndpointsProtocol") or "https"
    suffix = parts.get("EndpointSuffix") or PUBLIC_CLOUD
    if scheme not in ("http", "https") or not _SUFFIX.fullmatch(suffix):
        raise _wrong(where, "EndpointSuffix or DefaultEndpointsProtocol is not one")
    return f"{scheme}://{account}.blob.{suffix}"


def _account_of(endpoint: str) -> str:
    """Return the account that an endpoint names: in its path at an address, else in its host."""
    address = urlsplit(endpoint)
    inside = address.path.strip("/")
    return inside or (address.hostname or "").partition(".")[0]


def _wrong(where: str, why: str) -> FormatError:
    return FormatError(
        f"{where} cannot be used: {why}; expected the form of {_FORM}", remedy=_REMEDY
    )
