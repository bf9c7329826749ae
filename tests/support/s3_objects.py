"""A bucket on a real S3 server, as the simulator's tests know one: attackers write by boto3."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from pe_dvc.project.stores import open_store
from tests.support.simulator import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.store.port import ObjectInfo
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


class S3Simulated(MemoryStore):
    """pe_dvc's own store of a bucket, with the hooks and the back door of the simulator's."""

    def __init__(self, bucket: S3Bucket) -> None:
        self._objects = S3Objects(bucket)
        self._store = open_store(bucket.url, options=bucket.server.options)
        super().__init__(bucket.url)

    @property
    def objects(self) -> MutableMapping[str, bytes]:
        return self._objects

    @objects.setter
    def objects(self, wanted: Mapping[str, bytes]) -> None:
        there = dict(self._objects)
        for key in there.keys() - wanted.keys():
            del self._objects[key]
        for key, data in wanted.items():
            if there.get(key) != data:
                self._objects[key] = data

    def head(self, key: str) -> ObjectInfo:
        return self._do("head", key, lambda: self._store.head(key))

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        return self._do("read", key, lambda: self._store.read(key, limit=limit))

    def create(self, key: str, data: bytes) -> ObjectInfo:
        return self._do("create", key, lambda: self._store.create(key, data))

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        return self._do("swap", key, lambda: self._store.compare_and_swap(key, data, etag))

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        return self._do("overwrite", key, lambda: self._store.overwrite(key, data))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        yield from self._do("list", prefix, lambda: [*self._store.list(prefix)])
