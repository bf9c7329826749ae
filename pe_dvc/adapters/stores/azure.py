"""How to reach Azure Blob Storage: a DVC remote's options, then Azure's own environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT, Advice
from pe_dvc.adapters.stores.azure_connection import read_connection
from pe_dvc.adapters.stores.endpoints import check_may_send, checked_word
from pe_dvc.adapters.stores.open_bucket import open_bucket
from pe_dvc.adapters.stores.tls import tls_client
from pe_dvc.documents.dvc_boolean import is_true

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pe_dvc.adapters.stores.azure_connection import AzureConnection
    from pe_dvc.adapters.stores.object_store import ObjectStore

CONNECTION = "AZURE_STORAGE_CONNECTION_STRING"
_OPTIONS = {
    "account_name": "account_name",
    "account_key": "account_key",
    "sas_token": "sas_key",
    "tenant_id": "tenant_id",
    "client_id": "client_id",
    "client_secret": "client_secret",
}
_IN_THE_CLEAR = (
    "Use https:// in the connection string: BlobEndpoint, or DefaultEndpointsProtocol=https."
)


def az_store(
    container: str,
    prefix: str,
    options: Mapping[str, str],
    *,
    advice: Advice = OF_ENVIRONMENT,
) -> ObjectStore:
    """Return the store of a container of Azure Blob Storage.

    A connection string says where the account is and how to log in, whatever else is set; without
    one the account is at the public cloud. Raises FormatError for an option that cannot be right,
    and UntrustedError where credentials would go unencrypted.
    """
    connection = _connection(options)
    if connection is not None:
        return _connected(container, prefix, connection, advice)
    config: dict[str, Any] = {
        ours: options[name] for name, ours in _OPTIONS.items() if options.get(name)
    }
    checked_word(config.get("account_name", ""), "account_name", advice)
    if is_true(options.get("allow_anonymous_login")):
        config["skip_signature"] = True
    return open_bucket(
        "az", container, prefix, config=config, client=tls_client(None), advice=advice
    )


def _connection(options: Mapping[str, str]) -> AzureConnection | None:
    if text := options.get("connection_string"):
        return read_connection(text, "the remote's connection_string")
    if any(options.get(name) for name in _OPTIONS) or is_true(options.get("allow_anonymous_login")):
        return None
    text = os.environ.get(CONNECTION, "")
    return read_connection(text, CONNECTION) if text else None


def _connected(
    container: str, prefix: str, connection: AzureConnection, advice: Advice
) -> ObjectStore:
    checked_word(connection.account, "account name", advice)
    check_may_send(connection.endpoint, {}, remedy=_IN_THE_CLEAR)
    config = {"account_name": connection.account, "endpoint": connection.endpoint}
    client = tls_client(None) | {"allow_http": connection.endpoint.startswith("http://")}
    return open_bucket(
        "az",
        container,
        prefix,
        config=config,
        client=client,
        credentials=_login(connection),
        advice=advice,
    )


def _login(connection: AzureConnection) -> Callable[[], dict[str, Any]]:
    """Return a function that gives its credential: options would yield to the environment's."""
    name = "access_key" if connection.key else "sas_token"
    found = {name: connection.key or connection.sas, "expires_at": None}
    return lambda: found
