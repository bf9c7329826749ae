"""Ranged reads: what is fetched, what is verified, and what an altered bucket or cache does."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256, chunk_digests, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError
from pe_dvc.usecases.read.chunks import load_chunk_list
from tests.scenarios.reading.conftest import MIB, SIZE, new_reader
from tests.support.country import LATEST, NAME, chunks_of, payload_of
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from pe_dvc.project.reader import Reader
    from pe_dvc.usecases.read.verified_file import VerifiedFile
    from tests.support.country import Country
    from tests.support.stores import CountingStore


def opened(reader: Reader, reference: str = LATEST) -> VerifiedFile:
    return reader.open(reader.resolve(reference))


def read_at(file: VerifiedFile, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def test_only_the_chunks_that_are_read_are_fetched(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        assert read_at(file, 3 * MIB + 10, 20) == payload[3 * MIB + 10 : 3 * MIB + 30]
        assert read_at(file, 3 * MIB + 500_000, 9) == payload[3 * MIB + 500_000 :][:9]
    assert store.ranges == [(3 * MIB, MIB)]
    assert store.downloads == 0


def test_neighbours_are_fetched_in_one_request_and_the_rest_side_by_side(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        assert read_at(file, MIB - 1, 6 * MIB) == payload[MIB - 1 : 7 * MIB - 1]
    assert sorted(store.ranges) == [(0, 4 * MIB), (4 * MIB, 3 * MIB)]


def test_the_footer_comes_with_half_a_mebibyte_in_one_request(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        file.seek(-8, io.SEEK_END)
        assert file.read() == payload[-8:]
        assert read_at(file, SIZE - 300_000, 300_000) == payload[-300_000:]
    assert store.ranges == [(9 * MIB, SIZE - 9 * MIB)]


def test_reading_on_fetches_ever_more_at_once(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        pieces = [read_at(file, at, 100_000) for at in range(0, SIZE, 100_000)]
    assert b"".join(pieces) == payload
    assert store.fetched == SIZE
    assert len(store.ranges) < 8


def test_the_same_bytes_are_never_fetched_twice(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        read_at(file, 2 * MIB, 2 * MIB)
    with opened(new_reader(store)) as file:
        assert read_at(file, MIB, 4 * MIB) == payload[MIB : 5 * MIB]
    assert sorted(store.ranges) == [(MIB, MIB), (2 * MIB, 2 * MIB), (4 * MIB, MIB)]


def test_a_whole_fetch_completes_what_ranged_reads_brought(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        read_at(file, 2 * MIB, 5 * MIB)
    path = reader.fetch(reader.resolve(LATEST))
    assert path.read_bytes() == payload
    assert store.fetched == SIZE
    assert store.downloads == 0
    assert not path.stat().st_mode & 0o222
    with opened(reader) as file:
        assert file.read() == payload
    assert store.fetched == SIZE


def test_an_open_file_outlives_the_completion_of_its_artifact(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        read_at(file, 2 * MIB, 10)
        path = reader.fetch(reader.resolve(LATEST))
        assert read_at(file, 0, SIZE) == payload
    assert path.read_bytes() == payload
    assert store.fetched == SIZE


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reads=st.lists(
        st.tuples(st.integers(0, SIZE + 10), st.integers(0, 3 * MIB)), min_size=1, max_size=6
    )
)
def test_any_reads_give_what_the_file_holds(
    reader: Reader, payload: bytes, reads: list[tuple[int, int]]
) -> None:
    with opened(reader) as file:
        for start, length in reads:
            assert read_at(file, start, length) == payload[start : start + length]


def test_a_small_payload_is_fetched_whole_by_one_request(
    country: Country, store: CountingStore
) -> None:
    country.publish({NAME: b"small" * 1000})
    with opened(new_reader(store)) as file:
        assert file.read() == b"small" * 1000
    assert (store.downloads, store.ranges) == (0, [(0, 5001)])


def altered(payload: bytes, at: int) -> bytes:
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]


def test_a_chunk_that_was_replaced_is_refused_and_the_others_are_not(
    reader: Reader, country: Country, payload: bytes
) -> None:
    manifest = reader.resolve(LATEST).manifest
    country.write(payload_of(manifest), altered(payload, 3 * MIB + 5))
    with opened(reader) as file:
        assert read_at(file, MIB, 10) == payload[MIB : MIB + 10]
        with pytest.raises(DigestMismatchError) as caught:
            read_at(file, 3 * MIB + 900_000, 10)
    said = caught.value
    assert said.what == f"bytes {3 * MIB} to {4 * MIB - 1} of {LATEST}"
    assert said.expected == f"sha256:{sha256_bytes(payload[3 * MIB : 4 * MIB])}"
    assert payload_of(manifest) in said.source


def test_a_payload_that_changes_between_two_reads_is_refused(
    reader: Reader, country: Country, payload: bytes
) -> None:
    manifest = reader.resolve(LATEST).manifest
    with opened(reader) as file:
        read_at(file, 0, 10)
        country.write(payload_of(manifest), payload[::-1])
        assert read_at(file, 10, 10) == payload[10:20], "it has verified already"
        with pytest.raises(DigestMismatchError):
            read_at(file, 6 * MIB, 10)


@pytest.mark.parametrize("length", [0, 3 * MIB, SIZE - 1])
def test_a_payload_cut_short_is_refused(
    reader: Reader, country: Country, payload: bytes, length: int
) -> None:
    country.write(payload_of(reader.resolve(LATEST).manifest), payload[:length])
    with opened(reader) as file, pytest.raises(DigestMismatchError):
        read_at(file, SIZE - 5, 5)


@pytest.mark.parametrize("change", ["replaced", "cut short", "extended", "empty"])
def test_a_chunk_list_that_is_not_the_manifests_is_refused_whole(
    reader: Reader, country: Country, payload: bytes, store: CountingStore, change: str
) -> None:
    manifest = reader.resolve(LATEST).manifest
    good = chunk_digests([payload])
    forged = {
        "replaced": chunk_digests([altered(payload, 0)]),
        "cut short": good[:-32],
        "extended": good + good[:32],
        "empty": b"",
    }[change]
    country.write(chunks_of(manifest), forged)
    with pytest.raises(DigestMismatchError) as caught:
        opened(reader)
    assert caught.value.expected == f"sha256:{manifest.artifact.parts_sha256} (by the manifest)"
    assert chunks_of(manifest) in caught.value.source
    assert store.ranges == []
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload, "the whole needs no list"


def test_payload_and_chunk_list_replaced_together_are_refused(
    reader: Reader, country: Country, payload: bytes
) -> None:
    manifest, forged = reader.resolve(LATEST).manifest, altered(payload, 0)
    country.write(payload_of(manifest), forged)
    country.write(chunks_of(manifest), chunk_digests([forged]))
    with pytest.raises(DigestMismatchError):
        opened(reader)


def test_without_a_chunk_list_the_whole_is_fetched(
    reader: Reader, country: Country, payload: bytes, store: CountingStore
) -> None:
    store.delete([chunks_of(reader.resolve(LATEST).manifest)])
    with opened(reader) as file:
        assert read_at(file, 5 * MIB, 10) == payload[5 * MIB :][:10]
    assert (store.downloads, store.ranges) == (1, [])


def test_a_pin_that_a_channel_points_to_is_read_in_parts(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader, f"us/{NAME}@sha256:{sha256_bytes(payload)}") as file:
        assert read_at(file, 5 * MIB, 10) == payload[5 * MIB :][:10]
    assert (store.downloads, store.fetched) == (0, MIB)


def test_a_pin_that_nobody_signed_for_is_fetched_whole_and_verified_by_itself(
    country: Country, store: CountingStore, payload: bytes
) -> None:
    pin = f"us/{NAME}@sha256:{sha256_bytes(payload)}"
    # Whoever writes to the bucket can forge manifest, chunk list and payload so that they agree.
    forged = altered(payload, 5 * MIB)
    old = manifest_of(payload, path=f"data/{NAME}.parquet")
    manifest = manifest_of(
        forged,
        sha256=sha256_bytes(payload),
        dvc={"hash": "md5", "md5": old.artifact.dvc.md5},
        path=f"data/{NAME}.parquet",
    )
    country.publish({NAME: b"a newer one"})
    country.write(manifest_key("us", Sha256(sha256_bytes(payload))), manifest.to_bytes())
    country.write(payload_of(old), forged)
    country.write(chunks_of(old), chunk_digests([forged]))
    with pytest.raises(DigestMismatchError):
        opened(new_reader(store), pin)
    country.write(payload_of(old), payload)
    with opened(new_reader(store), pin) as file:
        assert read_at(file, 5 * MIB, 10) == payload[5 * MIB :][:10]
    assert store.ranges == []


def test_a_missing_payload_is_named_by_its_reference(reader: Reader, store: CountingStore) -> None:
    store.delete([payload_of(reader.resolve(LATEST).manifest)])
    with opened(reader) as file, pytest.raises(NotFoundError, match=LATEST):
        file.read(1)


def test_a_part_altered_in_the_cache_is_fetched_again(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    with opened(reader) as file:
        read_at(file, 0, 4 * MIB)
    partial = next((reader.cache.directory / "partial").iterdir())
    with partial.open("r+b") as kept:
        kept.seek(2 * MIB + 7)
        kept.write(b"altered")
    with opened(new_reader(store)) as file:
        assert read_at(file, 0, 4 * MIB) == payload[: 4 * MIB]
    assert store.ranges == [(0, 4 * MIB), (2 * MIB, MIB)]
    path = reader.fetch(reader.resolve(LATEST))
    assert path.read_bytes() == payload


def test_the_list_of_one_chunk_is_the_artifacts_own_digest(
    country: Country, store: CountingStore
) -> None:
    country.publish({NAME: b"small"})
    reader = new_reader(store)
    resolved = reader.resolve(LATEST)
    found = load_chunk_list(resolved, store=store, cache=reader.cache)
    assert (found.count, found.digest(0)) == (1, resolved.sha256)
    other = replace(resolved.payload, chunks_sha256=sha256_bytes(b"another list"))
    with pytest.raises(NotFoundError):
        load_chunk_list(replace(resolved, payload=other), store=store, cache=reader.cache)


def test_the_chunk_size_of_a_manifest_is_bounded(country: Country, store: CountingStore) -> None:
    reader = new_reader(store)
    resolved = reader.resolve(LATEST)
    for size in (1, CHUNK_SIZE * 1000):
        asked = replace(resolved, payload=replace(resolved.payload, chunk_size=size))
        with pytest.raises(FormatError, match=f"chunks of {size} bytes"):
            load_chunk_list(asked, store=store, cache=reader.cache)
