"""How often a push waits for the bucket: at 30 ms an answer that is what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.memory_store import MemoryStore
from tests.support.rounds import CountedRounds
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"d{number}" for number in range(10)]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandMadeRepo:
    """A repo of ten datasets, none of them published."""
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    made = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    made.create(*NAMES)
    for name in NAMES:
        made.build(name, name.encode())
    made.update_latest()
    return made


def pushed(
    repo: HandMadeRepo, bucket: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> CountedRounds:
    store = CountedRounds(bucket)
    with store.counting(monkeypatch):
        repo.push(store)
    return store


def test_of_pushes(repo: HandMadeRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = MemoryStore("s3://bucket")
    first = pushed(repo, bucket, monkeypatch)
    assert first.rounds <= 33, first
    repo.build("d3", b"another")
    repo.update_latest()
    change = pushed(repo, bucket, monkeypatch)
    assert change.rounds <= 17, change
    assert len(change.log) <= 47, change
    again = pushed(repo, bucket, monkeypatch)
    assert again.rounds <= 9, again
    assert len(again.log) <= 34, again
