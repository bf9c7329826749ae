"""A file of gigabytes: hashed, uploaded, continued, read and checked in memory that does not grow.

It is sparse, and the server keeps nothing of it but its length: to readers it is zeros, as it is.
``make soak`` takes one of 100 GiB, and has the whole of it checked in the bucket. ``pytest -s``
shows what each step took.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.s3_server import BUCKET, S3Server
from pe_dvc.adapters.stores.upload_parts import (
    LARGEST_OBJECT,
    MAX_PARTS,
    part_size,
    parts_in_flight,
)
from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.stores import open_store
from tests.support.country import LATEST, Country, chunks_of, payload_of
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB, GIB = 1024, 1024**3
"""Of memory in KiB, as the kernel tells it; of files in bytes."""
SOAK = bool(os.environ.get("SOAK"))
SIZE = (100 if SOAK else 1) * GIB
MD5 = "ab" * 16

PEAK = """
import sys
from pathlib import Path

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
"""
HASH = f"""{PEAK}
from pe_dvc.adapters.digests import digest_file
base = peak()
found = digest_file(Path(sys.argv[1]))
Path(sys.argv[2]).write_bytes(found.chunks)
print(found.sha256, peak() - base)
"""
UPLOAD = f"""{PEAK}
import os, signal
from pe_dvc.project.stores import open_store
store = open_store("s3://{BUCKET}")
store.list("us")
base, count, killed_at = peak(), 0, int(sys.argv[3])

def passed(number):
    global count
    count += number
    if count > killed_at:
        print(0, peak() - base, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

print(store.upload(sys.argv[2], Path(sys.argv[1]), progress=passed), peak() - base)
"""
"""Uploads a file, and is killed once so many bytes were read of it."""
READ_RANGES = f"""{PEAK}
import pe_dvc
pe_dvc.manifest("{LATEST}")
base = peak()
with pe_dvc.open("{LATEST}") as file:
    size = file.seek(-1000, 2) + 1000
    assert file.read() == bytes(1000)
    for part in range(1, 16):
        file.seek(size * part // 16 - 500)
        assert file.read(1000) == bytes(1000)
print(size, peak() - base)
"""
CHECK = f"""{PEAK}
from pe_dvc.adapters.file_journal import FileJournal
from pe_dvc.project.stores import open_store
from pe_dvc.usecases.retention.fsck import fsck
from pe_dvc.usecases.retention.reachability import Bucket
bucket = Bucket.read(open_store("s3://{BUCKET}"), "us")
base = peak()
report = fsck(bucket, FileJournal(Path(sys.argv[1])), reach=None)
assert report.findings == [], report.findings
print(report.hashed_bytes, peak() - base)
"""


@pytest.fixture
def server() -> Iterator[S3Server]:
    with S3Server(workers=2, keeps_parts=False) as server:
        yield server


def sparse(path: Path, size: int) -> Path:
    """Make a file of zeros that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def run(program: str, *arguments: object, environment: dict[str, str]) -> tuple[str, int]:
    """Run a program in a process of its own; return what it says, and the KiB that it took.

    It ends well, or kills itself.
    """
    before = os.times()
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL)
    after, said = os.times(), done.stdout.split()
    cpu = sum(after[2:4]) - sum(before[2:4])
    step = next(name for name, text in globals().items() if text is program)
    print(f"{step:12} {int(said[1]) / MIB:6.0f} MiB, {cpu:6.1f} s CPU: {said[0]}")
    return said[0], int(said[1])


def md5_of(path: Path) -> str:
    """Return DVC's address of the file where the whole of it is checked, else of another."""
    if not SOAK:
        return MD5
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


@pytest.mark.timeout(7200)
def test_memory_does_not_grow_with_a_file_of_gigabytes(
    tmp_path: Path, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    path, chunks = sparse(tmp_path / "large.bin", SIZE), tmp_path / "chunks"
    sha256, hashing = run(HASH, path, chunks, environment={})
    assert hashing < 64 * MIB
    digests = chunks.read_bytes()
    manifest = manifest_of(
        b"",
        size=SIZE,
        sha256=sha256,
        dvc={"hash": "md5", "md5": md5_of(path)},
        chunks={"size": CHUNK_SIZE, "sha256": sha256_bytes(digests)},
    )
    check_upload_in_two_goes(server, path, payload_of(manifest), sha256)

    country = Country(tmp_path / "maintainer", open_store(f"s3://{BUCKET}"))
    country.write(chunks_of(manifest), digests)
    country.write(manifest_key("us", Sha256(sha256)), manifest.to_bytes())
    country.point("latest", [manifest])
    country.trust(tmp_path / "config")
    places = {
        "PE_DVC_STORE": f"s3://{BUCKET}",
        **{f"PE_DVC_{n}_DIR": str(tmp_path / n.lower()) for n in ("CACHE", "CONFIG", "STATE")},
    }
    before = server.counts()
    size, reading = run(READ_RANGES, environment=places)
    assert int(size) == SIZE
    assert reading < 64 * MIB
    assert (server.counts() - before).sent < len(digests) + 16 * 8 * CHUNK_SIZE
    if SOAK:
        hashed, checking = run(CHECK, tmp_path / "journal", environment=server.environment)
        assert int(hashed) == SIZE
        assert checking < 64 * MIB


def check_upload_in_two_goes(server: S3Server, path: Path, key: str, sha256: str) -> None:
    """Upload a file by a process that is killed half-way, and by another that goes on."""
    part = part_size(SIZE, what="x")
    parts, in_flight = -(-SIZE // part), parts_in_flight(part)
    start = server.counts()
    _, first = run(UPLOAD, path, key, SIZE // 2, environment=server.environment)
    half = server.counts()
    uploaded, second = run(UPLOAD, path, key, 2 * SIZE, environment=server.environment)
    rest, both = server.counts() - half, server.counts() - start
    print(f"{parts} parts, {in_flight} at once: {(half - start).requests['PUT']} were sent first")
    assert uploaded == sha256
    assert max(first, second) < 256 * MIB
    assert parts <= MAX_PARTS
    assert rest.requests["PUT"] <= parts // 2 + in_flight + 2
    # What was on its way when the process was killed is sent once more.
    assert SIZE <= both.received < SIZE + (in_flight + 2) * part


@pytest.mark.parametrize("size", [1, 8 * 1024**2 + 1, 100 * GIB, 1024 * GIB, LARGEST_OBJECT])
def test_parts_are_few_enough_for_s3_and_their_memory_is_bounded(size: int) -> None:
    part = part_size(size, what="x")
    assert -(-size // part) <= MAX_PARTS
    held = part * (parts_in_flight(part) + 1)
    assert held <= max(160 * 1024**2, 3 * part)


def test_a_file_that_no_bucket_takes_is_refused_before_it_is_sent(
    tmp_path: Path, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    path = sparse(tmp_path / "huge.bin", LARGEST_OBJECT + 1)
    store = open_store(f"s3://{BUCKET}")
    before = server.counts()
    with pytest.raises(FormatError, match="5 TiB") as caught:
        store.upload("us/files/md5/ab/cd", path)
    assert caught.value.where == str(path)
    assert "several files" in str(caught.value.remedy)
    assert (server.counts() - before).total == 0
