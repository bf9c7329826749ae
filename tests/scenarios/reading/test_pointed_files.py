"""Signed pointers say what a download needs, so many datasets cost a request each. ADR 0030."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key
from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    RevokedError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.project.get_all import get_all
from pe_dvc.project.reader import Reader
from tests.scenarios.reading.conftest import MIB
from tests.support.factories import pointer_to
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.country import Country


@pytest.fixture
def bucket(tmp_path: Path, country: Country) -> RecordingStore:
    return RecordingStore(LocalStore(tmp_path / "bucket"), {})


def states(count: int) -> dict[str, bytes]:
    return {f"states/S{number:03d}": f"state {number}".encode() for number in range(count)}


def references(count: int) -> list[str]:
    return [f"pe-data://us/{name}@latest" for name in states(count)]


def asked(bucket: RecordingStore, count: int, **given: bool) -> list[str]:
    """Return the keys that getting so many datasets asks the bucket for."""
    bucket.clear_record()
    done = get_all(references(count), store=bucket, **given)  # type: ignore[arg-type]
    data = [one.fetched.path.read_bytes() for one in done if one.fetched]
    assert data == list(states(count).values())
    return [key for _, key in bucket.log]


def test_a_dataset_more_costs_a_request_more(
    country: Country, bucket: RecordingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    country.publish(states(40))
    cost = {}
    for count in (2, 40):
        monkeypatch.setenv("PE_DVC_CACHE_DIR", str(tmp_path / f"cache-{count}"))
        monkeypatch.setenv("PE_DVC_STATE_DIR", str(tmp_path / f"state-{count}"))
        cost[count] = asked(bucket, count)
    assert len(cost[40]) - len(cost[2]) == 38
    assert not [key for key in cost[40] if key.endswith(".manifest.json")]


def test_channels_of_earlier_versions_are_read_by_their_manifests(
    country: Country, bucket: RecordingStore
) -> None:
    manifests = country.publish(states(3))
    country.signed.point("latest", [pointer_to(one, file=None) for one in manifests])
    country.signed.publish_to(country.store)
    assert len([key for key in asked(bucket, 3) if key.endswith(".manifest.json")]) == 3


def test_earlier_versions_take_it_for_a_note(country: Country) -> None:
    """They read length, sha256 and the manifest's, and leave all else of ``custom`` as it is."""
    (manifest,) = country.publish(states(1))
    now, before = pointer_to(manifest), pointer_to(manifest, file=None)
    target = now.to_target()
    note = target["custom"].pop("file")
    assert target == before.to_target()
    assert note == {"path": "data/states/S000.parquet", "md5": manifest.artifact.dvc.md5}


def test_a_file_of_many_chunks_is_resumed_without_a_manifest(
    country: Country, payload: bytes
) -> None:
    (manifest,) = country.publish({"states/S000": payload})
    found = Reader("us").resolve(references(1)[0], for_bytes=True)
    assert found.payload == pe_dvc.resolve(references(1)[0]).payload
    assert manifest.artifact.size > 4 * MIB
    assert found.payload.chunks_sha256 == manifest.artifact.parts_sha256


def test_a_manifest_is_verified_once_it_is_asked_for(country: Country) -> None:
    (manifest,) = country.publish(states(1))
    key = manifest_key("us", Sha256(manifest.artifact.sha256))
    found = Reader("us").resolve(references(1)[0], for_bytes=True)
    country.write(key, manifest.to_bytes().replace(b"RECID", b"OTHER"))
    with pytest.raises(DigestMismatchError, match="the manifest of"):
        _ = found.manifest
    country.write(key, manifest.to_bytes())
    assert found.manifest == manifest


def test_what_is_withdrawn_is_refused_without_its_manifest(
    country: Country, bucket: RecordingStore
) -> None:
    manifests = country.publish(states(2))
    country.revoke(manifests[0])
    bucket.clear_record()
    done = get_all(references(2), store=bucket)  # type: ignore[arg-type]
    assert isinstance(done[0].error, RevokedError)
    assert done[1].fetched is not None
    assert not [key for _, key in bucket.log if str(manifests[0].artifact.sha256) in key]
    assert manifests[0].artifact.key not in [key for _, key in bucket.log]


def test_withdrawn_after_it_was_resolved(country: Country) -> None:
    """The manifest is not shown then, as the bytes are not."""
    (manifest,) = country.publish(states(1))
    reader = Reader("us")
    found = reader.resolve(references(1)[0], for_bytes=True)
    country.revoke(manifest)
    reader.revocations.look_again()
    with pytest.raises(RevokedError):
        _ = found.manifest


def test_it_goes_to_another_process_with_its_manifest(country: Country) -> None:
    (manifest,) = country.publish(states(1))
    found = Reader("us").resolve(references(1)[0], for_bytes=True)
    assert pickle.loads(pickle.dumps(found)).manifest == manifest


def test_offline_the_bytes_and_the_pin_are_there_and_the_description_is_not(
    country: Country, bucket: RecordingStore, tmp_path: Path
) -> None:
    country.publish(states(2))
    asked(bucket, 2)
    (tmp_path / "bucket").rename(tmp_path / "unplugged")
    assert [one.error for one in pe_dvc.get_all(references(2), offline=True)] == [None, None]
    listed = pe_dvc.ls("us", offline=True)
    pin = f"pe-data://us/{listed[0].name}@sha256:{listed[0].sha256}"
    assert pe_dvc.fetch(pin, offline=True).read_bytes() == b"state 0"
    with pytest.raises(StoreUnavailableError, match="not read offline"):
        pe_dvc.manifest(references(1)[0], offline=True)


def test_a_pointer_that_contradicts_its_manifest(country: Country) -> None:
    """Signed by mistake, or by who wants readers of bytes and of manifests to see two paths."""
    (manifest,) = country.publish(states(1))
    honest = pointer_to(manifest)
    assert honest.file is not None
    lying = replace(honest, file=replace(honest.file, path="data/other.parquet"))
    country.signed.point("latest", [lying])
    country.signed.publish_to(country.store)
    with pytest.raises(VerificationError, match=r"the signed pointer says data/other\.parquet"):
        pe_dvc.resolve(references(1)[0])
    with pytest.raises(VerificationError, match=r"the signed pointer says data/other\.parquet"):
        _ = Reader("us").resolve(references(1)[0], for_bytes=True).manifest


def test_a_pointer_to_other_bytes_is_refused_as_it_ever_was(
    country: Country, bucket: RecordingStore
) -> None:
    """A pointer whose md5 leads to another payload brings nothing: the sha256 decides."""
    one, other = country.publish(states(2))
    honest = pointer_to(one)
    assert honest.file is not None
    lying = replace(honest, file=replace(honest.file, md5=other.artifact.dvc.md5))
    country.signed.point("latest", [lying, pointer_to(other)])
    country.signed.publish_to(country.store)
    done = get_all(references(2), store=bucket)  # type: ignore[arg-type]
    assert isinstance(done[0].error, DigestMismatchError)
    assert done[1].fetched is not None


def test_where_a_manifest_decides_a_pointer_says_nothing(country: Country) -> None:
    (manifest,) = country.publish(states(1))
    artifact = manifest.artifact
    elsewhere = artifact.model_copy(update={"location": "hf://owner/repo@main/a.parquet"})
    assert PointedFile.of_artifact(artifact) is not None
    assert PointedFile.of_artifact(elsewhere) is None
