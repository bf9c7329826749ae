"""Publishers that die, stores that fail and publishers that race, at every single operation."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ConflictError, StoreUnavailableError
from tests.support.channel_logs import checked_log, shown_log
from tests.support.faults import Killed
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stores import RecordingStore

OLD, NEW = pointer("cps_2024", "old"), pointer("cps_2024", "new")
REVIEWED = pointer("cps_2024", "old", channel="next")

Hook = Callable[[int, str, str], None]


def first(tmp_path: Path) -> Simulator:
    sim = Simulator(tmp_path)
    sim.update(NEW)
    return sim


def update(tmp_path: Path) -> Simulator:
    sim = Simulator(tmp_path)
    sim.update(OLD)
    sim.publish()
    sim.client("knowing").pointers("latest")
    sim.update(NEW)
    return sim


def both_channels(tmp_path: Path) -> Simulator:
    sim = update(tmp_path)
    sim.update(REVIEWED, channel="next")
    return sim


def root_renewed(tmp_path: Path) -> Simulator:
    """A new root that keeps the keys of the online roles."""
    sim = update(tmp_path)
    sim.rotate("root")
    return sim


SCENARIOS = [first, update, both_channels, root_renewed]


class Bench:
    """One publication, to be repeated from the same start as often as there are points."""

    def __init__(self, sim: Simulator) -> None:
        self.sim, self.start, self._trials = sim, dict(sim.store.objects), 0
        self.seen = shown_log(sim.store) if self.start else None
        self.operations = self._count()

    def _count(self) -> int:
        self.reset()
        self.sim.publish()
        return len(self.sim.store.log)

    def reset(self) -> None:
        self.sim.store.restore(self.start)
        self.resume()

    def resume(self) -> None:
        self.sim.store.clear_record()

    def fail_at(self, point: int, error: BaseException) -> None:
        """Fail before (even points) or after (odd points) the operation of that number."""

        def hook(number: int, operation: str, key: str) -> None:
            if number == point // 2:
                raise error

        if point % 2:
            self.sim.store.after = hook
        else:
            self.sim.store.before = hook

    def check_readers(self) -> None:
        """Readers, new ones and old, see the old state or the new one."""
        self.resume()
        self._trials += 1
        allowed = [[OLD], [NEW]] if self.start else [[NEW]]
        known = self.sim.base / "state" / "knowing"
        if known.exists():
            state = f"copy-{self._trials}"
            shutil.copytree(known, self.sim.base / "state" / state)
            assert self.sim.client(state).pointers("latest") in allowed
        if self.sim.key("timestamp.json") in self.sim.store.objects:
            assert self.sim.client().pointers("latest") in allowed

    def check_rerun(self) -> None:
        self.resume()
        self.sim.publish()
        assert self.sim.client().pointers("latest") == [NEW]
        assert self.sim.publish().written == ()
        checked_log(self.sim.store, earlier=self.seen)
        assert self.sim.store.objects[self.sim.key("latest.json")] == self.sim.files.read_bytes(
            "latest"
        )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_killed_at_every_operation(
    tmp_path: Path, scenario: Callable[[Path], Simulator], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(scenario(tmp_path))
    points = 2 * bench.operations
    for point in range(points):
        bench.reset()
        bench.fail_at(point, Killed())
        with pytest.raises(Killed):
            bench.sim.publish()
        bench.check_readers()
        bench.check_rerun()
    with capsys.disabled():
        print(f" {scenario.__name__}: killed at {points} points, all survived", end="")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_killed_twice(tmp_path: Path, scenario: Callable[[Path], Simulator]) -> None:
    """The rerun is killed too, and the one after that completes."""
    bench = Bench(scenario(tmp_path))
    seeded = random.Random(20260420)
    for _ in range(12):
        bench.reset()
        for _ in range(2):
            bench.resume()
            bench.fail_at(seeded.randrange(2 * bench.operations), Killed())
            with suppress(Killed):
                bench.sim.publish()
        bench.check_readers()
        bench.check_rerun()


def test_store_fails_at_every_operation_with_and_without_effect(tmp_path: Path) -> None:
    bench = Bench(both_channels(tmp_path))
    for point in range(2 * bench.operations):
        bench.reset()
        cut = StoreUnavailableError("cut", operation="write", key="?")
        bench.fail_at(point, cut)
        try:
            bench.sim.publish()
        except StoreUnavailableError:
            pass
        else:
            assert bench.sim.store.log[point // 2][0] == "read"
            again = bench.sim.store.log.count(bench.sim.store.log[point // 2])
            assert again == 2, "what was read ahead, and failed, is read when it is needed"
        bench.check_readers()
        bench.check_rerun()


def test_a_write_that_took_effect_and_was_answered_by_a_conflict(tmp_path: Path) -> None:
    """The store's client retried a write whose first answer was lost: its own object is there."""
    bench = Bench(both_channels(tmp_path))
    bench.reset()
    bench.sim.publish()
    writes = [n for n, (op, _) in enumerate(bench.sim.store.log) if op in {"create", "swap"}]
    assert len(writes) == 6
    for number in writes:
        bench.reset()
        bench.fail_at(2 * number + 1, ConflictError("exists"))
        bench.sim.publish()
        bench.check_rerun()


def during(store: RecordingStore, point: int, work: Callable[[], object]) -> None:
    """Let ``work`` run in the middle of another's publication."""
    done: list[int] = []

    def hook(number: int, operation: str, key: str) -> None:
        if number >= point // 2 and not done:
            done.append(point)
            work()

    if point % 2:
        store.after = hook
    else:
        store.before = hook


def test_two_publishers_of_two_channels_lose_nothing(tmp_path: Path) -> None:
    """The second runs from end to end within each gap of the first."""
    sim = update(tmp_path)
    reviewer = sim.clone("reviewer")
    reviewer.update(REVIEWED, channel="next")
    bench = Bench(sim)
    for point in range(2 * bench.operations):
        bench.reset()
        during(sim.store, point, reviewer.publish)
        told = None
        try:
            sim.publish()
        except ConflictError as conflict:
            told = conflict.message
        bench.resume()
        client = sim.client()
        assert client.pointers("next") == [REVIEWED]
        assert client.pointers("latest") == [NEW]
        assert told is None or "next version 2" in told
        assert versions(sim, "snapshot") == list(range(1, len(versions(sim, "snapshot")) + 1))


def test_two_publishers_of_one_channel(tmp_path: Path) -> None:
    """One wins and the other is told, or the same person's two runs agree; readers see a winner."""
    sim = update(tmp_path)
    rival = sim.clone("rival")
    rival.files.path("latest").write_bytes(sim.store.objects[sim.key("2.latest.json")])
    theirs = pointer("cps_2024", "theirs")
    rival.update(theirs)
    bench = Bench(sim)
    outcomes = set()
    for point in range(2 * bench.operations):
        bench.reset()
        lost: list[str] = []

        def rival_run(lost: list[str] = lost) -> None:
            try:
                rival.publish()
            except ConflictError as conflict:
                lost.append(f"rival: {conflict.message}")

        during(sim.store, point, rival_run)
        try:
            sim.publish()
        except ConflictError as conflict:
            lost.append(f"first: {conflict.message}")
        bench.resume()
        assert len(lost) == 1
        assert "it differs in cps_2024" in lost[0]
        winner = theirs if lost[0].startswith("first") else NEW
        assert sim.client().pointers("latest") == [winner]
        outcomes.add(winner)
    assert outcomes == {NEW, theirs}


def test_a_publisher_that_keeps_losing_gives_up_within_a_bound(tmp_path: Path) -> None:
    sim = update(tmp_path)

    def elsewhere(number: int, operation: str, key: str) -> None:
        if operation == "swap":
            raise ConflictError("changed")

    sim.store.before = elsewhere
    with pytest.raises(ConflictError, match="through 32 attempts") as caught:
        sim.publish()
    assert "push again" in str(caught.value.remedy)


def versions(sim: Simulator, role: str) -> list[int]:
    prefix, suffix = sim.key(""), f".{role}.json"
    return sorted(
        int(key.removeprefix(prefix).removesuffix(suffix))
        for key in sim.store.objects
        if key.endswith(suffix)
    )
