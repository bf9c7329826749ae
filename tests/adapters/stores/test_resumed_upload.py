"""Uploads of large files to S3 go on where failed and killed ones ended; nothing is trusted."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.stores import file_upload, kept_parts, resumed_upload
from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.adapters.stores.upload_parts import PART_SIZE
from pe_dvc.documents.cache_control import cache_control
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.project.stores import open_store
from tests.support.proxy import Proxy
from tests.support.servers import S3Bucket, S3Endpoint, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

    from pe_dvc.store.port import Store
    from tests.support.proxy import Trick

pytestmark = pytest.mark.either_store

KEY = "us/files/md5/4e/92"
FROM = 2 * PART_SIZE
SIZE = 2 * PART_SIZE + 1000

UPLOAD = """
import logging, sys, time
from pathlib import Path
from pe_dvc.adapters.stores import file_upload
from pe_dvc.project.stores import open_store

logging.basicConfig(level=logging.INFO)
file_upload.RESUMED_FROM = int(sys.argv[4])
gate, parts = Path(sys.argv[5]), []

def wait_after_four(count):
    parts.append(count)
    while len(parts) == 4 and not gate.exists():
        time.sleep(0.05)

open_store(sys.argv[1]).upload(sys.argv[2], Path(sys.argv[3]), progress=wait_after_four)
"""
"""Uploads a file, and after four parts waits for another file to appear."""


@pytest.fixture(params=["ministack", "moto"])
def bucket(request: pytest.FixtureRequest) -> S3Bucket:
    server: S3Endpoint = request.getfixturevalue(f"{request.param}_server")
    return S3Bucket(server, server.new_bucket())


@pytest.fixture
def proxy(bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(file_upload, "RESUMED_FROM", FROM)
    with serving(Proxy(bucket.server.endpoint)) as proxy:
        yield proxy


@pytest.fixture
def store(bucket: S3Bucket, proxy: Proxy) -> Store:
    return store_at(bucket, proxy)


def store_at(bucket: S3Bucket, proxy: Proxy, **more: str) -> Store:
    endpoint = f"http://127.0.0.1:{proxy.server_port}"
    return open_store(
        bucket.url, options={**bucket.server.options, "endpointurl": endpoint, **more}
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "file.bin", os.urandom(SIZE))


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def begun(bucket: S3Bucket, parts: dict[int, bytes], key: str = KEY, **more: str) -> str:
    """Leave an upload as a killed process does: as obstore begins it, with some of its parts."""
    client, where = bucket.server.client(), {"Bucket": bucket.name, "Key": key}
    headers = {"CacheControl": cache_control(key), "ChecksumAlgorithm": "SHA256", **more}
    upload: str = client.create_multipart_upload(**where, **headers)["UploadId"]
    for number, data in parts.items():
        client.upload_part(
            **where, UploadId=upload, PartNumber=number, Body=data, ChecksumAlgorithm="SHA256"
        )
    return upload


def part_of(file: Path, number: int) -> bytes:
    return file.read_bytes()[(number - 1) * PART_SIZE : number * PART_SIZE]


def sent(proxy: Proxy) -> list[int]:
    """Return the numbers of the parts that were sent through the proxy, in order."""
    found = (re.search(r"^PUT .*partNumber=(\d+)", one) for one in proxy.requests)
    return sorted(int(match[1]) for match in found if match)


def unfinished(bucket: S3Bucket) -> list[dict[str, Any]]:
    listed = bucket.server.client().list_multipart_uploads(Bucket=bucket.name)
    return list(listed.get("Uploads", ()))


def parts_there(bucket: S3Bucket) -> int:
    """Return how many parts the unfinished upload has."""
    client = bucket.server.client()
    return sum(
        len(
            client.list_parts(Bucket=bucket.name, Key=KEY, UploadId=one["UploadId"]).get(
                "Parts", ()
            )
        )
        for one in unfinished(bucket)
    )


def check_object(bucket: S3Bucket, file: Path) -> None:
    """Check that the object is the file, with the headers of any upload."""
    found = bucket.server.client().get_object(Bucket=bucket.name, Key=KEY)
    assert hashlib.sha256(found["Body"].read()).digest() == digest_of(file)
    assert found["CacheControl"] == cache_control(KEY)
    assert not found.get("ContentEncoding")


def digest_of(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


def uploading(bucket: S3Bucket, file: Path, gate: Path) -> subprocess.Popen[str]:
    """Start a process that uploads a file, and after four parts waits for ``gate``."""
    return subprocess.Popen(
        [sys.executable, "-c", UPLOAD, bucket.url, KEY, str(file), str(FROM), str(gate)],
        env={**os.environ, **bucket.server.environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_parts(bucket: S3Bucket, count: int) -> None:
    deadline = time.monotonic() + 60
    while parts_there(bucket) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_upload_whose_process_was_killed_goes_on(
    bucket: S3Bucket, proxy: Proxy, store: Store, tmp_path: Path
) -> None:
    file = written(tmp_path / "large.bin", os.urandom(7 * PART_SIZE + 5))
    with uploading(bucket, file, tmp_path / "never") as process:
        wait_for_parts(bucket, 3)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    there, counts = parts_there(bucket), list[int]()
    sha256 = store.upload(KEY, file, progress=counts.append)
    assert sha256 == digest_of(file).hex()
    assert sum(counts) == file.stat().st_size
    assert 3 <= there <= 4
    assert len(sent(proxy)) == 8 - there
    check_object(bucket, file)
    assert unfinished(bucket) == []


@pytest.fixture
def one_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_parts, "parts_in_flight", lambda part: 1)


@pytest.mark.usefixtures("one_part_at_a_time")
@pytest.mark.parametrize("how", ["refuse before", "hang up after"])
def test_an_upload_during_which_the_network_failed_goes_on(
    bucket: S3Bucket, proxy: Proxy, store: Store, tmp_path: Path, how: Trick
) -> None:
    file = written(tmp_path / "large.bin", os.urandom(5 * PART_SIZE + 5))
    proxy.trick = lambda number, method, path: how if "partNumber=4&" in path else None
    with pytest.raises(StoreUnavailableError) as caught:
        store.upload(KEY, file)
    assert "parts that arrived are not sent again" in str(caught.value.remedy)
    there = parts_there(bucket)
    assert there == (4 if how == "hang up after" else 3)
    proxy.trick = lambda number, method, path: None
    proxy.requests.clear()
    assert store.upload(KEY, file) == digest_of(file).hex()
    assert sent(proxy) == [*range(there + 1, 7)]
    check_object(bucket, file)
    assert unfinished(bucket) == []


@pytest.mark.parametrize("bucket", ["ministack"], indirect=True)
@pytest.mark.parametrize("last", ["partNumber=5&", "POST"])
def test_an_upload_at_whose_very_end_the_network_failed_goes_on(
    bucket: S3Bucket, proxy: Proxy, store: Store, tmp_path: Path, last: str
) -> None:
    """obstore wants to remove the parts then, and cannot: the network is lost for that, too."""
    file = written(tmp_path / "large.bin", os.urandom(4 * PART_SIZE + 5))
    lost: list[str] = []

    def fails(number: int, method: str, path: str) -> Trick | None:
        if last in f"{method} {path}" and "uploadId" in path:
            lost.append(path)
        return "refuse before" if lost else None

    proxy.trick = fails
    with pytest.raises(StoreUnavailableError) as caught:
        store.upload(KEY, file)
    assert "parts that are still there are not sent again" in str(caught.value.remedy)
    assert any(one.startswith("DELETE") for one in proxy.requests)
    there = parts_there(bucket)
    proxy.trick = lambda number, method, path: None
    proxy.requests.clear()
    store.upload(KEY, file)
    assert len(sent(proxy)) == 5 - there
    assert there == 5 or last != "POST"
    check_object(bucket, file)


@pytest.mark.usefixtures("one_part_at_a_time")
@pytest.mark.parametrize("bucket", ["ministack"], indirect=True)
def test_an_upload_whose_credentials_expired_goes_on_by_new_ones(
    bucket: S3Bucket, proxy: Proxy, store: Store, tmp_path: Path
) -> None:
    file = written(tmp_path / "large.bin", os.urandom(4 * PART_SIZE + 5))
    expired = b"<Error><Code>ExpiredToken</Code></Error>"
    proxy.instead = lambda method, path, headers, body: (
        (403, expired) if "partNumber=3&" in path else None
    )
    with pytest.raises(StorePermissionError):
        store.upload(KEY, file)
    proxy.instead = lambda method, path, headers, body: None
    proxy.requests.clear()
    store.upload(KEY, file)
    assert sent(proxy) == [3, 4, 5]
    check_object(bucket, file)


@pytest.mark.parametrize("bucket", ["ministack"], indirect=True)
def test_nothing_stays_of_a_file_of_another_digest(
    bucket: S3Bucket, store: Store, file: Path
) -> None:
    with pytest.raises(DigestMismatchError):
        store.upload(KEY, file, sha256=Sha256("0" * 64))
    # How many parts were sent before the digest was known depends on the speed of the disk.
    assert unfinished(bucket) == []
    assert "Contents" not in bucket.server.client().list_objects_v2(Bucket=bucket.name)


@pytest.mark.parametrize("bucket", ["ministack"], indirect=True)
def test_an_object_that_is_not_made_of_its_parts_is_an_error_of_ours(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    proxy.status, proxy.code = 503, "SlowDown"
    proxy.trick = lambda number, method, path: (
        "refuse before" if method == "POST" and "uploadId=" in path else None
    )
    with pytest.raises(StoreUnavailableError, match="HTTP 503 Service Unavailable, SlowDown"):
        store.upload(KEY, file)
    assert "Contents" not in bucket.server.client().list_objects_v2(Bucket=bucket.name)


def test_a_part_with_other_bytes_is_sent_again(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    begun(bucket, {1: part_of(file, 1), 2: bytes(PART_SIZE)})
    store.upload(KEY, file, sha256=Sha256(digest_of(file).hex()))
    assert sent(proxy) == [2, 3]
    check_object(bucket, file)


def test_a_part_that_is_replaced_after_it_was_compared_is_not_in_the_object(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    upload = begun(bucket, {1: part_of(file, 1)})
    replaced: list[int] = []

    def replace(method: str, path: str, headers: Message, body: bytes) -> None:
        if method == "POST" and f"uploadId={upload}" in path and not replaced:
            replaced.append(1)
            bucket.server.client().upload_part(
                Bucket=bucket.name,
                Key=KEY,
                UploadId=upload,
                PartNumber=1,
                Body=bytes(PART_SIZE),
                ChecksumAlgorithm="SHA256",
            )

    proxy.instead = replace
    store.upload(KEY, file)
    assert replaced
    assert sent(proxy) == [1, 2, 2, 3, 3]
    check_object(bucket, file)
    assert unfinished(bucket) == []


@pytest.mark.parametrize("other", ["no parts", "larger parts", "more parts"])
def test_an_upload_that_is_divided_otherwise_is_left_alone(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path, other: str
) -> None:
    first, second = part_of(file, 1), part_of(file, 2)
    parts = {
        "no parts": {},
        "larger parts": {1: first + second[:1000]},
        "more parts": {1: first, 2: second, 4: b"and more"},
    }
    upload = begun(bucket, parts[other])
    store.upload(KEY, file)
    assert sent(proxy) == [1, 2, 3]
    check_object(bucket, file)
    assert [one["UploadId"] for one in unfinished(bucket)] == [upload]


def test_of_several_uploads_the_one_with_most_parts_goes_on(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    for numbers in ((1,), (1, 2), (2,)):
        begun(bucket, {number: part_of(file, number) for number in numbers})
    store.upload(KEY, file)
    assert sent(proxy) == [3]
    check_object(bucket, file)


def test_nothing_of_another_file_is_used(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    begun(bucket, {number: part_of(file, number) for number in (1, 2, 3)})
    written(file, os.urandom(SIZE))
    store.upload(KEY, file)
    assert sent(proxy) == [1, 2, 3]
    check_object(bucket, file)


def test_a_file_of_another_digest_never_becomes_an_object(
    bucket: S3Bucket, store: Store, file: Path
) -> None:
    begun(bucket, {1: part_of(file, 1)})
    with pytest.raises(DigestMismatchError):
        store.upload(KEY, file, sha256=Sha256("0" * 64))
    assert "Contents" not in bucket.server.client().list_objects_v2(Bucket=bucket.name)


def test_the_upload_of_a_key_that_is_longer_is_left_alone(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    begun(bucket, {1: part_of(file, 1)}, key=f"{KEY}.dir")
    store.upload(KEY, file)
    assert sent(proxy) == [1, 2, 3]
    assert [one["Key"] for one in unfinished(bucket)] == [f"{KEY}.dir"]


@pytest.mark.parametrize("refused", [r"GET /[^/]*\?.*uploads", r"GET .*uploadId="])
def test_who_may_not_list_uploads_sends_the_file_from_its_beginning(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path, refused: str
) -> None:
    begun(bucket, {1: part_of(file, 1)})

    def refuse(method: str, path: str, headers: Message, body: bytes) -> tuple[int, bytes] | None:
        denied = b"<Error><Code>AccessDenied</Code></Error>"
        return (403, denied) if re.match(refused, f"{method} {path}") else None

    proxy.instead = refuse
    store.upload(KEY, file)
    assert sent(proxy) == [1, 2, 3]
    check_object(bucket, file)


def test_two_pushes_of_one_file_at_once_both_end_well(
    bucket: S3Bucket, store: Store, tmp_path: Path
) -> None:
    file = written(tmp_path / "large.bin", os.urandom(5 * PART_SIZE + 5))
    with uploading(bucket, file, tmp_path / "go on") as slow:
        wait_for_parts(bucket, 3)
        store.upload(KEY, file)
        check_object(bucket, file)
        bucket.server.client().delete_object(Bucket=bucket.name, Key=KEY)
        (tmp_path / "go on").touch()
        _, said = slow.communicate(timeout=60)
    assert slow.returncode == 0, said
    assert "another push continued its upload" in said
    check_object(bucket, file)
    assert unfinished(bucket) == []


def test_a_push_that_goes_on_ends_well_when_the_other_was_first(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    upload = begun(bucket, {1: part_of(file, 1)})

    def gone(method: str, path: str, headers: Message, body: bytes) -> tuple[int, bytes] | None:
        # As S3 says it; moto only fails.
        is_its = method == "PUT" and f"uploadId={upload}" in path
        return (404, b"<Error><Code>NoSuchUpload</Code></Error>") if is_its else None

    proxy.instead = gone
    store.upload(KEY, file)
    check_object(bucket, file)


def test_a_push_in_whose_upload_another_one_put_other_bytes_sends_it_again(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    refused: list[str] = []

    def refuse(method: str, path: str, headers: Message, body: bytes) -> tuple[int, bytes] | None:
        if method == "POST" and "uploadId=" in path and not refused:
            refused.append(path)
            return 400, b"<Error><Code>InvalidPart</Code></Error>"
        return None

    proxy.instead = refuse
    store.upload(KEY, file)
    assert refused
    assert sent(proxy) == [1, 1, 2, 2, 3, 3]
    check_object(bucket, file)


def test_credentials_that_were_renewed_meanwhile_are_used(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    begun(bucket, {2: part_of(file, 2)})
    tokens: list[str | None] = []
    assert isinstance(store, ObjectStore)
    assert store.s3 is not None
    keys = store.s3.keys()

    def note(method: str, path: str, headers: Message, body: bytes) -> None:
        if "uploadId=" in path:
            tokens.append(headers.get("X-Amz-Security-Token"))

    def current() -> dict[str, Any]:
        return {**keys, "token": "second" if "first" in tokens else "first"}

    proxy.instead, store.s3._credentials = note, current
    store.upload(KEY, file)
    assert tokens[0] == "first"
    assert tokens[-1] == "second"
    assert sent(proxy) == [1, 3]
    check_object(bucket, file)


@pytest.mark.parametrize(
    "header", [{"CacheControl": "no-store"}, {"ContentEncoding": "gzip"}, {"Metadata": {"a": "b"}}]
)
def test_an_upload_that_someone_began_with_other_headers_is_written_again(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path, header: dict[str, Any]
) -> None:
    begun(bucket, {number: part_of(file, number) for number in (1, 2, 3)}, **header)
    store.upload(KEY, file)
    assert sent(proxy) == [1, 2, 3]
    check_object(bucket, file)
    head = bucket.server.client().head_object(Bucket=bucket.name, Key=KEY)
    assert not head.get("Metadata")


def test_an_object_that_was_made_while_the_answer_was_lost_is_not_sent_again(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path
) -> None:
    begun(bucket, {1: part_of(file, 1)})
    lost: list[int] = []

    def lose(number: int, method: str, path: str) -> Any:
        if method == "POST" and "uploadId=" in path and not lost:
            lost.append(number)
            return "hang up after"
        return None

    proxy.trick = lose
    store.upload(KEY, file)
    assert lost
    check_object(bucket, file)
    assert set(sent(proxy)) == {2, 3} or sent(proxy) == [1, 2, 2, 3, 3]


def test_what_arrived_before_the_server_failed_is_not_sent_again(
    bucket: S3Bucket, proxy: Proxy, store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = {**resumed_upload._PATIENCE, "retries": {"mode": "standard", "max_attempts": 1}}
    monkeypatch.setattr(resumed_upload, "_PATIENCE", patience)
    begun(bucket, {1: part_of(file, 1)})
    proxy.trick = lambda number, method, path: "refuse before" if "partNumber=3" in path else None
    with pytest.raises(StoreUnavailableError, match="SlowDown") as caught:
        store.upload(KEY, file)
    assert "not sent again" in str(caught.value.remedy)
    proxy.trick = lambda number, method, path: None
    proxy.requests.clear()
    store.upload(KEY, file)
    assert sent(proxy) == [3]
    check_object(bucket, file)


def test_a_file_to_be_encrypted_by_an_option_is_sent_from_its_beginning(
    bucket: S3Bucket, proxy: Proxy, file: Path
) -> None:
    begun(bucket, {1: part_of(file, 1)})
    store_at(bucket, proxy, sse="AES256").upload(KEY, file)
    assert sent(proxy) == [1, 2, 3]


def test_a_smaller_file_is_sent_without_a_question(
    bucket: S3Bucket, proxy: Proxy, store: Store, tmp_path: Path
) -> None:
    file = written(tmp_path / "smaller.bin", os.urandom(FROM - 1))
    store.upload(KEY, file)
    check_object(bucket, file)
    assert [one for one in proxy.requests if one.startswith("GET")] == []
