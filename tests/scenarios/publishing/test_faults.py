"""A whole push, struck at every single operation in every way: readers never see a thing between.

After each fault a new reader and one that knows the old state must get every dataset of the old
state, or every one of the new; and the same push, run again, must complete by itself.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.usecases.publish import objects, publication
from tests.support.faults import (
    FAILURES,
    KILLS,
    ONE_OF_EACH_FAMILY,
    STREAMS,
    Fault,
    FaultyStore,
    Killed,
)
from tests.support.memory_store import MemoryStore
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.counters import Tally

SOAK = bool(os.environ.get("SOAK"))
"""Whether to try what says the same again in other words too: ``make soak``."""
STEP = 1 if SOAK else 3
"""Every how many operations are struck, each fault starting at another one."""

OLD = {"cps_2024": b"old cps", "enhanced_cps_2024": b"old enhanced"}
NEW = {"cps_2024": b"new cps", "enhanced_cps_2024": b"new enhanced", "states": b"51"}
THEIRS = {"enhanced_cps_2024": b"another publisher's"}


@pytest.fixture(autouse=True)
def _one_after_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the operations of a push have the same numbers each time, and wait for no disk.

    What a process has written outlives it; a power cut is not tried here.
    """
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(objects, "TRANSFERS", 1)
    monkeypatch.setattr(publication, "FIRST_PAUSE", 0)
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PE_DVC_STATE_DIR", str(tmp_path / "state"))


class Bench:
    """A push to be repeated from the same start, of repo and bucket, at every point."""

    def __init__(self, base: Path, scenario: str) -> None:
        self.base, self.bucket = base, MemoryStore()
        self.old = dict(OLD) if scenario != "first" else {}
        self.new = dict(NEW)
        self.repo = HandMadeRepo(base / "repo", base / "keys")
        self.repo.create(*OLD)
        self._fill(self.repo, OLD)
        if scenario != "first":
            self.repo.push(self.bucket)
            self.repo.reader(self.bucket, base / "knowing").datasets()
        if scenario == "race":
            self._let_another_win(self.repo.clone(base / "other"))
            self.old |= THEIRS
            self.new = NEW | THEIRS
        self.repo.declare(*NEW)
        mine = {name: data for name, data in NEW.items() if name not in THEIRS}
        self._fill(self.repo, mine if scenario == "race" else NEW)
        self._latest = self.base / "repo/channels/us/latest.json"
        self._start = dict(self.bucket.objects), self._latest.read_bytes()
        self._readers = 0
        self.log = self._operations()

    def _fill(self, repo: HandMadeRepo, datasets: dict[str, bytes]) -> None:
        for name, content in datasets.items():
            repo.build(name, content)
        repo.add_directory("raw", {"in.csv": b"raw", "dir/in.csv": datasets["cps_2024"] + b" raw"})
        repo.update_latest()

    def _let_another_win(self, other: HandMadeRepo) -> None:
        other.build("enhanced_cps_2024", THEIRS["enhanced_cps_2024"])
        other.update_latest()
        other.push(self.bucket)

    def _operations(self) -> list[tuple[str, str]]:
        self.reset()
        store = FaultyStore(self.bucket)
        self.repo.push(store)
        assert self.read(known=False) == self.new
        return store.log

    def reset(self) -> None:
        objects, latest = self._start
        self.bucket.objects = dict(objects)
        shutil.rmtree(self.base / "state", ignore_errors=True)
        self._latest.write_bytes(latest)

    def read(self, *, known: bool) -> dict[str, bytes]:
        """Return what a reader gets, one that is new or one that knows the state before."""
        self._readers += 1
        home = self.base / "readers" / str(self._readers)
        if known:
            shutil.copytree(self.base / "knowing", home)
        return self.repo.reader(self.bucket, home).datasets()

    def check_readers(self) -> None:
        """Readers see all of the old state, or all of the new one."""
        if self.old or "channels/us/timestamp.json" in self.bucket.objects:
            assert self.read(known=False) in (self.old, self.new)
        if self.old:
            assert self.read(known=True) in (self.old, self.new)

    def check_rerun(self) -> None:
        """The same push, run again, completes, and a third one has nothing to do."""
        self.repo.push(self.bucket)
        assert self.read(known=False) == self.new
        if self.old:
            assert self.read(known=True) == self.new
        again = self.repo.push(self.bucket)
        assert (again.objects.uploaded, again.objects.manifests, again.channel.written) == (
            [],
            [],
            (),
        )

    def strike(self, fault: Fault, at: int) -> BaseException | None:
        self.reset()
        try:
            self.repo.push(FaultyStore(self.bucket, fault, at))
        except (PeDvcError, Killed) as error:
            return error
        return None


@pytest.fixture(params=["first", "update", "race"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """A first push, one of an update, and one that loses a race and rebases."""
    return Bench(tmp_path, request.param)


def points(bench: Bench, number: int) -> range:
    """Return which operations fault ``number`` strikes."""
    return range(number % STEP, len(bench.log), STEP)


def kills(bench: Bench) -> Iterator[tuple[Fault, int]]:
    """Yield how and where to kill, so that each state that a kill can leave is left once.

    Killed after an operation is killed before the next; and one that does not stream has no
    middle, so that there it is killed before it. Under SOAK=1 all are tried.
    """
    before, middle, after = KILLS
    last = len(bench.log) - 1
    for at, (operation, _) in enumerate(bench.log):
        if SOAK or operation in STREAMS:
            yield before, at
        yield middle, at
        if SOAK or at == last:
            yield after, at


def test_killed_at_every_operation(bench: Bench, tally: Tally) -> None:
    for fault, at in kills(bench):
        assert isinstance(bench.strike(fault, at), Killed), bench.log[at]
        bench.check_readers()
        bench.check_rerun()
        tally("fault points survived", 1)


@pytest.mark.parametrize("bench", ["first", "update", "race"] if SOAK else ["race"], indirect=True)
@pytest.mark.parametrize(
    "fault", FAILURES if SOAK else ONE_OF_EACH_FAMILY, ids=lambda fault: fault.name
)
def test_an_error_at_every_operation(bench: Bench, fault: Fault, tally: Tally) -> None:
    struck = 0
    for at in points(bench, FAILURES.index(fault)):
        error = bench.strike(fault, at)
        assert not isinstance(error, Killed)
        struck += error is not None
        bench.check_readers()
        bench.check_rerun()
        tally("fault points survived", 1)
    assert struck, "no error came through"


def test_killed_and_built_anew(bench: Bench, tally: Tally) -> None:
    """Nobody reruns that push: the next one is of a newer build, in the same checkout."""
    for at in points(bench, 0):
        assert isinstance(bench.strike(KILLS[-1], at), Killed)
        bench.repo.build("cps_2024", b"newer cps")
        bench.repo.update_latest()
        bench.repo.push(bench.bucket)
        for known in {False, bool(bench.old)}:
            assert bench.read(known=known) == bench.new | {"cps_2024": b"newer cps"}
        bench.repo.build("cps_2024", bench.new["cps_2024"])
        tally("fault points survived", 1)


def test_every_request_sent_twice(bench: Bench, tally: Tally) -> None:
    """As by a network that repeats it: the second answer may be a conflict with oneself."""
    for at in points(bench, 1):
        bench.reset()
        bench.repo.push(FaultyStore(bench.bucket, at=at, twice=True))
        assert bench.read(known=False) == bench.new
        bench.check_rerun()
        tally("fault points survived", 1)
