"""A bucket on S3 keeps old versions: what is withdrawn goes with all of them, or is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.cli.failures import STORE_UNAVAILABLE, exit_code
from pe_dvc.primitives.errors import NotDeletedError, StorePermissionError
from pe_dvc.project.revoke import remove_revoked
from pe_dvc.project.stores import open_store
from tests.support.kept_repo import KeptRepo
from tests.support.revoking import Bench
from tests.support.s3_objects import S3Objects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket, S3Endpoint


class Versioned(Bench):
    """A published repo in a bucket of moto's that keeps versions, of each object two."""

    def __init__(self, kept: KeptRepo, bucket: S3Bucket) -> None:
        self.client: Any = bucket.server.client()
        self.bucket = bucket.name
        kept.store = open_store(bucket.url, options=bucket.server.options)
        super().__init__(kept, S3Objects(bucket))
        self.objects[self.payload] = self.objects[self.payload]

    def versions(self, key: str) -> list[str]:
        found = self.client.list_object_versions(Bucket=self.bucket, Prefix=key)
        return [
            one["VersionId"]
            for one in (*found.get("Versions", ()), *found.get("DeleteMarkers", ()))
        ]


@pytest.fixture
def versioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moto_bucket: S3Bucket) -> Versioned:
    kept = KeptRepo(tmp_path, monkeypatch)
    client = moto_bucket.server.client()
    enabled = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=moto_bucket.name, VersioningConfiguration=enabled)
    return Versioned(kept, moto_bucket)


def test_every_version_goes(versioned: Versioned) -> None:
    assert len(versioned.versions(versioned.payload)) == 2
    versioned.revoke()
    pushed = versioned.publish()
    assert pushed.removal is not None
    assert pushed.removal.is_complete
    assert versioned.versions(versioned.payload) == []
    assert versioned.versions(versioned.chunks) == []


def test_what_was_removed_before_is_in_old_versions(versioned: Versioned) -> None:
    """As after a lifecycle rule, or someone's `aws s3 rm`: only a marker is to be seen."""
    versioned.revoke()
    del versioned.objects[versioned.payload]
    assert len(versioned.versions(versioned.payload)) == 3
    versioned.publish()
    assert versioned.versions(versioned.payload) == []


def test_a_payload_put_back_in_an_old_version(versioned: Versioned) -> None:
    payload = versioned.objects[versioned.payload]
    versioned.revoke()
    versioned.publish()
    versioned.objects[versioned.payload] = payload
    del versioned.objects[versioned.payload]
    assert versioned.faults() == []
    assert remove_revoked(versioned.kept.repo).is_complete
    assert versioned.versions(versioned.payload) == []


def test_an_object_lock_is_named_and_the_rest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moto_server: S3Endpoint
) -> None:
    bench = _with_lock(tmp_path, monkeypatch, moto_server)
    _lock(bench, bench.versions(bench.payload)[0])
    bench.revoke()
    removal = bench.publish().removal
    assert removal is not None
    assert removal.left.keys() == {bench.payload}
    assert "cannot remove every version of" in removal.left[bench.payload]
    assert bench.payload not in bench.objects, "it is hidden, where it cannot be removed"
    assert len(bench.versions(bench.payload)) == 2, "what is locked, and a marker over it"
    assert bench.faults() == [("not removed", bench.chunks)], "its list says that it is there"
    for _ in range(2):
        again = remove_revoked(bench.kept.repo)
        assert again.left.keys() == {bench.payload}
        assert not again.is_complete
    assert len(bench.versions(bench.payload)) == 2, "no marker over a marker"
    pushed = bench.publish().removal
    assert pushed is not None
    assert pushed.left.keys() == {bench.payload}, "push tries again"


def test_an_old_version_under_a_lock_keeps_none_of_the_newer_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moto_server: S3Endpoint
) -> None:
    bench = _with_lock(tmp_path, monkeypatch, moto_server)
    current, old = bench.versions(bench.payload)
    _lock(bench, old)
    bench.revoke()
    removal = bench.publish().removal
    assert removal is not None
    assert removal.left.keys() == {bench.payload}
    assert bench.payload not in bench.objects
    left = bench.versions(bench.payload)
    assert old in left
    assert current not in left


def _with_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: S3Endpoint) -> Versioned:
    from tests.support.servers import S3Bucket

    name = f"locked-{tmp_path.name.replace('_', '-')}"
    server.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return Versioned(KeptRepo(tmp_path, monkeypatch), S3Bucket(server, name))


def _lock(bench: Versioned, version: str) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    bench.client.put_object_retention(
        Bucket=bench.bucket,
        Key=bench.payload,
        VersionId=version,
        Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until},
    )


def test_a_key_that_may_not_list_versions(
    versioned: Versioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    from pe_dvc.adapters.stores.s3_versions import S3Versions

    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectVersions")

    def refuse(*_: object) -> list[str]:
        raise denied

    monkeypatch.setattr(S3Versions, "_versions", refuse)
    with pytest.raises(StorePermissionError, match="cannot list the versions of") as error:
        versioned.store.purge([versioned.payload])
    assert "s3:ListBucketVersions" in (error.value.remedy or "")
    with pytest.raises(NotDeletedError) as several:
        versioned.store.purge([versioned.payload, versioned.chunks])
    assert exit_code(several.value) == STORE_UNAVAILABLE
    assert versioned.payload not in versioned.objects, "readers do not get it any more"
    assert len(versioned.versions(versioned.payload)) >= 2
