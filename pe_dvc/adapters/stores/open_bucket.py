"""Opening a bucket by obstore, with connections for each kind of request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.adapters.stores import retry_policy
from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT, Advice
from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.redact import redact_text
from pe_dvc.store.port import bucket_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

    from obstore.store import ObjectStore as Bucket

    from pe_dvc.adapters.stores.s3_listing import S3Listing

_AZURE_ACCOUNT = " Azure needs AZURE_STORAGE_ACCOUNT_NAME, and a key, a SAS token or a login."

Scheme = Literal["s3", "gs", "az"]


def open_bucket(
    scheme: Scheme,
    bucket: str,
    prefix: str,
    *,
    config: Mapping[str, Any],
    client: Mapping[str, Any],
    credentials: Callable[[], Any] | None = None,
    s3: S3Listing | None = None,
    purge: Callable[[Iterable[str]], None] | None = None,
    advice: Advice = OF_ENVIRONMENT,
) -> ObjectStore:
    """Return the store of a bucket.

    ``config`` and ``client`` are obstore's configuration of the store and of its HTTP client;
    ``credentials`` is called whenever credentials are wanted that ``config`` does not hold,
    ``s3``, ``purge`` and ``advice`` as in ``ObjectStore``.
    Nothing is requested yet. Raises FormatError for an option that obstore refuses.
    """
    from obstore import store
    from obstore.exceptions import BaseError

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
    url = bucket_url(scheme, bucket, prefix)
    try:
        connected = connect(*answers)
    except (BaseError, ValueError) as error:
        raise FormatError(
            f"{url} cannot be opened: {redact_text(str(error).partition(chr(10))[0])}",
            remedy=f"{advice.options}{_AZURE_ACCOUNT if scheme == 'az' else ''}",
        ) from None
    return ObjectStore(
        url,
        connected,
        connect_uploads=lambda: connect(retry_policy.UPLOADS, retry_policy.UPLOADS_RETRIED_FOR),
        connect_single_deletes=lambda: connect(*answers, **single),
        s3=s3,
        purge=purge,
        advice=advice,
    )


def is_url(endpoint: str) -> bool:
    """Ask the parser that obstore has: of what it refuses, a request is a crash, not an error."""
    from obstore.exceptions import GenericError
    from obstore.store import HTTPStore

    try:
        HTTPStore.from_url(endpoint, client_options={"allow_http": True})
    except ValueError:  # a port above 65535, 300.1.1.1, a wrong IDN
        return False
    except GenericError:  # no client can be made, as with a wrong SSL_CERT_FILE: that is said later
        return True
    return True
