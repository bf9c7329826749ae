"""The server of the benchmarks, as the clients that are measured see it."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from benchmarks.s3_server import BUCKET, S3Server
from benchmarks.s3_traffic import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def client(server: S3Server) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        region_name="us-east-1",
    )


def _store(server: S3Server, **options: Any) -> Any:
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        endpoint=server.endpoint,
        access_key_id="bench",
        secret_access_key="bench",
        region="us-east-1",
        client_options={"allow_http": True},
        **options,
    )


@pytest.mark.parametrize("checksum", [None, "SHA256", "CRC64NVME"])
def test_a_multipart_upload_of_obstore_comes_back_whole_and_in_ranges(
    server: S3Server, checksum: str | None
) -> None:
    import obstore

    store = _store(server, **({"checksum_algorithm": checksum} if checksum else {}))
    data = os.urandom(12 * MIB + 345)
    obstore.put(store, "a/large", data, chunk_size=5 * MIB)
    assert bytes(obstore.get(store, "a/large").bytes()) == data
    across_parts = obstore.get_range(store, "a/large", start=5 * MIB - 10, length=5 * MIB + 20)
    assert bytes(across_parts) == data[5 * MIB - 10 : 10 * MIB + 10]
    suffix = obstore.get(store, "a/large", options={"range": {"suffix": 7}})
    assert bytes(suffix.bytes()) == data[-7:]
    assert obstore.head(store, "a/large")["size"] == len(data)


def test_conditional_writes_of_obstore_elect_one_writer(server: S3Server) -> None:
    import obstore
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    store = _store(server)
    first = obstore.put(store, "c/one", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "c/one", b"second", mode="create")
    obstore.put(store, "c/one", b"third", mode={"e_tag": first["e_tag"]})
    with pytest.raises(PreconditionError):
        obstore.put(store, "c/one", b"fourth", mode={"e_tag": first["e_tag"]})
    assert bytes(obstore.get(store, "c/one").bytes()) == b"third"
    obstore.delete(store, ["c/one"])
    with pytest.raises(FileNotFoundError):
        obstore.get(store, "c/one")


def test_an_empty_object_is_an_object(server: S3Server) -> None:
    import obstore

    store = _store(server)
    obstore.put(store, "empty", b"")
    assert bytes(obstore.get(store, "empty").bytes()) == b""


def test_boto3_uploads_downloads_and_aborts(client: Any, tmp_path: Path) -> None:
    from boto3.s3.transfer import TransferConfig

    data = os.urandom(9 * MIB + 1)
    (tmp_path / "up").write_bytes(data)
    multipart = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    client.upload_file(str(tmp_path / "up"), BUCKET, "b/multi part+é", Config=multipart)
    client.download_file(BUCKET, "b/multi part+é", str(tmp_path / "down"), Config=multipart)
    assert (tmp_path / "down").read_bytes() == data
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="b/aborted")["UploadId"]
    part = {"Bucket": BUCKET, "Key": "b/aborted", "UploadId": upload}
    client.upload_part(**part, PartNumber=1, Body=b"x")
    client.abort_multipart_upload(**part)
    with pytest.raises(client.exceptions.NoSuchUpload):
        client.upload_part(**part, PartNumber=2, Body=b"x")


def test_what_is_missing_leaves_the_connection_usable(client: Any) -> None:
    for _ in range(2):
        with pytest.raises(client.exceptions.ClientError, match="404"):
            client.head_object(Bucket=BUCKET, Key="b/missing")
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket=BUCKET, Key="b/missing")


def test_a_trailing_checksum_is_no_part_of_the_object(client: Any) -> None:
    client.put_object(Bucket=BUCKET, Key="b/chunked", Body=b"abc" * 1000, ChecksumAlgorithm="CRC32")
    assert client.get_object(Bucket=BUCKET, Key="b/chunked")["Body"].read() == b"abc" * 1000


def test_listings_have_pages_prefixes_and_groups(client: Any) -> None:
    keys = [f"list/{folder}/{number}" for folder in "ab" for number in range(5)]
    for key in (*keys, "list/top", "listless"):
        client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    pages = client.get_paginator("list_objects_v2").paginate
    found = [
        item["Key"]
        for page in pages(Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 3})
        for item in page["Contents"]
    ]
    assert found == [*keys, "list/top"]
    groups: list[str] = []
    for page in pages(
        Bucket=BUCKET, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 1}
    ):
        groups += [group["Prefix"] for group in page.get("CommonPrefixes", [])]
        groups += [item["Key"] for item in page.get("Contents", [])]
    assert groups == ["list/a/", "list/b/", "list/top"]
    deletion = {"Objects": [{"Key": key} for key in keys]}
    client.delete_objects(Bucket=BUCKET, Delete=deletion)
    left = client.list_objects_v2(Bucket=BUCKET, Prefix="list/")["Contents"]
    assert [item["Key"] for item in left] == ["list/top"]


def test_requests_and_bytes_are_counted(server: S3Server, client: Any) -> None:
    before = server.counts()
    client.put_object(Bucket=BUCKET, Key="counted", Body=b"12345")
    client.get_object(Bucket=BUCKET, Key="counted", Range="bytes=1-3")["Body"].read()
    # The server counts what it has sent after the client may have read it.
    deadline = time.monotonic() + 10
    while (spent := server.counts() - before).sent < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (spent.requests["PUT"], spent.requests["GET"], spent.total) == (1, 1, 2)
    assert spent.sent == 3
    assert spent.received >= 5


def test_the_emulated_link_is_no_faster_than_it_was_set() -> None:
    import obstore

    with S3Server(pace=Pace(latency_ms=20, connection_mib=40)) as slow:
        store = _store(slow)
        start = time.monotonic()
        obstore.put(store, "slow", os.urandom(4 * MIB), use_multipart=False)
        obstore.get(store, "slow").bytes()
        assert time.monotonic() - start > 0.2 + 0.04


@pytest.mark.parametrize("keeps_parts", [True, False])
@pytest.mark.parametrize(
    ("head", "sent"),
    [("Content-Length: 1000", b"x" * 10), ("Transfer-Encoding: chunked", b"3e8\r\n" + b"x" * 10)],
)
def test_a_part_whose_sender_went_away_is_none(head: str, sent: bytes, keeps_parts: bool) -> None:
    """As of S3: who goes on with the upload must not find a part that is too short."""
    import boto3

    with S3Server(workers=1, keeps_parts=keeps_parts) as server:
        keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}
        where = {"endpoint_url": server.endpoint, "region_name": "us-east-1"}
        client = boto3.client("s3", **where, **keys)
        asked = {"Bucket": BUCKET, "Key": "cut"}
        upload = asked | {"UploadId": client.create_multipart_upload(**asked)["UploadId"]}
        address = urlsplit(server.endpoint)
        with socket.create_connection((address.hostname, address.port)) as sender:
            line = f"PUT /{BUCKET}/cut?partNumber=1&uploadId={upload['UploadId']} HTTP/1.1"
            sender.sendall(f"{line}\r\nHost: s3\r\n{head}\r\n\r\n".encode() + sent)
            sender.shutdown(socket.SHUT_WR)
            assert sender.recv(1) == b"", "there is no answer, and the server has looked at all"
        assert "Parts" not in client.list_parts(**upload)
        client.upload_part(**upload, PartNumber=1, Body=b"whole")
        assert [one["Size"] for one in client.list_parts(**upload)["Parts"]] == [5]
