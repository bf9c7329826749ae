"""Large files of a dataset that is a directory: read in parts, each verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fsspec
import pytest

import pe_dvc
from pe_dvc.documents.keys import manifest_key, members_key, payload_key
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError
from tests.scenarios.reading.conftest import MIB, SIZE, new_reader
from tests.support.directories import NAME, lines, md5_of, member, publish_directory

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.reader import Reader
    from tests.support.country import Country
    from tests.support.stores import CountingStore

LATEST = f"pe-data://us/{NAME}@latest"
PART = f"{LATEST}/year=2024/part-0.parquet"


@pytest.fixture
def parts(country: Country, payload: bytes) -> Manifest:
    PeDataFileSystem.clear_instance_cache()
    return publish_directory(country, {"README": b"parts", "year=2024/part-0.parquet": payload})


def read_at(reader: Reader, reference: str, start: int, length: int) -> bytes:
    with reader.open(reader.resolve(reference)) as file:
        file.seek(start)
        return file.read(length)


@pytest.mark.usefixtures("parts")
def test_only_the_chunks_that_are_read_are_fetched(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    assert read_at(reader, PART, 3 * MIB + 10, 20) == payload[3 * MIB + 10 :][:20]
    assert store.ranges == [(3 * MIB, MIB)]
    assert store.downloads == 0


@pytest.mark.usefixtures("parts")
def test_parts_are_read_from_any_store(any_store: str, payload: bytes) -> None:
    fs = fsspec.filesystem("pe-data", store=any_store)
    with fs.open(PART) as file:
        file.seek(SIZE - 100)
        assert file.read() == payload[-100:]
    assert pe_dvc.fetch(PART, store=any_store).read_bytes() == payload


def test_a_pin_that_latest_points_to_is_read_in_parts(
    reader: Reader, store: CountingStore, parts: Manifest, payload: bytes
) -> None:
    pinned = f"{parts.reference}/year=2024/part-0.parquet"
    assert read_at(reader, pinned, 5 * MIB, 9) == payload[5 * MIB :][:9]
    assert store.ranges == [(5 * MIB, MIB)]


def test_by_a_pin_alone_the_whole_file_is_fetched(
    reader: Reader, country: Country, store: CountingStore, parts: Manifest, payload: bytes
) -> None:
    """The identity holds for the files, and not for what the list says of their chunks."""
    country.point("latest", [])
    pinned = f"{parts.reference}/year=2024/part-0.parquet"
    assert read_at(reader, pinned, 5 * MIB, 9) == payload[5 * MIB :][:9]
    assert store.downloads == 1


def test_a_chunk_that_was_altered_is_refused_and_the_others_are_read(
    reader: Reader, country: Country, parts: Manifest, payload: bytes
) -> None:
    assert parts.artifact.members is not None
    altered = bytearray(payload)
    altered[7 * MIB] ^= 1
    country.write(payload_key("us", md5_of(payload)), bytes(altered))
    assert read_at(reader, PART, 6 * MIB, MIB) == payload[6 * MIB : 7 * MIB]
    with pytest.raises(DigestMismatchError, match=f"bytes {7 * MIB} to {8 * MIB - 1}"):
        read_at(reader, PART, 7 * MIB, 1)


def test_chunks_of_other_bytes_in_an_unsigned_list_are_not_believed(
    country: Country, store: CountingStore, parts: Manifest, payload: bytes
) -> None:
    """Nor kept for those who read by a channel, whose list has another sha256."""
    other = bytes(len(payload))
    forged = member("year=2024/part-0.parquet", payload)
    forged = forged._replace(chunks=member("x", other).chunks)
    data = lines([member("README", b"parts"), forged])
    artifact = parts.artifact
    assert artifact.members is not None
    members = artifact.members.model_copy(update={"sha256": sha256_bytes(data)})
    manifest = parts.model_copy(
        update={"artifact": artifact.model_copy(update={"members": members})}
    )
    identity = Sha256(artifact.sha256)
    good = store.read(members_key("us", identity), limit=SIZE)[0]
    signed = store.read(manifest_key("us", identity), limit=SIZE)[0]
    country.point("latest", [])
    country.write(members_key("us", identity), data)
    country.write(manifest_key("us", identity), manifest.to_bytes())
    country.write(payload_key("us", md5_of(payload)), other)
    pinned = f"{parts.reference}/year=2024/part-0.parquet"
    with pytest.raises(DigestMismatchError):
        read_at(new_reader(store), pinned, 0, 10)
    country.write(members_key("us", identity), good)
    country.write(manifest_key("us", identity), signed)
    country.write(payload_key("us", md5_of(payload)), payload)
    country.point("latest", [parts])
    assert read_at(new_reader(store), PART, 0, 10) == payload[:10]


def test_a_list_without_chunks_as_the_first_version_wrote_it_is_read(
    reader: Reader, country: Country, store: CountingStore, payload: bytes
) -> None:
    files = {"README": b"parts", "year=2024/part-0.parquet": payload}
    older = [member(path, data)._replace(chunks=None) for path, data in files.items()]
    publish_directory(country, files, sidecar=lines(older))
    assert read_at(reader, PART, 5 * MIB, 9) == payload[5 * MIB :][:9]
    assert store.downloads == 1
