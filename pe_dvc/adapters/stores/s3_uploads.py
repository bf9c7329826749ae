"""Finds and removes uploads to S3 that were begun and not ended.

obstore does not list them; botocore does. It takes a tenth of a second to load.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.primitives.errors import (
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.store.checks import check_prefix
from pe_dvc.store.unfinished import Unfinished

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.adapters.stores.s3_listing import S3Listing
    from pe_dvc.store.port import Store

_REFUSED = ("AccessDenied", "AccessForbidden", "403")
_PATIENCE = {
    "connect_timeout": 5,
    "read_timeout": 20,
    "retries": {"mode": "standard", "max_attempts": 4},
}


def s3_uploads_of(store: Store) -> S3Uploads | None:
    """Return what finds the uploads of a store, None for one that is not on S3."""
    if isinstance(store, ObjectStore) and store.s3 is not None:
        return S3Uploads(store.s3)
    return None


class S3Uploads:
    """The unfinished uploads of the bucket of ``place``, below where the store begins in it."""

    def __init__(self, place: S3Listing) -> None:
        self._place = place

    @cached_property
    def _client(self) -> Any:
        return self._place.connect(**_PATIENCE)

    def begun_before(self, folder: str, moment: datetime) -> list[Unfinished]:
        """See UnfinishedUploads.begun_before."""
        from botocore.exceptions import BotoCoreError, ClientError

        start = self._place.key("")
        try:
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._place.bucket, Prefix=f"{self._place.key(check_prefix(folder))}/"
            )
            found = [
                self._with_size(one["Key"].removeprefix(start), one["UploadId"], one["Initiated"])
                for page in pages
                for one in page.get("Uploads", ())
                if one["Initiated"] < moment
            ]
        except (BotoCoreError, ClientError, RecursionError) as error:
            raise self._failed("list the unfinished uploads of", folder, error) from error
        return sorted((one for one in found if one), key=lambda one: (one.key, one.begun))

    def _with_size(self, key: str, upload: str, begun: datetime) -> Unfinished | None:
        """Return an upload with the bytes of its parts; None for one that ended meanwhile."""
        from botocore.exceptions import ClientError

        pages = self._client.get_paginator("list_parts").paginate(**self._where(key, upload))
        try:
            size = sum(part["Size"] for page in pages for part in page.get("Parts", ()))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchUpload":
                return None
            raise
        return Unfinished(key=key, id=upload, begun=begun, size=size)

    def remove(self, upload: Unfinished) -> None:
        """See UnfinishedUploads.remove."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.abort_multipart_upload(**self._where(upload.key, upload.id))
        except (BotoCoreError, ClientError, RecursionError) as error:
            raise self._failed("remove an unfinished upload of", upload.key, error) from error

    def _where(self, key: str, upload: str) -> dict[str, str]:
        return {"Bucket": self._place.bucket, "Key": self._place.key(key), "UploadId": upload}

    def _failed(self, doing: str, key: str, error: BaseException) -> PeDvcError:
        # Where an endpoint answers everything with a redirect, botocore asks it without end.
        said = "it only redirects" if isinstance(error, RecursionError) else str(error)
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
        message = f"cannot {doing} s3://{self._place.bucket}/{self._place.key(key)}: {said}"
        if code == "NoSuchUpload":
            return NotFoundError(message)
        if code in _REFUSED:
            return StorePermissionError(
                message,
                operation="delete",
                key=key,
                remedy="It needs the permissions s3:ListBucketMultipartUploads, "
                "s3:ListMultipartUploadParts and s3:AbortMultipartUpload.",
            )
        return StoreUnavailableError(message, operation="delete", key=key)
