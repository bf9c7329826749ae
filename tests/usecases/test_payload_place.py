"""From where a payload is read: another place where the bucket fails, however it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.usecases.checkout.download import ObjectRequest, read_verified
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

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        raise self.error


def elsewhere(location: str) -> PayloadPlace:
    hub = MemoryStore()
    hub.url = "hf://hub"
    hub.create("there/x.h5", b"right")
    return PayloadPlace(source=hub, key="there/x.h5", is_bucket=False)


def read(place: PayloadPlace) -> bytes:
    request = ObjectRequest(
        what="x.h5", place=place, md5="0" * 32, sha256=sha256_bytes(b"right"), size=5
    )
    return read_verified(request)


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_what_a_bucket_does_not_give_is_read_where_it_lies_as_well(error: PeDvcError) -> None:
    assert read(find_place(KEY, LOCATION, Failing(error), elsewhere)) == b"right"
    with pytest.raises(type(error)):
        read(find_place(KEY, None, Failing(error), elsewhere))


def test_what_a_gateway_lacks_may_be_a_raw_input() -> None:
    bucket = Failing(FAILURES[0])
    bucket.url = "https://data.example.org"
    with pytest.raises(NotFoundError) as missing:
        read(find_place(KEY, None, bucket, elsewhere))
    assert "no raw inputs" in (missing.value.remedy or "")


def test_wrong_bytes_in_the_bucket_are_read_where_it_lies_as_well_and_noted() -> None:
    bucket, noted = MemoryStore(), list[str]()
    bucket.create(KEY, b"wrong")
    assert read(find_place(KEY, LOCATION, bucket, elsewhere, noted.append)) == b"right"
    assert [bucket.url in one for one in noted] == [True]


def test_a_bucket_that_has_it_is_read_and_nobody_else_asked() -> None:
    bucket = MemoryStore()
    bucket.create(KEY, b"right")

    def empty(location: str) -> PayloadPlace:
        return PayloadPlace(source=MemoryStore(), key=location, is_bucket=False)

    assert read(find_place(KEY, LOCATION, bucket, empty)) == b"right"


def test_an_error_names_each_place() -> None:
    place = find_place(KEY, LOCATION, MemoryStore(), elsewhere)
    assert place.url == f"{MemoryStore().url}/{KEY}, hf://hub/there/x.h5"
