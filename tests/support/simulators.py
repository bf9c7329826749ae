from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.store import together
from tests.support import simulator
from tests.support.browser_client import client_class
from tests.support.s3_objects import recording_bucket
from tests.support.servers import S3Bucket
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Endpoint


@pytest.fixture(scope="session")
def published_simulator(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    sim = Simulator(tmp_path_factory.mktemp("country"))
    sim.update(pointer("cps_2024", "old"), pointer("states/AL"))
    sim.publish()
    knowing = sim.base / "state" / "knowing"
    client_class()(sim.store, sim.country, sim.pinned, knowing).pointers("latest")
    sim.update(pointer("cps_2024", "new"), pointer("states/AL"))
    sim.publish()
    return sim


@pytest.fixture
def sim(published_simulator: Simulator, tmp_path: Path) -> Simulator:
    """A country whose channel ``latest`` was published twice: version 2, then 3.

    The reader ``knowing`` has seen version 2, and so has a browser.
    """
    return published_simulator.copy(tmp_path)


@pytest.fixture(params=["simulator", "s3"])
def each_bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets of new simulators are in memory, then the same on a real S3 server."""
    if request.param == "s3":
        monkeypatch.setattr(together, "NEAR", {"s3"})  # what is asked when is told by its number
        server: S3Endpoint = request.getfixturevalue("s3_server")
        monkeypatch.setattr(
            simulator, "new_store", lambda: recording_bucket(S3Bucket(server, server.new_bucket()))
        )
