"""Opening a bucket by obstore, with connections for each kind of request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.adapters.stores import retry_policy
from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.store.port import bucket_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta

    from obstore.store import ObjectStore as Bucket

    from pe_dvc.store.port import ObjectInfo

Scheme = Literal["s3", "gs", "az"]


def open_bucket(
    scheme: Scheme,
    bucket: str,
    prefix: str,
    *,
    config: Mapping[str, Any],
    client: Mapping[str, Any],
    credentials: Callable[[], Any] | None = None,
    list_strange: Callable[[str], Iterator[ObjectInfo]] | None = None,
) -> ObjectStore:
    """Return the store of a bucket.

    ``config`` and ``client`` are obstore's configuration of the store and of its HTTP client;
    ``credentials`` is called whenever credentials are wanted that ``config`` does not hold,
    ``list_strange`` as in ``ObjectStore``.
    Nothing is requested yet.
    """
    from obstore import store

    kind: Any = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}[scheme]

    def connect(timeouts: Mapping[str, str], retried_for: timedelta, **more: Any) -> Bucket:
        place: Bucket = kind(
            bucket,
            prefix=prefix or None,
            config={**config, **more},
            client_options={**timeouts, **client},
            retry_config=retry_policy.retries(retried_for),
            credential_provider=credentials,
        )
        return place

    answers = retry_policy.ANSWERS, retry_policy.ANSWERS_RETRIED_FOR
    # Only S3 has requests for many objects: some servers lack these, and one that is refused says
    # no HTTP status of its own.
    single: dict[str, Any] = {"disable_bulk_delete": True} if scheme == "s3" else {}
    return ObjectStore(
        bucket_url(scheme, bucket, prefix),
        connect(*answers),
        connect_uploads=lambda: connect(retry_policy.UPLOADS, retry_policy.UPLOADS_RETRIED_FOR),
        connect_single_deletes=lambda: connect(*answers, **single),
        list_strange=list_strange,
    )
