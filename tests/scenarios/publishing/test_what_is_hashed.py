"""What a push hashes of a payload: bytes are counted, of which seconds follow."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.digests import DigestCache
from tests.support.commands import run
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket

MIB = 1024 * 1024
PAYLOAD = os.urandom(20 * MIB + 4321)
PROGRAM = """
import atexit, collections, hashlib, json, os, sys

hashed = collections.Counter()

def counting(name):
    made = getattr(hashlib, name)

    class Counting:
        def __init__(self, data=b"", **options):
            self.inner = made(**options)
            self.update(data)

        def update(self, data):
            hashed[name] += memoryview(data).nbytes
            self.inner.update(data)

        def __getattr__(self, attribute):
            return getattr(self.inner, attribute)

    setattr(hashlib, name, Counting)

def file_digest(file, digest):
    if not callable(digest):
        hashed[digest] += os.fstat(file.fileno()).st_size
    return whole(file, digest)

whole, hashlib.file_digest = hashlib.file_digest, file_digest
counting("sha256")
counting("md5")
atexit.register(lambda: print("hashed", json.dumps(hashed), file=sys.stderr))
sys.argv = ["pe-dvc", *sys.argv[1:]]
from pe_dvc.cli.start import main
main()
"""


@pytest.fixture
def repo(tmp_path: Path) -> HandMadeRepo:
    made = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    made.create("cps")
    made.build("cps", PAYLOAD)
    made.update_latest()
    run("git", "add", "-A", cwd=made.root)
    run("git", "commit", "--quiet", "-m", "Build", cwd=made.root)
    return made


@pytest.fixture(params=["directory", "S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "directory":
        return str(tmp_path / "bucket")
    bucket: S3Bucket = request.getfixturevalue("s3_bucket")
    for name, value in bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    return bucket.url


def hashed_by_push(repo: HandMadeRepo, store: str) -> dict[str, float]:
    """Return how many times a push hashes the payload, by algorithm."""
    command = [sys.executable, "-c", PROGRAM, "push", "--store", store]
    environment = {**os.environ, "PE_DVC_KEYS_DIR": str(repo.keys)}
    done = run(*command, cwd=repo.root, environment=environment)
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("hashed "))
    counted: dict[str, int] = json.loads(line.removeprefix("hashed "))
    return {name: round(count / len(PAYLOAD), 2) for name, count in counted.items()}


def test_a_payload_is_hashed_once_while_it_is_sent(repo: HandMadeRepo, store: str) -> None:
    """What ``pe-dvc manifest write`` hashed is known, if the file did not change since."""
    path = repo.root / "data/cps.parquet"
    os.utime(path, ns=(10**18, 10**18))
    DigestCache(repo.root).digest(path)
    assert hashed_by_push(repo, store) == {"sha256": 1.0}
    assert hashed_by_push(repo, store) == {"sha256": 0.0}


def test_a_file_that_was_touched_is_hashed_to_tell_whether_it_was_edited(
    repo: HandMadeRepo, store: str
) -> None:
    """With its chunks: these are asked for when its manifest is written next."""
    os.utime(repo.root / "data/cps.parquet", ns=(10**18, 10**18))
    assert hashed_by_push(repo, store) == {"sha256": 3.0}
    assert hashed_by_push(repo, store) == {"sha256": 0.0}
