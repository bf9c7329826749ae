"""What a gateway says of our grants, and what it is told of those that ended. ADR 0041."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.gateway_store import ERROR_LIMIT
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from pe_dvc.adapters.stores.gateway_store import GatewayStore

MAX_BYTES = 64 * 1024 * 1024
"""Of what must go: some eight hundred thousand digests."""


def access(store: GatewayStore, country: str) -> Any:
    """Return which grants we have, and what must go of those that ended, as JSON values.

    Raises StoreError, NotFoundError of a gateway that says nothing of it.
    """
    key = f"access/{country}"
    return read_json(_answer(store, "GET", key, MAX_BYTES), what="grants", where=store.url)


def state(store: GatewayStore, country: str, statement: bytes) -> int:
    """Send a signed statement, and return the number of its entry in the ledger.

    The same one again has the same number. Raises StoreError.
    """
    key = f"statements/{country}"
    data = _answer(store, "POST", key, ERROR_LIMIT, statement)
    said = read_json(data, what="an answer", where=store.url)
    entry = said.get("entry") if isinstance(said, dict) else None
    if type(entry) is not int:
        raise store.unexpected(key)
    return entry


def _answer(
    store: GatewayStore, method: str, key: str, limit: int, body: bytes | None = None
) -> bytes:
    from urllib3.exceptions import HTTPError

    try:
        with store.ask(method, key, good=(200, 201), body=body) as answer:
            data: bytes = answer.read(limit + 1)
    except HTTPError as error:
        raise StoreUnavailableError(
            f"{store.url}/{key}: the answer broke off ({type(error).__name__})",
            operation="read",
            key=key,
            remedy="Try again later.",
        ) from None
    if len(data) > limit:
        raise store.unexpected(key)
    return data
