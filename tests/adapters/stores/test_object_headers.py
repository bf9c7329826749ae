"""What a bucket answers beside an object's bytes, asked by the cloud's own client or plain HTTP."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.documents.cache_control import cache_control
from pe_dvc.documents.keys import metadata_key, payload_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.mirror_place import server_copy
from pe_dvc.project.stores import open_store
from tests.support.servers import S3Bucket

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store
    from tests.support.azure_server import AzureServer
    from tests.support.google_server import GoogleServer
    from tests.support.servers import S3Endpoint

MIB = 1024 * 1024
TIMESTAMP = metadata_key("us", "timestamp")
VERSION = metadata_key("us", "latest", 12)
PAYLOAD = payload_key("us", "ab" * 16)
LARGE = payload_key("us", "cd" * 16)
GATED = payload_key("uk", "ef" * 16)
BLOCKS = payload_key("us", "01" * 16)
KEYS = (TIMESTAMP, VERSION, PAYLOAD, LARGE, GATED, BLOCKS)


def write(store: Store, folder: Path) -> None:
    """Write objects in every way that there is, small ones and such of several parts."""
    created = store.compare_and_swap(TIMESTAMP, b"{}", None)
    store.compare_and_swap(TIMESTAMP, b"{ }", created.etag)
    store.create(VERSION, b"{}")
    small, large = folder / "small", folder / "large"
    small.write_bytes(b"bytes")
    large.write_bytes(os.urandom(17 * MIB))
    store.upload(PAYLOAD, small)
    store.upload(GATED, small)
    store.upload(LARGE, large)
    store.write_blocks(BLOCKS, iter([b"x" * MIB] * 17), size=17 * MIB)


@pytest.mark.parametrize("server", ["s3_bucket", "moto_bucket"])
def test_on_s3(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> None:
    bucket: S3Bucket = request.getfixturevalue(server)
    store = open_store(bucket.url, options=bucket.server.options)
    write(store, tmp_path)
    client = bucket.server.client()
    for key in KEYS:
        assert header(client, bucket.name, key) == cache_control(key), key
    store.overwrite(TIMESTAMP, b"{  }")
    assert header(client, bucket.name, TIMESTAMP) == "no-cache"


def test_on_google(tmp_path: Path, google_server: GoogleServer) -> None:
    """The server of the tests keeps no such header: what it is sent is looked at."""
    bucket = google_server.new_bucket()
    write(open_store(f"gs://{bucket}", options=google_server.options(tmp_path)), tmp_path)
    for key in KEYS:
        assert google_server.cache_controls[f"/{bucket}/{key}"] == cache_control(key), key


def test_on_azure(tmp_path: Path, azure_server: AzureServer) -> None:
    import obstore

    options = {"connection_string": azure_server.connection}
    store = open_store(azure_server.new_container(), options=options)
    write(store, tmp_path)
    assert isinstance(store, ObjectStore)
    for key in KEYS:
        found = obstore.get(store._bucket, key).attributes
        assert found.get("Cache-Control") == cache_control(key), key


def test_an_unchanged_object_is_not_sent_again(s3_bucket: S3Bucket) -> None:
    store = open_store(s3_bucket.url, options=s3_bucket.server.options)
    store.compare_and_swap(TIMESTAMP, b"{}", None)
    url = s3_bucket.server.client().generate_presigned_url(
        "get_object", Params={"Bucket": s3_bucket.name, "Key": TIMESTAMP}
    )
    with urllib.request.urlopen(url) as answer:
        etag, headers = answer.headers["ETag"], answer.headers
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Last-Modified"]
    again = urllib.request.Request(url, headers={"If-None-Match": etag})
    with pytest.raises(urllib.error.HTTPError, match="304"):
        urllib.request.urlopen(again)


def test_of_a_copy_that_the_server_makes(
    s3_server: S3Endpoint,
) -> None:
    """Also where plain DVC uploaded the original, which then has none."""
    s3_bucket, mirror = (S3Bucket(s3_server, s3_server.new_bucket()) for _ in range(2))
    client, data = s3_bucket.server.client(), b"bytes"
    client.put_object(Bucket=s3_bucket.name, Key=PAYLOAD, Body=data)
    one, other = (
        open_store(bucket.url, options=bucket.server.options) for bucket in (s3_bucket, mirror)
    )
    copy = server_copy(one, other)
    assert copy is not None
    copy.copy(PAYLOAD, len(data), algorithm="sha256", digest=sha256_bytes(data))
    assert header(client, s3_bucket.name, PAYLOAD) is None
    assert header(client, mirror.name, PAYLOAD) == cache_control(PAYLOAD)
    assert other.read(PAYLOAD, limit=100)[0] == data


def header(client: Any, bucket: str, key: str) -> str | None:
    found: str | None = client.head_object(Bucket=bucket, Key=key).get("CacheControl")
    return found
