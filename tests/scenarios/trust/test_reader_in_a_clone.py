"""A reader whose clone says which root counts: a git pull that brings another forgets nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import RollbackError
from pe_dvc.usecases.channel.keys import KeyRing
from tests.support.country import reader_at
from tests.support.new_keys import new_key
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

CPS = "pe-data://us/cps@latest"
OLD, NEW = b"old\n", b"new\n"


@dataclass(frozen=True)
class Clone:
    """A reader's clone, and the maintainers' repo that it pulls from."""

    base: Path
    repo: HandMadeRepo

    def publish(self, content: bytes) -> None:
        self.repo.build("cps", content)
        self.repo.update_latest()
        self.push()

    def push(self) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PE_DVC_KEYS_DIR", str(self.repo.keys))
            self.repo.push(LocalStore(self.base / "bucket"))

    def rotate_root_key(self) -> None:
        """Twice, so that the roots before and after do not vouch for one another directly."""
        for _ in range(2):
            self._rotate("root")

    def _rotate(self, role: str) -> None:
        channels = self.repo.channels
        ring = KeyRing(channels.directory, "us", channels.signers, now=datetime.now(UTC))
        ring.rotate(role, new_key(channels.keys_dir, "us", role), keyid=ring.keyids(role)[0])

    def pull(self) -> None:
        shutil.copytree(
            self.repo.root / "channels", self.base / "clone/channels", dirs_exist_ok=True
        )

    def read(self, *, offline: bool = False) -> bytes:
        return pe_dvc.fetch(CPS, offline=offline).read_bytes()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    repo = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    repo.create("cps")
    clone = Clone(tmp_path, repo)
    clone.publish(OLD)
    shutil.copytree(repo.root, tmp_path / "clone")
    shutil.copytree(tmp_path / "bucket", tmp_path / "before")
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "bucket"))
    monkeypatch.chdir(tmp_path / "clone")
    return clone


@pytest.mark.parametrize("shows_new_roots", [False, True])
def test_rollback_after_a_git_pull_that_brought_new_roots(
    clone: Clone, *, shows_new_roots: bool
) -> None:
    clone.publish(NEW)
    assert clone.read() == NEW
    clone.rotate_root_key()
    clone.push()
    roots = [*(clone.base / "bucket/channels/us").glob("*.root.json")]
    assert len(roots) == 3
    if shows_new_roots:
        for root in roots:
            shutil.copy(root, clone.base / "before/channels/us")
    shutil.rmtree(clone.base / "bucket")
    (clone.base / "before").rename(clone.base / "bucket")
    clone.pull()
    with pytest.raises(RollbackError, match="timestamp version 1"):
        clone.read()
    assert clone.read(offline=True) == NEW


def test_reading_goes_on_before_the_new_roots_are_published(clone: Clone) -> None:
    """The roots between are in the clone's git, not yet in the bucket."""
    assert clone.read() == OLD
    clone.rotate_root_key()
    clone.pull()
    assert clone.read() == OLD
    assert clone.read(offline=True) == OLD
    clone.publish(NEW)
    assert clone.read() == NEW
