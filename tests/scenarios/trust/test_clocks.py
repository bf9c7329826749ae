"""Clocks that are wrong by hours and days: a clear error or the true answer, never a false one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ExpiredError
from tests.support.simulator import NOW, Simulator, days, pointer

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = pointer("cps_2024", "old"), pointer("cps_2024", "new")
HOURS = [-13 * 24, -72, -12, -1, 1, 12, 72, 13 * 24, 90 * 24]


@pytest.fixture
def sim(tmp_path: Path) -> Simulator:
    made = Simulator(tmp_path)
    made.update(OLD)
    made.publish()
    made.client("knowing").pointers("latest")
    return made


def read_at(
    sim: Simulator, moment: datetime, monkeypatch: pytest.MonkeyPatch, state: str = "knowing"
) -> list[object]:
    """Read with a clock that says ``moment``: python-tuf asks for the time once, by this name."""
    from tuf.ngclient._internal import trusted_metadata_set

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return moment

    with monkeypatch.context() as patched:
        patched.setattr(trusted_metadata_set.datetime, "datetime", Clock)
        return list(sim.client(state).pointers("latest"))


@pytest.mark.parametrize("state", ["knowing", "fresh"])
@pytest.mark.parametrize("later", [15, 29, 40])
def test_an_expired_timestamp_is_named_to_new_readers_and_to_those_who_come_back(
    sim: Simulator, later: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the file that was read last was named, whose date was still to come."""
    with pytest.raises(ExpiredError) as caught:
        read_at(sim, NOW + days(later), monkeypatch, state)
    assert f"timestamp version 1 expired on {NOW + days(14):%Y-%m-%d}" in caught.value.message
    assert "timestamp.json" in caught.value.message


@pytest.mark.parametrize("hours", HOURS)
def test_publisher(sim: Simulator, hours: int) -> None:
    """What it signs is good for readers whose clocks are right, though for less or for longer."""
    sim.now = NOW + timedelta(hours=hours)
    sim.update(NEW)
    sim.publish()
    for state in ("knowing", "fresh"):
        assert sim.client(state).pointers("latest") == [NEW]


@pytest.mark.parametrize("behind", [14, 15, 40, 400])
def test_publisher_behind_by_more_than_a_timestamp_is_good_for(sim: Simulator, behind: int) -> None:
    sim.now = NOW - days(behind)
    sim.update(NEW)
    with pytest.raises(ExpiredError, match="this machine's clock says") as caught:
        sim.publish()
    assert "Set the clock" in str(caught.value.remedy)
    assert sim.client("knowing").pointers("latest") == [OLD]
    sim.now = NOW
    sim.update(OLD)
    sim.update(NEW)
    sim.publish()
    assert sim.client("knowing").pointers("latest") == [NEW]


def test_publisher_ahead_by_years_finds_its_own_metadata_expired(sim: Simulator) -> None:
    sim.now = NOW + days(800)
    with pytest.raises(ExpiredError, match="root version 1 expired") as caught:
        sim.publish()
    assert "check this machine's clock" in str(caught.value.remedy)


@pytest.mark.parametrize("hours", [-9000, -72, -1, 1, 72, 13 * 24])
def test_reader_within_what_is_good(
    sim: Simulator, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.now(UTC) + timedelta(hours=hours)
    assert read_at(sim, moment, monkeypatch) == [OLD]


@pytest.mark.parametrize("ahead", [15, 40, 400, 4000])
def test_reader_ahead_is_told_to_check_its_clock(
    sim: Simulator, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.now(UTC) + days(ahead)
    with pytest.raises(ExpiredError) as caught:
        read_at(sim, moment, monkeypatch)
    assert "check this machine's clock" in str(caught.value.remedy)
    assert sim.client("knowing").pointers("latest") == [OLD], "nothing stays of it"


def test_reader_behind_still_sees_a_rollback(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions, not clocks, tell old from new."""
    from pe_dvc.primitives.errors import RollbackError

    old = dict(sim.store.objects)
    sim.update(NEW)
    sim.publish()
    assert sim.client("knowing").pointers("latest") == [NEW]
    sim.store.restore(old)
    with pytest.raises(RollbackError):
        read_at(sim, NOW - days(365), monkeypatch)
