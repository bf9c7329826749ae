"""Adopting what was published and is not in git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.usecases.publish.adopt import adopt_channel
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path


def adopt(sim: Simulator, role: str = "latest") -> int | None:
    return adopt_channel(sim.store, sim.directory, "us", role)


def test_nothing_is_adopted_where_git_has_it(sim: Simulator) -> None:
    assert adopt(sim) is None
    sim.update(pointer("newer"))
    ahead = sim.files.read_bytes("latest")
    assert adopt(sim) is None
    assert sim.files.read_bytes("latest") == ahead


def test_a_version_whose_commit_was_lost(sim: Simulator) -> None:
    lost = sim.files.read_bytes("latest")
    sim.update(pointer("newer"))
    sim.publish()
    published = sim.files.read_bytes("latest")
    sim.files.path("latest").write_bytes(lost)
    assert adopt(sim) == 4
    assert sim.files.read_bytes("latest") == published


def test_versions_that_no_snapshot_names_yet(sim: Simulator) -> None:
    """Their publisher died before the timestamp: the newest is adopted, however many there are."""
    lost = sim.files.read_bytes("latest")
    for number in (4, 5):
        sim.update(pointer(f"newer-{number}"))
        sim.store.objects[sim.key(f"{number}.latest.json")] = sim.files.read_bytes("latest")
    sim.files.path("latest").write_bytes(lost)
    assert adopt(sim) == 5
    assert sim.metadata.role("latest").signed.version == 5


def test_what_todays_keys_did_not_sign_is_not_adopted(sim: Simulator) -> None:
    before = sim.files.read_bytes("latest")
    metadata = sim.files.read("latest", type(sim.metadata.targets.signed))
    metadata.signed.version = 4
    sim.plant("4.latest.json", metadata, "next")
    assert adopt(sim) is None
    assert sim.files.read_bytes("latest") == before


def test_of_no_channel_and_of_nothing_published(sim: Simulator, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'snapshot' is not a channel"):
        adopt(sim, "snapshot")
    empty = Simulator(tmp_path / "empty")
    with pytest.raises(NotFoundError):
        adopt(empty)
