"""A next root in the bucket that does not follow: readers stop there, as TUF has it (5.3.4).

Who can write to the bucket can deny it in many ways. What counts here is that nothing of the
garbage is believed, that the error names the object, and that a push, or removing it, is enough.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.primitives.errors import FormatError, PeDvcError, VerificationError
from pe_dvc.store.offline import OfflineStore
from pe_dvc.trust.client import ChannelClient
from tests.support.memory_store import MemoryStore
from tests.support.simulator import Simulator, pointer
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NEW = pointer("cps_2024", "new")


def unsigned(root: dict[str, Any]) -> bytes:
    return json.dumps(root | {"signatures": []}).encode()


def of_a_far_version(root: dict[str, Any]) -> bytes:
    return json.dumps(root | {"signed": root["signed"] | {"version": 2_000_000_000}}).encode()


GARBAGE: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "empty": lambda root: b"",
    "no-json": lambda root: b"\x00" * 100,
    "no-metadata": lambda root: b"{}",
    "nested": lambda root: b"[" * 100_000,
    "endless": lambda root: b" " * 600_000,
    "the-first-root-again": lambda root: json.dumps(root).encode(),
    "unsigned": unsigned,
    "of-a-far-version": of_a_far_version,
}


@pytest.fixture
def sim(tmp_path: Path, each_bucket: None) -> Simulator:
    sim = Simulator(tmp_path)
    sim.update(NEW)
    sim.publish()
    return sim


@pytest.fixture(params=[*GARBAGE, "signed-by-strangers"])
def garbage(request: pytest.FixtureRequest, sim: Simulator, tmp_path: Path) -> bytes:
    if request.param in GARBAGE:
        return GARBAGE[request.param](json.loads(sim.pinned))
    strangers = Simulator(tmp_path / "strangers", store=RecordingStore.of(MemoryStore()))
    strangers.rotate("root", "timestamp")
    return strangers.files.read_bytes("root")


def test_a_garbage_next_root_is_named_and_not_believed(sim: Simulator, garbage: bytes) -> None:
    assert sim.client("knowing").lookup("latest", "cps_2024") == NEW
    sim.store.objects[sim.key("2.root.json")] = garbage
    for state in ("knowing", "fresh"):
        with pytest.raises((VerificationError, FormatError)) as caught:
            sim.client(state).lookup("latest", "cps_2024")
        assert "2.root.json" in str(caught.value)
        assert "whose next pe-dvc push removes" in str(caught.value.remedy)
    offline = ChannelClient(
        OfflineStore(sim.store.url), "us", sim.pinned, sim.base / "state/knowing", offline=True
    )
    assert offline.lookup("latest", "cps_2024") == NEW
    del sim.store.objects[sim.key("2.root.json")]
    for state in ("knowing", "fresh"):
        assert sim.client(state).lookup("latest", "cps_2024") == NEW


def test_the_next_push_removes_it(sim: Simulator, garbage: bytes) -> None:
    sim.store.objects[sim.key("2.root.json")] = garbage
    sim.publish()
    assert sim.key("2.root.json") not in sim.store.objects
    assert sim.client("fresh").lookup("latest", "cps_2024") == NEW


def test_the_true_root_in_its_place_lets_readers_go_on(sim: Simulator, garbage: bytes) -> None:
    sim.store.objects[sim.key("2.root.json")] = garbage
    with pytest.raises(PeDvcError):
        sim.client("reader").lookup("latest", "cps_2024")
    sim.rotate("timestamp")
    sim.store.objects[sim.key("2.root.json")] = sim.files.read_bytes("root")
    sim.publish()
    assert sim.client("reader").lookup("latest", "cps_2024") == NEW
