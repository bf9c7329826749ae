"""Uploads to S3 that were begun and never ended: found by age, and removed, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.stores.s3_uploads import S3Uploads, s3_uploads_of
from pe_dvc.documents.keys import country_prefix
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project.stores import open_store
from pe_dvc.usecases.retention.unfinished import find_uploads, remove_uploads
from tests.support.memory_store import MemoryStore
from tests.support.proxy import before
from tests.support.servers import S3Bucket, S3Endpoint

if TYPE_CHECKING:
    from pathlib import Path

KEY = "us/files/md5/4e/92"
DAY = timedelta(days=1)


@pytest.fixture(params=["ministack", "moto"])
def bucket(request: pytest.FixtureRequest) -> S3Bucket:
    server: S3Endpoint = request.getfixturevalue(f"{request.param}_server")
    return S3Bucket(server, server.new_bucket())


def begun(bucket: S3Bucket, key: str, *parts: bytes) -> str:
    client, where = bucket.server.client(), {"Bucket": bucket.name, "Key": key}
    upload: str = client.create_multipart_upload(**where)["UploadId"]
    for number, data in enumerate(parts, 1):
        client.upload_part(**where, UploadId=upload, PartNumber=number, Body=data)
    return upload


def uploads_of(bucket: S3Bucket, prefix: str = "") -> S3Uploads:
    found = s3_uploads_of(open_store(f"{bucket.url}{prefix}", options=bucket.server.options))
    assert found is not None
    return found


def left(bucket: S3Bucket) -> list[str]:
    listed = bucket.server.client().list_multipart_uploads(Bucket=bucket.name)
    return sorted(one["Key"] for one in listed.get("Uploads", ()))


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + days * DAY


def test_old_ones_of_the_country_are_found_with_their_size_and_removed(bucket: S3Bucket) -> None:
    begun(bucket, KEY, b"x" * 1000, b"y" * 234)
    begun(bucket, KEY)
    begun(bucket, "usa/files/md5/4e/92", b"other country's")
    bucket.server.client().put_object(Bucket=bucket.name, Key=KEY, Body=b"an object")
    uploads = uploads_of(bucket)
    found = find_uploads(uploads, country_prefix("us"), now=in_days(15), grace=14 * DAY)
    assert [(one.key, one.size) for one in found.found] == [(KEY, 1234), (KEY, 0)]
    assert found.found_bytes == 1234
    remove_uploads(uploads, found)
    assert (found.removed, found.removed_bytes, found.failures) == (2, 1234, {})
    assert left(bucket) == ["usa/files/md5/4e/92"]
    assert bucket.server.client().head_object(Bucket=bucket.name, Key=KEY)["ContentLength"] == 9


def test_young_ones_are_left_as_a_push_may_go_on_with_them(s3_bucket: S3Bucket) -> None:
    begun(s3_bucket, KEY, b"part")  # not on moto, where all begin in 2010
    found = find_uploads(uploads_of(s3_bucket), "us", now=in_days(13), grace=14 * DAY)
    assert found.found == []


def test_a_store_that_begins_within_a_bucket_sees_its_own(bucket: S3Bucket) -> None:
    begun(bucket, f"data/{KEY}", b"part")
    begun(bucket, KEY, b"another store's")
    uploads = uploads_of(bucket, "/data")
    found = find_uploads(uploads, country_prefix("us"), now=in_days(1), grace=timedelta(0))
    assert [one.key for one in found.found] == [KEY]
    remove_uploads(uploads, found)
    assert left(bucket) == [KEY]


def test_one_that_ended_meanwhile_is_no_failure(bucket: S3Bucket) -> None:
    upload = begun(bucket, KEY, b"part")
    uploads = uploads_of(bucket)
    found = find_uploads(uploads, country_prefix("us"), now=in_days(1), grace=timedelta(0))
    where = {"Bucket": bucket.name, "Key": KEY, "UploadId": upload}
    bucket.server.client().abort_multipart_upload(**where)
    remove_uploads(uploads, found)
    assert (found.removed, found.failures) == (0, {})
    with pytest.raises(NotFoundError):
        uploads.remove(found.found[0])


def test_who_may_not_list_or_remove_them_is_told(s3_bucket: S3Bucket) -> None:
    begun(s3_bucket, KEY, b"part")
    denied = (403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
    refused: list[str] = ["GET", "DELETE"]

    def refuse(method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes] | None:
        return denied if method == refused[-1] else None

    with before(s3_bucket) as (proxy, seen):
        proxy.instead = refuse
        uploads = uploads_of(seen)
        found = find_uploads(uploads, country_prefix("us"), now=in_days(1), grace=timedelta(0))
        remove_uploads(uploads, found)
        assert list(found.failures) == [KEY]
        assert "s3:AbortMultipartUpload" in str(found.failures[KEY].remedy)
        refused.pop()
        found = find_uploads(uploads, country_prefix("us"), now=in_days(1), grace=timedelta(0))
        assert found.found == []
        assert "Access Denied" in str(found.untold)
    assert left(s3_bucket) == [KEY]


def test_other_stores_have_none(tmp_path: Path) -> None:
    assert s3_uploads_of(MemoryStore()) is None
    assert s3_uploads_of(open_store(str(tmp_path))) is None
    assert find_uploads(None, "us", now=in_days(1), grace=DAY).to_json()["found"] == []
