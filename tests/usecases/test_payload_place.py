"""From where a payload is read: another place where the bucket fails, however it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import (
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.usecases.payload_place import PayloadPlace, find_place
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectInfo

KEY, LOCATION = "us/files/md5/4e/92", f"hf://dataset/o/r@{'a' * 40}/x.h5"
FAILURES = [
    NotFoundError("no"),
    StorePermissionError("no", operation="read", key=KEY),
    StoreUnavailableError("no", operation="read", key=KEY),
]


class Failing(MemoryStore):
    """A bucket of which nothing is known."""

    def __init__(self, error: PeDvcError) -> None:
        super().__init__()
        self.error = error

    def head(self, key: str) -> ObjectInfo:
        raise self.error


def elsewhere(location: str) -> PayloadPlace:
    return PayloadPlace(source=MemoryStore(), key=location, is_bucket=False)


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_what_a_bucket_does_not_give_is_read_where_it_lies_as_well(error: PeDvcError) -> None:
    assert find_place(KEY, LOCATION, Failing(error), elsewhere).key == LOCATION
    assert find_place(KEY, None, Failing(error), elsewhere).key == KEY


def test_a_bucket_that_has_it_is_read() -> None:
    bucket = MemoryStore()
    bucket.create(KEY, b"1")
    assert find_place(KEY, LOCATION, bucket, elsewhere).source is bucket
