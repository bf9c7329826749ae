"""Which versions of a channel are proven to be in the log, and what is told of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import log_prefix
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.logged import Logged, logged
from pe_dvc.usecases.channel.recent import RecentHistory
from tests.support.channel_logs import without_log
from tests.support.simulator import Simulator, pointer
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def told(tmp_path: Path) -> Simulator:
    """Versions 2 to 5 of latest, each published; the log knows of all but the first."""
    sim = Simulator(tmp_path)
    for number in range(2, 6):
        sim.update(pointer("cps", str(number)))
        sim.publish()
        if number == 2:
            for name, role in (("1.snapshot.json", "snapshot"), ("timestamp.json", "timestamp")):
                without_log(sim, name, role)
            for key in [key for key in sim.store.objects if "/log/" in key]:
                del sim.store.objects[key]
    return sim


def of(sim: Simulator, history: ChannelHistory | None = None) -> Logged:
    history = history or ChannelHistory(sim.store, "us", sim.pinned)
    found = logged(history.bucket, history.head, "latest", list(history.versions("latest")))
    assert found is not None
    return found


def test_versions_are_proven_and_those_from_before_the_log_are_told_apart(told: Simulator) -> None:
    found = of(told)
    assert sorted(found.entries) == [3, 4, 5]
    assert found.why_not(2) == "not in the log: it was published before the log began"
    assert found.why_not(5) is None
    assert (found.lost, found.fault) == ((), None)


def test_what_the_log_has_and_the_bucket_has_not_is_told(told: Simulator) -> None:
    history = ChannelHistory(told.store, "us", told.pinned)
    versions = [one for one in history.versions("latest") if one.version != 4]
    found = logged(history.bucket, history.head, "latest", versions)
    assert found is not None
    assert [leaf.version for leaf in found.lost] == [4]


def test_tiles_that_prove_nothing_are_a_fault_and_no_proof(told: Simulator) -> None:
    for key in [key for key in told.store.objects if key.startswith(log_prefix("us"))]:
        told.store.objects[key] = bytes(len(told.store.objects[key]))
    found = of(told)
    assert found.entries == {}
    assert "proves nothing" in str(found.fault)
    assert found.why_not(5) is None, "the fault is told once"


def test_the_newest_are_proven_in_two_requests_more(told: Simulator) -> None:
    store = CountingStore(told.store.inner)
    history = RecentHistory(store, "us", told.pinned, last=2)
    versions = list(history.versions("latest"))
    before = sum(store.calls.values())
    found = logged(history.bucket, history.head, "latest", versions)
    assert found is not None
    assert sorted(found.entries) == [4, 5]
    assert sum(store.calls.values()) - before == 2


def test_a_bucket_without_a_log_is_told_of_as_before(told: Simulator) -> None:
    field = told.held("4.snapshot.json").signed.unrecognized_fields
    assert LOG_FIELD in field
    sim = Simulator(told.base / "other")
    sim.publish()
    without_log(sim, "1.snapshot.json", "snapshot")
    history = ChannelHistory(sim.store, "us", sim.pinned)
    assert logged(history.bucket, history.head, "latest", []) is None
