"""S3 servers that lack something, buckets that hold strange things, principals with few rights."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import (
    NotDeletedError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.project.stores import open_store
from pe_dvc.usecases.retention.bucket_lock import publishing
from tests.support.proxy import Proxy, before
from tests.support.servers import answering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message as Headers

    from pe_dvc.store.port import Store
    from tests.support.servers import S3Bucket

KEYS = ["us/a", "us/b", "us/c"]
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@pytest.fixture
def odd(s3_bucket: S3Bucket) -> Iterator[tuple[Proxy, Store]]:
    """A proxy before an S3 server, and a store of three objects as seen through it."""
    with before(s3_bucket) as (proxy, bucket):
        store = open_store(bucket.url, options=bucket.server.options)
        for key in KEYS:
            store.create(key, b"")
        yield proxy, store


def listed(store: Store) -> list[str]:
    return [info.key for info in store.list("us")]


def deny(proxy: Proxy, denied: set[str]) -> None:
    """Refuse to delete some keys, as Amazon does: in a 200 for many, by a 403 for one."""

    def instead(method: str, path: str, headers: Headers, body: bytes) -> tuple[int, bytes] | None:
        if method == "DELETE" and any(path.endswith(key) for key in denied):
            return 403, DENIED
        if method == "POST" and "delete" in path:
            keys = re.findall(rb"<Key>(.*?)</Key>", body)
            failed = (key for key in keys if key.decode() in denied)
            errors = b"".join(DENIED.replace(b"<Code>", b"<Key>%s</Key><Code>" % k) for k in failed)
            head = b'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            return 200, head + errors + b"</DeleteResult>"
        return None

    proxy.instead = instead


def test_a_server_without_deleteobjects_deletes_one_by_one(odd: tuple[Proxy, Store]) -> None:
    proxy, store = odd
    proxy.instead = lambda method, *_: (501, b"<Error/>") if method == "POST" else None
    store.delete(["us/b"])
    store.delete(["us/a", "us/missing", "us/c"])
    assert listed(store) == []


def test_one_key_that_may_not_be_deleted_is_named_and_the_rest_goes(
    odd: tuple[Proxy, Store],
) -> None:
    proxy, store = odd
    deny(proxy, {"us/b"})
    with pytest.raises(
        NotDeletedError, match=r"^2 of 3 objects were removed, 1 were not"
    ) as caught:
        store.delete(KEYS)
    assert list(caught.value.failures) == ["us/b"]
    assert isinstance(caught.value.failures["us/b"], StorePermissionError)
    assert "us/b" in caught.value.message
    assert listed(store) == ["us/b"]


def test_a_publisher_without_the_right_to_delete_publishes(odd: tuple[Proxy, Store]) -> None:
    """Least privilege: its note stays until it is stale, and the publication is no failure."""
    proxy, store = odd
    proxy.instead = lambda method, path, *_: (403, DENIED) if method == "DELETE" else None
    with publishing(store, "us"):
        store.create("us/d", b"")
    assert [key for key in listed(store) if key.startswith("us/locks/publisher-")]


@pytest.mark.parametrize(
    "stray", ["us//stray", "us/files//z", "us/", "us/a\\b", "us/./x", "us/locks/"]
)
def test_a_key_that_is_none_of_ours_is_passed_over_and_named(
    s3_bucket: S3Bucket, stray: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(s3_bucket.url, options=s3_bucket.server.options)
    keys = ["us/a", "us/files/md5/aa", "us/files/md5/ab", "us/z"]
    for key in keys:
        store.create(key, key.encode())
    client = s3_bucket.server.client()
    client.put_object(Bucket=s3_bucket.name, Key=stray, Body=b"not ours")
    with caplog.at_level(logging.WARNING, "pe_dvc"):
        found = [info for info in store.list("us") if info.key in keys]
    assert found == [store.head(key) for key in keys]
    named = "strange name" in caplog.text and stray in caplog.text
    assert named == (stray in ("us//stray", "us/files//z", "us/./x"))


def test_of_many_pages_each_object_is_listed_once(s3_bucket: S3Bucket) -> None:
    store = open_store(s3_bucket.url, options=s3_bucket.server.options)
    client = s3_bucket.server.client()
    keys = [f"us/x{number:04}" for number in range(1200)]
    for key in keys:
        client.put_object(Bucket=s3_bucket.name, Key=key, Body=b"")
    client.put_object(Bucket=s3_bucket.name, Key="us/x1100//stray", Body=b"")
    assert listed(store) == keys


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_that_does_not_know_checksums_can_be_written_to(
    odd: tuple[Proxy, Store], s3_bucket: S3Bucket, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, store = odd
    unknown = b"<Error><Code>NotImplemented</Code><Message>unknown header</Message></Error>"
    proxy.instead = lambda method, path, headers, body: (
        (status, unknown) if headers["x-amz-checksum-sha256"] else None
    )
    with pytest.raises(StoreUnavailableError) as caught:
        store.create("us/d", b"d")
    assert "AWS_REQUEST_CHECKSUM_CALCULATION=when_required" in str(caught.value.remedy)
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    options = {**s3_bucket.server.options, "endpointurl": f"http://127.0.0.1:{proxy.server_port}"}
    open_store(s3_bucket.url, options=options).create("us/d", b"d")
    assert "us/d" in listed(store)


def test_clocks_that_differ_are_named(odd: tuple[Proxy, Store]) -> None:
    proxy, store = odd
    skewed = b"<Error><Code>RequestTimeTooSkewed</Code><Message>clocks differ</Message></Error>"
    proxy.instead = lambda *_: (403, skewed)
    with pytest.raises(StorePermissionError) as caught:
        store.read("us/a", limit=10)
    assert "clock" in str(caught.value.remedy)


@pytest.mark.parametrize("status", [206, 401])
def test_without_a_google_login_a_bucket_is_read_as_the_public_can(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with answering(status, b"public") as server:
        server.headers = {
            "ETag": '"1"',
            "Last-Modified": "Mon, 20 Apr 2026 12:00:00 GMT",
            "Content-Range": "bytes 0-5/6",
        }
        store = open_store("gs://public", options={"endpointurl": server.endpoint})
        if status == 206:
            assert store.read("us/a", limit=10)[0] == b"public"
        else:
            with pytest.raises(StorePermissionError, match="refused") as caught:
                store.read("us/a", limit=10)
            assert "Log in" in str(caught.value.remedy)
    assert set(server.authorizations) == {""}


def test_google_credentials_that_are_named_must_be_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent.json")
    with pytest.raises(StorePermissionError, match="no Google credentials"):
        open_store("gs://private")
