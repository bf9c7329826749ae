"""Offline: API, command and fsspec answer from what was read before, without the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fsspec
import pytest

import pe_dvc
from pe_dvc.documents.keys import manifest_key
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, StoreUnavailableError
from pe_dvc.project.reader import Reader
from pe_dvc.project.stores import open_offline
from tests.scenarios.reading.conftest import MIB
from tests.support.commands import run_pe_dvc
from tests.support.country import LATEST, NAME, Country
from tests.support.factories import manifest_of
from tests.support.servers import answering

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest


@pytest.fixture
def bucket(country: Country, tmp_path: Path) -> Path:
    PeDataFileSystem.clear_instance_cache()
    return tmp_path / "bucket"


def unplug(bucket: Path) -> None:
    bucket.rename(bucket.with_name("unplugged"))


def test_every_function_answers_from_what_was_read(bucket: Path, payload: bytes) -> None:
    path, listed = pe_dvc.fetch(LATEST), pe_dvc.ls("us")
    unplug(bucket)
    with pytest.raises(NotFoundError):
        pe_dvc.resolve(LATEST)
    assert pe_dvc.resolve(LATEST, offline=True).sha256 == listed[0].sha256
    assert pe_dvc.manifest(LATEST, offline=True).artifact.name == NAME
    assert pe_dvc.fetch(LATEST, offline=True) == path
    assert pe_dvc.ls("us", offline=True) == listed
    with pe_dvc.open(LATEST, offline=True) as file:
        assert file.read() == payload


def test_what_was_read_in_part_is_there_in_part(bucket: Path, payload: bytes) -> None:
    with pe_dvc.open(LATEST) as file:
        file.read(10)
    unplug(bucket)
    with pe_dvc.open(LATEST, offline=True) as file:
        assert file.read(10) == payload[:10]
        file.seek(8 * MIB)
        with pytest.raises(StoreUnavailableError, match="not read offline"):
            file.read(10)
    with pytest.raises(StoreUnavailableError, match="or not all of them") as caught:
        pe_dvc.fetch(LATEST, offline=True)
    pinned = pe_dvc.resolve(LATEST, offline=True).pinned
    assert caught.value.remedy == f"Fetch them once online: pe-dvc get {pinned}"


def test_fsspec_takes_it_as_a_storage_option(bucket: Path, payload: bytes) -> None:
    pe_dvc.fetch(LATEST)
    unplug(bucket)
    files = fsspec.filesystem("pe-data", offline=True)
    assert files.ls("us", detail=False) == [f"us/{NAME}@latest"]
    assert files.cat(LATEST) == payload
    with fsspec.open(LATEST, offline=True) as file:
        assert file.read(4) == payload[:4]
    with pytest.raises(FileNotFoundError):
        fsspec.filesystem("pe-data").cat(LATEST)


# Pins. That they are offline changes nothing of who vouches for what: for the bytes, the pin.


@pytest.mark.parametrize("read_as", ["latest", "pin"])
def test_a_pin_of_what_was_read(
    bucket: Path, payload: bytes, read_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = str(pe_dvc.resolve(LATEST).pinned)
    if read_as == "pin":  # by somebody who trusts nobody
        for place in ("CACHE", "CONFIG", "STATE"):
            monkeypatch.setenv(f"PE_DVC_{place}_DIR", str(tmp_path / "stranger" / place))
    path = pe_dvc.fetch(pin if read_as == "pin" else LATEST)
    unplug(bucket)
    assert pe_dvc.fetch(pin, offline=True) == path
    with pe_dvc.open(pin, offline=True) as file:
        assert file.read() == payload
    done = run_pe_dvc("get", pin, "--offline")
    assert done.stdout.strip() == str(path)
    assert ("whether data of us was withdrawn is not checked" in done.stderr) == (read_as == "pin")
    assert "signed by    no one" in run_pe_dvc("show", pin, "--offline").stdout


def test_a_pin_that_was_never_read(bucket: Path) -> None:
    pin = str(pe_dvc.resolve(LATEST).pinned)
    unplug(bucket)
    run_pe_dvc("show", pin, "--offline")
    said = run_pe_dvc("get", pin, "--offline", code=5).stderr
    assert f"{pin}: the bytes sha256:" in said
    assert f"Fetch them once online: pe-dvc get {pin}" in said
    other = f"pe-data://us/{NAME}@sha256:{'0' * 64}"
    said = run_pe_dvc("get", other, "--offline", code=3).stderr
    assert "no manifest of that artifact is in the cache" in said
    assert f"Read it once online: pe-dvc get {other}" in said


def test_a_pin_under_another_name_is_said_to_be(bucket: Path) -> None:
    resolved = pe_dvc.resolve(LATEST)
    with pytest.raises(FormatError, match=f"manifest of us/{NAME}, and us/other was asked for"):
        pe_dvc.resolve(f"pe-data://us/other@sha256:{resolved.sha256}", offline=True)


def test_altered_manifests_and_those_that_only_mention_it_are_passed_over(
    bucket: Path, tmp_path: Path
) -> None:
    resolved = pe_dvc.resolve(LATEST)
    cache = Reader("us").cache
    for document in (f'{{"artifacts": "{resolved.sha256}"}}', f"not JSON: {resolved.sha256}"):
        data = document.encode()
        cache.keep_manifest(sha256_bytes(data), data)
    assert pe_dvc.resolve(str(resolved.pinned), offline=True).sha256 == resolved.sha256
    (kept,) = (tmp_path / "reader/cache/manifests").glob(
        f"??/{sha256_bytes(resolved.document)}.json"
    )
    kept.write_bytes(resolved.document.replace(b"data/", b"evil/"))
    found = Reader("us", offline=True).resolve(str(resolved.pinned))
    assert found.payload == resolved.payload, "the signed pointer says where the bytes lie"
    unplug(bucket)
    with pytest.raises(StoreUnavailableError):
        _ = found.manifest


def test_what_a_bucket_claims_of_a_pin_is_never_taken_for_signed(
    country: Country, payload: bytes, tmp_path: Path
) -> None:
    """A forged manifest, kept when a pin was read, is found by its own sha256 alone."""
    (honest,) = country.publish({NAME: payload})
    forged: Manifest = manifest_of(payload, name=NAME, path="data/forged.parquet")
    country.write(manifest_key("us", Sha256(honest.artifact.sha256)), forged.to_bytes())
    pin = f"pe-data://us/{NAME}@sha256:{honest.artifact.sha256}"
    assert pe_dvc.manifest(pin).artifact.path == "data/forged.parquet"
    country.write(manifest_key("us", Sha256(honest.artifact.sha256)), honest.to_bytes())
    assert pe_dvc.manifest(LATEST) == honest
    assert pe_dvc.manifest(LATEST, offline=True) == honest


def test_nobody_is_asked_for_a_buckets_region_or_for_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PE_DVC_STATE_DIR", str(tmp_path))
    with answering(404) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.endpoint)
        for url, canonical in (
            ("s3://bucket/", "s3://bucket"),
            ("gcs://bucket/a/", "gs://bucket/a"),
            ("azure://bucket", "az://bucket"),
            (str(tmp_path), str(tmp_path)),
        ):
            store = open_offline(url)
            assert store.url == canonical
            with pytest.raises(StoreUnavailableError):
                store.read("k", limit=1)
        assert server.requests == []
