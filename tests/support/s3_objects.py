"""A bucket on a real S3 server, as the simulator's tests know one: attackers write by boto3."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from pe_dvc.project.stores import open_store
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from tests.support.servers import S3Bucket


class S3Objects(MutableMapping[str, bytes]):
    """The objects of a bucket, read and written past pe_dvc."""

    def __init__(self, bucket: S3Bucket) -> None:
        self._client: Any = bucket.server.client()
        self._bucket = bucket.name

    def __getitem__(self, key: str) -> bytes:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            raise KeyError(key) from None
        data: bytes = found["Body"].read()
        return data

    def __setitem__(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def __delitem__(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def __iter__(self) -> Iterator[str]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket):
            yield from (entry["Key"] for entry in page.get("Contents", []))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def recording_bucket(bucket: S3Bucket) -> RecordingStore:
    """Return pe_dvc's own store of a bucket, with the back door that attackers have."""
    return RecordingStore(open_store(bucket.url, options=bucket.server.options), S3Objects(bucket))
