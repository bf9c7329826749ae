"""Whose bucket is it? What removes or replaces objects does so in this data repo's bucket only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.primitives.errors import ConflictError, NotFoundError, StoreUnavailableError
from pe_dvc.trust.roles import max_length

if TYPE_CHECKING:
    from pe_dvc.store.port import ReadableStore


def check_own_bucket(store: ReadableStore, country: str, first_root: bytes | None) -> None:
    """Raise ConflictError for a bucket whose channels are of another root than this repo's.

    ``first_root`` is the repo's root of version 1, None in a repo without channels. A bucket
    without channels may be any repo's. Raises StoreUnavailableError where a web page answers.
    """
    key = metadata_key(country, "root", 1)
    try:
        published, _ = store.read(key, limit=max_length("root"))
    except NotFoundError:
        return
    if published.lstrip().startswith(b"<"):  # metadata is JSON
        raise StoreUnavailableError(
            f"{store.url}/{key} is a web page: a proxy or a login page answers for the store",
            operation="read",
            key=key,
            remedy="Nothing was changed. Check the address and the endpoint.",
        )
    if published != first_root:
        raise ConflictError(
            f"the channels of {country} in {store.url} have another root than this repo's: it is "
            "another project's bucket",
            remedy="Nothing was changed. Check the DVC remote's url, PE_DVC_STORE and --store.",
        )
