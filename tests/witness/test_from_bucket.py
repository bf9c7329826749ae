"""A witness without a server cosigns what a bucket shows, and refuses what was rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pe_dvc.cli.main import cli
from pe_dvc.documents.keys import checkpoint_key, log_key
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.tlog.note import Note
from pe_dvc.tlog.tiles import GrownTree, tiles_of
from pe_dvc.tlog.witness import read_checkpoint
from pe_dvc.witness.from_bucket import cosign_published
from pe_dvc.witness.records import origin_hash
from tests.support.memory_store import MemoryStore
from tests.support.witnessed import TestLog, TestWitness

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path


def published(log: TestLog) -> dict[str, bytes]:
    """Return the objects of a log in a bucket, by key."""
    size = len(log.entries)

    def none(tile: object) -> bytes:
        raise AssertionError(tile)

    tree = GrownTree(0, log.entries, none)
    tiles = [tile for tile in tiles_of(size) if tile.level is not None]
    objects = {log_key("us", tile.path): tree.hashes(tile) for tile in tiles}
    return {**objects, checkpoint_key("us"): str(log.note()).encode()}


class Bucket:
    """A bucket with one log, and its witness."""

    def __init__(self, directory: Path) -> None:
        self.log = TestLog().grow(5)
        self.house = TestWitness(directory / "state", [self.log])
        self.store = MemoryStore()
        self.objects: MutableMapping[str, bytes] = self.store.objects
        self.show(self.log)

    def show(self, log: TestLog) -> None:
        self.objects.update(published(log))

    def cosign(self) -> tuple[int, int]:
        found = cosign_published(self.house.witness, self.log.origin, self.store, "us")
        return found.before, found.size

    def refused(self) -> int:
        folder = self.house.directory / origin_hash(self.log.origin)
        return len(list(folder.glob("refused-*")))


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


def test_what_grew_is_cosigned_again_and_again(bucket: Bucket) -> None:
    assert bucket.cosign() == (0, 5)
    assert bucket.cosign() == (5, 5)
    bucket.show(bucket.log.grow(600))
    assert bucket.cosign() == (5, 605)
    assert bucket.refused() == 0


def test_whole_tiles_take_the_place_of_partial_ones(bucket: Bucket) -> None:
    bucket.show(bucket.log.grow(300))
    partial = log_key("us", "tile/0/001.p/49")
    note = bucket.objects[checkpoint_key("us")]
    bucket.cosign()
    bucket.show(bucket.log.grow(300))
    del bucket.objects[partial]
    bucket.objects[checkpoint_key("us")] = note
    assert bucket.cosign() == (305, 305)


def test_rewritten_history_is_refused_and_kept(bucket: Bucket) -> None:
    bucket.cosign()
    bucket.show(bucket.log.fork(2).grow(9, "forged"))
    with pytest.raises(VerificationError):
        bucket.cosign()
    assert bucket.refused() == 1
    bucket.show(bucket.log.grow(1))
    assert bucket.cosign() == (5, 6)


def test_shortened_history_is_refused_and_kept(bucket: Bucket) -> None:
    bucket.cosign()
    bucket.show(bucket.log.fork(3))
    with pytest.raises(VerificationError, match="has 3 entries, and had 5 before"):
        bucket.cosign()
    assert bucket.refused() == 1


def test_checkpoint_by_a_stranger_or_of_another_log(bucket: Bucket) -> None:
    bucket.show(TestLog(bucket.log.origin, [*bucket.log.entries]))
    with pytest.raises(VerificationError, match="no key"):
        bucket.cosign()
    bucket.show(TestLog("pe-dvc/uk", [*bucket.log.entries]))
    with pytest.raises(VerificationError, match="of the log pe-dvc/uk"):
        bucket.cosign()
    assert bucket.house.witness.records.last(bucket.log.origin) is None


def test_missing_and_altered_tiles_are_no_proof(bucket: Bucket) -> None:
    bucket.cosign()
    bucket.show(bucket.log.grow(300))
    tile = log_key("us", "tile/0/000")
    whole = bucket.objects.pop(tile)
    with pytest.raises(NotFoundError):
        bucket.cosign()
    bucket.objects[tile] = bytes(len(whole))
    with pytest.raises(VerificationError):
        bucket.cosign()
    bucket.objects[tile] = whole
    assert bucket.cosign() == (5, 305)


def test_the_command_reads_a_bucket_and_keeps_records_in_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The story of a scheduled job: its directory is what git commits."""
    log = TestLog().grow(5)

    def write(log: TestLog) -> None:
        for key, data in published(log).items():
            place = tmp_path / "bucket" / key
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)

    write(log)
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    (clone / "witness.toml").write_text(
        f'name = "witness.example.org/ci"\nkey = "witness.pem"\nstate = "state"\n'
        f'[[logs]]\norigin = "{log.origin}"\nkeys = ["{log.key}"]\n'
        f'store = "{tmp_path / "bucket"}"\ncountry = "us"\n'
    )
    monkeypatch.chdir(clone)
    secret = ["--key", str(tmp_path / "witness.pem")]
    assert CliRunner().invoke(cli, ["witness", "cosign", *secret]).exit_code != 0  # no key yet
    made = CliRunner().invoke(cli, ["witness", "key", *secret])
    assert made.stdout.startswith("witness.example.org/ci+"), made.output
    said = CliRunner().invoke(cli, ["witness", "cosign", *secret])
    assert (said.exit_code, said.stdout) == (0, "ok       pe-dvc/us: 0 to 5 entries\n")
    record = clone / "state" / origin_hash(log.origin) / "checkpoint"
    note, found = read_checkpoint(record.read_bytes(), where="record")
    assert isinstance(note, Note)
    assert found == log.checkpoint()
    write(log.fork(3).grow(9, "forged"))
    said = CliRunner().invoke(cli, ["witness", "cosign", *secret])
    assert said.exit_code == 1
    assert said.stdout.startswith("refused  pe-dvc/us")
    (tmp_path / "bucket" / checkpoint_key("us")).write_bytes(b"no note")
    said = CliRunner().invoke(cli, ["witness", "cosign", *secret])
    assert (said.exit_code, said.stdout[:18]) == (1, "refused  pe-dvc/us")
    assert not list(clone.rglob("*.lock"))
