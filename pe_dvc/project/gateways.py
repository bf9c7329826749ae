"""The gateways that a country is read through here, opened to be asked about grants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.project.reader_stores import store_addresses
from pe_dvc.project.stores import is_gateway, open_store
from pe_dvc.store.logged import unlogged

if TYPE_CHECKING:
    from pe_dvc.adapters.stores.gateway_store import GatewayStore
    from pe_dvc.project.repo import DataRepo


def gateways_of(country: str, store: str | None, repo: DataRepo | None) -> list[GatewayStore]:
    """Return those of a country's stores that are gateways. Raises as ``store_addresses``."""
    from pe_dvc.adapters.stores.gateway_store import GatewayStore

    found = []
    for address in store_addresses(store, country, repo):
        if is_gateway(address):
            opened = unlogged(open_store(address) if repo is None else repo.open_other(address))
            if isinstance(opened, GatewayStore):
                found.append(opened)
    return found
