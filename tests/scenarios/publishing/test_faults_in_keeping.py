"""Going back, holding, promoting, releasing and renewing, struck at every single operation.

Each is one or two steps: what is written into git, and what publishes it. After each fault a new
reader and one who was there before see all of the old state or all of the new one; the same step,
run again, completes; and ``channel log``, ``gc``, ``fsck`` and ``verify`` find nothing wrong.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.project import channel
from pe_dvc.project.channel_hold import hold, release_hold
from pe_dvc.project.channel_keys import rotate_key
from pe_dvc.project.channel_promote import promote
from pe_dvc.project.channel_rollback import rollback
from pe_dvc.project.pull import pull
from pe_dvc.project.release import Releases
from pe_dvc.usecases.publish import objects, publication
from tests.support.faults import KILLS, ONE_OF_EACH_FAMILY, Fault, FaultyStore, Killed
from tests.support.kept_repo import KeptRepo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.counters import Tally

SOAK = bool(os.environ.get("SOAK"))
NAME, TAG = "enhanced_cps_2024", "1.78.2"
IN_A_WEEK = timedelta(days=9)

Step = Callable[[KeptRepo], object]


@dataclass(frozen=True)
class Work:
    """What somebody does: before it, what writes git's files, and what publishes them."""

    before: Step
    write: Step
    publish: Step = KeptRepo.push
    is_silent: bool = False
    """Whether readers are shown the same afterwards."""


def nothing(kept: KeptRepo) -> None:
    """Do nothing."""


def two_builds(kept: KeptRepo) -> None:
    for word in ("good", "bad"):
        kept.build(word)
        kept.push()


def go_back(kept: KeptRepo) -> None:
    rollback(kept.repo, "latest", to="2", reason="Weights are wrong")
    kept.git("checkout", ":/Build the good", "--", "data")
    pull(kept.repo)


def held(kept: KeptRepo) -> None:
    two_builds(kept)
    hold(kept.repo, NAME, reason="Weights are checked")
    kept.commit("Hold")
    kept.push()


def nominated(kept: KeptRepo) -> None:
    two_builds(kept)
    promote(kept.repo)
    kept.commit("Nominate the bad ones")
    kept.push()


def tagged(kept: KeptRepo) -> None:
    nominated(kept)
    kept.git("tag", TAG)


def registered(kept: KeptRepo) -> None:
    tagged(kept)
    Releases(kept.files.root).create(TAG)
    kept.commit("Register the release")


def released(kept: KeptRepo) -> None:
    registered(kept)
    push_release(kept)


def push_release(kept: KeptRepo) -> None:
    Releases(kept.files.root).push(TAG)


def next_build_released(kept: KeptRepo) -> None:
    """Another build and its nomination follow the release, so that it can be gone back to."""
    released(kept)
    kept.build("newer")
    promote(kept.repo)
    kept.commit("Nominate the newer ones")
    kept.push()


WORKS: dict[str, Work] = {
    "rollback": Work(two_builds, go_back),
    "rollback of next": Work(
        next_build_released, lambda kept: rollback(kept.repo, "next", to="2", reason="Wrong")
    ),
    "hold": Work(two_builds, lambda kept: hold(kept.repo, NAME, reason="Weights are checked")),
    "release-hold": Work(held, lambda kept: release_hold(kept.repo, NAME)),
    "promote": Work(two_builds, lambda kept: promote(kept.repo)),
    "promote a version": Work(nominated, lambda kept: promote(kept.repo, source="latest:2")),
    "promote a release": Work(next_build_released, lambda kept: promote(kept.repo, source=TAG)),
    "release create": Work(tagged, lambda kept: Releases(kept.files.root).create(TAG)),
    "release push": Work(registered, nothing, push_release),
    "release deprecate": Work(
        released, lambda kept: Releases(kept.files.root).deprecate(TAG, "Weights are wrong")
    ),
    "refresh": Work(two_builds, nothing, lambda kept: channel.refresh(kept.repo), is_silent=True),
    "rotate": Work(two_builds, lambda kept: rotate_key(kept.repo, "latest"), is_silent=True),
}


@pytest.fixture(autouse=True)
def _one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let operations have the same numbers each time, and wait for no disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(objects, "TRANSFERS", 1)
    monkeypatch.setattr(publication, "FIRST_PAUSE", 0)


class Bench:
    """A work to be struck in each of its two steps, at every operation, from the same start."""

    def __init__(self, base: Path, patch: pytest.MonkeyPatch, work: Work) -> None:
        self.kept = KeptRepo(base, patch)
        work.before(self.kept)
        self.kept.remember()
        self.old = self.kept.view(known=False)
        self._objects = dict(self.kept.bucket.objects)
        patch.setattr(channel, "_now", lambda: datetime.now(UTC) + IN_A_WEEK)
        self.steps = [Struck(self, work.write, commits=True), Struck(self, work.publish)]
        for step in self.steps:
            step.learn()
        self.new = self.kept.view(known=False)
        assert (self.new == self.old) == work.is_silent

    def complete(self, step: Struck) -> None:
        """Do a step again, and what comes after it, as people do."""
        self.kept.store = self.kept.bucket
        for one in self.steps[self.steps.index(step) :]:
            one.run()
        for known in (False, True):
            assert self.kept.view(known=known) == self.new
        self.kept.check_whole()

    def check_readers(self) -> None:
        for known in (False, True):
            assert self.kept.view(known=known) in (self.old, self.new)

    def reset(self, commit: str) -> None:
        self.kept.bucket.objects = dict(self._objects)
        self.kept.store = self.kept.bucket
        self.kept.reset(commit)


@dataclass
class Struck:
    """A step; ``commits`` what it writes. Knows the operations that it takes, and its start."""

    bench: Bench
    work: Step
    commits: bool = False
    start: str = ""
    log: list[tuple[str, str]] = field(default_factory=list)

    def learn(self) -> None:
        kept = self.bench.kept
        self.start = kept.git("rev-parse", "HEAD")
        self.bench.reset(self.start)
        store = FaultyStore(kept.bucket)
        kept.store = store
        self.run()
        self.log = store.log
        kept.store = kept.bucket

    def run(self) -> None:
        self.work(self.bench.kept)
        if self.commits:
            self.bench.kept.commit("What was written")

    def strike(self, fault: Fault, at: int) -> BaseException | None:
        """Start anew, with a fault at the operation of that number; return what was raised."""
        self.bench.reset(self.start)
        self.bench.kept.store = FaultyStore(self.bench.kept.bucket, fault, at)
        try:
            self.run()
        except (PeDvcError, Killed) as error:
            return error
        return None


@pytest.fixture(params=WORKS)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch, WORKS[request.param])


@pytest.mark.timeout(3600)
def test_killed_at_every_operation(bench: Bench, tally: Tally) -> None:
    written = [key for operation, key in bench.steps[1].log if operation in ("create", "swap")]
    assert "channels/us/timestamp.json" in written, "nothing was published"
    for step in bench.steps if SOAK else bench.steps[1:]:
        for fault in KILLS if SOAK else KILLS[-1:]:
            for at in range(len(step.log)):
                assert isinstance(step.strike(fault, at), Killed), step.log[at]
                bench.check_readers()
                bench.complete(step)
                tally("fault points of keeping survived", 1)


@pytest.mark.skipif(not SOAK, reason="make soak: half an hour")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", ONE_OF_EACH_FAMILY if SOAK else (), ids=lambda fault: fault.name)
def test_an_error_at_every_operation(bench: Bench, fault: Fault, tally: Tally) -> None:
    for step in bench.steps:
        for at in range(len(step.log)):
            assert not isinstance(step.strike(fault, at), Killed)
            bench.check_readers()
            bench.complete(step)
            tally("fault points of keeping survived", 1)
