"""A download that broke off goes on where it was; many at once are one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.s3_server import BUCKET, S3Server
from benchmarks.s3_traffic import Pace
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.digest import chunk_digests
from pe_dvc.primitives.errors import DigestMismatchError, StoreUnavailableError
from pe_dvc.project.stores import open_store
from pe_dvc.store.atomic_write import open_to_fill
from pe_dvc.usecases.read.fetch import slot_of
from tests.scenarios.reading.conftest import MIB, SIZE, new_reader
from tests.support.country import LATEST, Country, chunks_of, payload_of
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.reader import Reader
    from pe_dvc.store.atomic_write import OpenFile

FETCH = f"import pe_dvc; print(pe_dvc.fetch({LATEST!r}))"


class BreakingStore(CountingStore):
    """A store whose downloads break off, as a network does, with these ranges written."""

    written: tuple[tuple[int, int], ...] = ()

    def download(self, key: str, path: Path | OpenFile, **options: Any) -> Sha256:
        data, _ = self.inner.read(key, limit=SIZE)
        with open_to_fill(path, SIZE) as file:
            for start, end in self.written:
                file.seek(start)
                file.write(data[start:end])
        raise StoreUnavailableError("the network broke off", operation="download", key=key)


@pytest.fixture
def broken(country: Country, tmp_path: Path) -> BreakingStore:
    """A reader's store, breaking off with the first 5.5 MiB and the end there."""
    store = BreakingStore(LocalStore(tmp_path / "bucket"))
    store.written = ((0, 5 * MIB + MIB // 2), (9 * MIB, SIZE))
    reader = new_reader(store)
    with pytest.raises(StoreUnavailableError):
        reader.fetch(reader.resolve(LATEST))
    return store


@pytest.fixture
def reader(broken: BreakingStore) -> Reader:
    """A reader of the store that broke off."""
    return new_reader(broken)


def partial_file(reader: Reader) -> Path:
    return next((reader.cache.directory / "partial").glob("*.data"))


def test_only_what_is_missing_is_fetched_after_an_interruption(
    broken: BreakingStore, reader: Reader, payload: bytes
) -> None:
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    assert sorted(broken.ranges) == [(5 * MIB, 3 * MIB), (8 * MIB, MIB)]


def test_what_another_user_of_the_cache_began_is_completed_as_ones_own_file(
    reader: Reader, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a file's owner may change its mode, so that file cannot become read-only."""
    theirs, change_mode = partial_file(reader).stat().st_ino, os.fchmod

    def refuse(descriptor: int, mode: int) -> None:
        if os.fstat(descriptor).st_ino == theirs:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        change_mode(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", refuse)
    path = reader.fetch(reader.resolve(LATEST))
    assert path.read_bytes() == payload
    assert (path.stat().st_mode & 0o777, path.stat().st_ino != theirs) == (0o444, True)
    assert list((reader.cache.directory / "partial").iterdir()) == []


def test_what_went_bad_meanwhile_is_fetched_again(
    broken: BreakingStore, reader: Reader, payload: bytes
) -> None:
    with partial_file(reader).open("r+b") as file:
        file.seek(2 * MIB + 1)
        file.write(b"\0\0\0\0")
        file.truncate(9 * MIB)
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    assert sorted(broken.ranges) == [
        (2 * MIB, MIB),
        (5 * MIB, 3 * MIB),
        (8 * MIB, SIZE - 8 * MIB),
    ]


def test_resuming_names_the_chunk_that_is_wrong_and_leaves_nothing(
    broken: BreakingStore, reader: Reader, country: Country, payload: bytes
) -> None:
    manifest = reader.resolve(LATEST).manifest
    country.write(payload_of(manifest), payload[: 6 * MIB] + b"x" + payload[6 * MIB + 1 :])
    with pytest.raises(DigestMismatchError, match=f"bytes {6 * MIB} to {7 * MIB - 1} of"):
        reader.fetch(reader.resolve(LATEST))
    assert list((reader.cache.directory / "partial").iterdir()) == []


def test_a_chunk_list_that_was_replaced_cannot_pass_a_forged_part(
    broken: BreakingStore, reader: Reader, country: Country, payload: bytes
) -> None:
    forged = b"x" + payload[1:]
    country.write(chunks_of(reader.resolve(LATEST).manifest), chunk_digests([forged]))
    with partial_file(reader).open("r+b") as file:
        file.write(b"x")
    with pytest.raises(DigestMismatchError, match="the chunk list of"):
        reader.fetch(reader.resolve(LATEST))


def test_without_a_chunk_list_the_download_starts_again(
    broken: BreakingStore, reader: Reader, store: CountingStore, payload: bytes
) -> None:
    broken.delete([chunks_of(reader.resolve(LATEST).manifest)])
    reader = new_reader(store)
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    assert (store.downloads, store.ranges) == (1, [])


def test_killed_halfway_by_sigkill_the_next_process_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes
) -> None:
    with S3Server(pace=Pace(total_mib=8), workers=2) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        store = open_store(f"s3://{BUCKET}")
        country = Country(tmp_path / "maintainer", store)
        country.publish({"enhanced_cps_2024": payload * 2})
        environment = {
            **os.environ,
            "PE_DVC_STORE": f"s3://{BUCKET}",
            **{f"PE_DVC_{n}_DIR": str(tmp_path / n.lower()) for n in ("CACHE", "CONFIG", "STATE")},
        }
        country.trust(tmp_path / "config")
        before = server.counts().sent
        first = subprocess.Popen([sys.executable, "-c", FETCH], env=environment, cwd=tmp_path)
        while not any(
            file.stat().st_blocks * 512 > 4 * MIB for file in tmp_path.glob("cache/partial/*.data")
        ):
            assert first.poll() is None
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert list(tmp_path.glob("cache/artifacts/*/*.parquet")) == []
        kept = next(tmp_path.glob("cache/partial/*.data")).stat().st_blocks * 512
        time.sleep(1)  # what the server had in its buffers for the dead process
        between = server.counts().sent
        done = subprocess.check_output([sys.executable, "-c", FETCH], env=environment, cwd=tmp_path)
        sent = server.counts().sent - between
    assert (tmp_path / done.decode().strip()).read_bytes() == payload * 2
    assert before < between
    # Of what was written the chunks that were cut in the middle are lost: one a range, 16 ranges.
    assert sent < 2 * SIZE - kept + 17 * MIB
    assert sent < 2 * SIZE
    assert list(tmp_path.glob("cache/partial/*")) == []


def test_many_processes_download_once_and_say_what_they_wait_for(
    country: Country, tmp_path: Path, payload: bytes
) -> None:
    reader = new_reader(CountingStore(LocalStore(tmp_path / "bucket")))
    resolved = reader.resolve(LATEST)
    with slot_of(resolved, reader.cache).download_lock():
        waiting = [
            subprocess.Popen(
                [sys.executable, "-c", FETCH],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        said = [process.stderr.readline() for process in waiting if process.stderr]
    assert said == [f"waiting for another process that is downloading {LATEST}\n"] * 3
    paths = {process.communicate()[0].strip() for process in waiting}
    assert len(paths) == 1
    assert (tmp_path / paths.pop()).read_bytes() == payload
    assert [path.name for path in (reader.cache.directory / "locks").iterdir()] == ["leases"]


def test_many_small_files_are_locked_in_one(country: Country, tmp_path: Path) -> None:
    payloads = {f"small_{number}": b"small %d" % number for number in range(3)}
    country.publish(payloads)
    reader = new_reader(CountingStore(LocalStore(tmp_path / "bucket")))
    for name in payloads:
        resolved = reader.resolve(f"pe-data://us/{name}@latest")
        with slot_of(resolved, reader.cache).download_lock():
            found = {path.name for path in (reader.cache.directory / "locks").iterdir()}
            assert found <= {"downloads", "leases"}
