"""Addresses of objects in a bucket that are good for a minute, for who has no credentials of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.primitives.errors import FormatError, StoreUnavailableError
from pe_dvc.store.checks import check_key
from pe_dvc.store.logged import LoggedStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.store.port import ReadableStore

SECONDS = 60
"""For how long an address is good: a download that began with it goes on."""


def signer_of(store: ReadableStore) -> Callable[[str], str]:
    """Return what makes addresses to read objects of a bucket; it asks the bucket nothing.

    Raises FormatError for a store that has none: a directory.
    """
    inner: object = store._store if isinstance(store, LoggedStore) else store
    if not isinstance(inner, ObjectStore):
        raise FormatError(
            f"{store.url} has no addresses that could be signed",
            where="how",
            remedy='Expected a bucket; of a directory leave out how = "presigned".',
        )
    bucket: Any = inner._bucket

    def sign(key: str) -> str:
        import obstore

        try:
            return obstore.sign(bucket, "GET", check_key(key), timedelta(seconds=SECONDS))
        except obstore.exceptions.BaseError as error:
            # Its words may name credentials: only the kind is told.
            raise StoreUnavailableError(
                f"no address of {store.url}/{key} can be signed: {type(error).__name__}",
                operation="read",
                key=key,
            ) from None

    return sign
