"""Resolve and fetch, against a real directory store that an attacker can write to."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    UnsupportedVersionError,
)
from pe_dvc.primitives.reference import Reference
from pe_dvc.store.cache import Cache
from pe_dvc.store.local_copies import copy_out
from pe_dvc.usecases.read.fetch import fetch
from pe_dvc.usecases.read.resolve import Resolved, resolve
from tests.support.country import nothing_is_revoked
from tests.support.factories import manifest_of, pointer_to
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release_target import Released

PAYLOAD = bytes(range(256)) * 5000
LATEST = Reference.parse("us/enhanced_cps_2024@latest")


class SignedPointers:
    """The pointers of a channel, as the trust layer would hand them over."""

    def __init__(self, *pointers: Pointer) -> None:
        self._pointers = {(p.channel, p.name): p for p in pointers}

    def lookup(self, channel: str, name: str) -> Pointer | None:
        return self._pointers.get((channel, name))

    def pointers(self, channel: str) -> list[Pointer]:
        return [p for (c, _), p in self._pointers.items() if c == channel]

    def releases(self) -> dict[str, Released]:
        return {}


class Bucket:
    """A store with one published dataset, a cache, and the pointer that was signed for it."""

    def __init__(self, directory: Path) -> None:
        self.store = CountingStore(LocalStore(directory / "bucket"))
        self.cache = Cache(directory / "cache")
        self.manifest = manifest_of(PAYLOAD)
        self.channels = SignedPointers(pointer_to(self.manifest))
        self.write(self.manifest_key, self.manifest.to_bytes())
        self.write(self.payload_key, PAYLOAD)

    @property
    def manifest_key(self) -> str:
        return manifest_key("us", Sha256(self.manifest.artifact.sha256))

    @property
    def payload_key(self) -> str:
        return payload_key("us", self.manifest.artifact.dvc.md5)

    def write(self, key: str, data: bytes) -> None:
        self.store.inner.overwrite(key, data)

    def resolve(self, reference: Reference = LATEST) -> Resolved:
        return resolve(
            reference,
            store=self.store,
            channels=self.channels,
            cache=self.cache,
            refuse=nothing_is_revoked,
        )

    def fetch(self, reference: Reference = LATEST) -> Path:
        return fetch(self.resolve(reference), store=self.store, cache=self.cache)

    def cached_files(self) -> list[Path]:
        return [
            path
            for path in self.cache.directory.rglob("*")
            if path.is_file() and "locks" not in path.parts and "manifests" not in path.parts
        ]


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


def test_resolve_reads_no_payload_and_the_manifest_once(bucket: Bucket) -> None:
    assert bucket.resolve().manifest == bucket.manifest
    assert bucket.resolve().pinned == Reference.parse(bucket.manifest.reference)
    assert bucket.store.calls == {"read": 1}


def test_fetch_gives_the_bytes_and_then_downloads_no_more(bucket: Bucket) -> None:
    first, second = bucket.fetch(), bucket.fetch()
    assert first == second
    assert first.read_bytes() == PAYLOAD
    assert first.suffix == ".parquet"
    assert not first.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    assert bucket.store.calls["download"] == 1


def test_a_pin_needs_no_channel(bucket: Bucket) -> None:
    pin = Reference.pinned("us", "enhanced_cps_2024", bucket.resolve().sha256)
    resolved = resolve(
        pin, store=bucket.store, channels=None, cache=bucket.cache, refuse=nothing_is_revoked
    )
    assert resolved.pointer is None
    assert fetch(resolved, store=bucket.store, cache=bucket.cache).read_bytes() == PAYLOAD


def test_many_readers_at_once_download_once(bucket: Bucket) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: bucket.fetch(), range(8)))
    assert set(paths) == {paths[0]}
    assert bucket.store.calls["download"] == 1


@pytest.mark.parametrize(
    "altered",
    [
        PAYLOAD[:1000] + bytes([PAYLOAD[1000] ^ 1]) + PAYLOAD[1001:],
        PAYLOAD[:-1],
        PAYLOAD + b"x",
        b"",
    ],
    ids=["one bit flipped", "shorter", "longer", "empty"],
)
def test_payload_replaced_is_refused_and_leaves_nothing(bucket: Bucket, altered: bytes) -> None:
    bucket.write(bucket.payload_key, altered)
    with pytest.raises(DigestMismatchError) as caught:
        bucket.fetch()
    assert bucket.payload_key in str(caught.value)
    assert bucket.cached_files() == []
    bucket.write(bucket.payload_key, PAYLOAD)
    assert bucket.fetch().read_bytes() == PAYLOAD


def test_manifest_replaced_behind_a_valid_pointer_is_refused(bucket: Bucket) -> None:
    forged = manifest_of(b"other bytes", sha256=bucket.manifest.artifact.sha256).to_bytes()
    bucket.write(bucket.manifest_key, forged)
    with pytest.raises(DigestMismatchError) as caught:
        bucket.resolve()
    assert f"got sha256:{sha256_bytes(forged)}" in str(caught.value)
    assert "(signed)" in str(caught.value)


def test_manifest_of_other_bytes_under_a_pinned_digest_is_refused(bucket: Bucket) -> None:
    pin = Reference.pinned("us", "enhanced_cps_2024", bucket.resolve().sha256)
    bucket.write(bucket.manifest_key, manifest_of(b"other").to_bytes())
    with pytest.raises(DigestMismatchError):
        bucket.resolve(pin)


def test_a_digest_of_another_dataset_is_refused_by_name(bucket: Bucket) -> None:
    pin = Reference.pinned("us", "cps_2024", bucket.resolve().sha256)
    with pytest.raises(FormatError, match=r"manifest of us/enhanced_cps_2024, and us/cps_2024"):
        bucket.resolve(pin)


def test_a_cached_manifest_that_was_altered_is_not_believed(bucket: Bucket) -> None:
    bucket.resolve()
    cached = next((bucket.cache.directory / "manifests").rglob("*.json"))
    cached.chmod(0o644)
    cached.write_bytes(cached.read_bytes().replace(b"int64", b"int32"))
    assert bucket.resolve().manifest == bucket.manifest
    assert bucket.store.calls["read"] == 2


def test_unknown_datasets_are_named_with_what_there_is(bucket: Bucket) -> None:
    with pytest.raises(NotFoundError) as caught:
        bucket.resolve(Reference.parse("us/enhanced_cps_2042@latest"))
    assert caught.value.remedy == "Did you mean enhanced_cps_2024?"
    with pytest.raises(NotFoundError):
        bucket.resolve(Reference.parse("us/enhanced_cps_2024@next"))
    with pytest.raises(NotFoundError, match=r"no release 1\.78\.2"):
        bucket.resolve(Reference.parse("us/enhanced_cps_2024@1.78.2"))


def test_a_missing_payload_is_named_by_its_reference(bucket: Bucket) -> None:
    bucket.store.delete([bucket.payload_key])
    with pytest.raises(NotFoundError, match="pe-data://us/enhanced_cps_2024@latest"):
        bucket.fetch()


def test_a_newer_major_version_is_refused_by_name(bucket: Bucket) -> None:
    data = bucket.manifest.to_bytes().replace(b'"schema_version": 1', b'"schema_version": 2')
    with pytest.raises(UnsupportedVersionError, match="schema version 2") as caught:
        Manifest.from_bytes(data, where="here")
    assert caught.value.remedy == "Upgrade pe_dvc."


def test_copy_out_leaves_the_cache_alone(bucket: Bucket, tmp_path: Path) -> None:
    cached = bucket.fetch()
    output = copy_out(cached, tmp_path / "mine" / "data.parquet")
    output.write_bytes(b"changed by its user")
    assert cached.read_bytes() == PAYLOAD
