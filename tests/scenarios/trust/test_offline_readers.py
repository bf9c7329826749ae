"""Offline: what was verified last, however old; and the first root, taken from the store."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import (
    DigestMismatchError,
    NotFoundError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.store.offline import OfflineStore
from pe_dvc.trust.client import ChannelClient
from pe_dvc.trust.pins import published_root
from pe_dvc.trust.verify import fingerprint
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path


def offline(sim: Simulator, state: str) -> ChannelClient:
    return ChannelClient(
        OfflineStore(sim.store.url), "us", sim.pinned, sim.base / "state" / state, offline=True
    )


def test_answers_from_what_was_verified(sim: Simulator) -> None:
    sim.client("mine").pointers("latest")
    sim.update(pointer("newer"))
    sim.publish()
    requests = len(sim.store.log)
    client = offline(sim, "mine")
    assert client.lookup("latest", "cps_2024") == pointer("cps_2024", "new")
    assert client.channel_version("latest") == 3
    assert len(sim.store.log) == requests
    assert timedelta() <= datetime.now(UTC) - client.verified_at() < timedelta(minutes=5)


def test_says_when_it_was_verified_not_when_it_changed(sim: Simulator) -> None:
    sim.client("mine").pointers("latest")
    (timestamp,) = (sim.base / "state/mine").rglob("accepted/timestamp.json")
    os.utime(timestamp, (0, 0))
    assert offline(sim, "mine").verified_at() == datetime(1970, 1, 1, tzinfo=UTC)
    sim.client("mine").pointers("latest")
    assert offline(sim, "mine").verified_at().year >= 2026


def test_through_new_roots(sim: Simulator) -> None:
    sim.client("mine").pointers("latest")
    sim.rotate("timestamp", "snapshot")
    sim.rotate("root")
    sim.publish()
    sim.client("mine").pointers("latest")
    assert offline(sim, "mine").pointers("latest")


def test_what_was_never_read(sim: Simulator) -> None:
    with pytest.raises(NotFoundError, match="never read from this store"):
        offline(sim, "mine").pointers("latest")
    sim.client("mine").pointers("latest")
    with pytest.raises(NotFoundError, match="next of us was never read"):
        offline(sim, "mine").pointers("next")


@pytest.mark.parametrize("name", ["timestamp.json", "snapshot.json", "targets.json", "latest.json"])
def test_a_state_that_was_altered(sim: Simulator, name: str) -> None:
    sim.client("mine").pointers("latest")
    (path,) = (sim.base / "state/mine").rglob(f"accepted/{name}")
    path.write_text(path.read_text().replace('"2026-', '"2036-').replace('"2027-', '"2037-'))
    with pytest.raises(VerificationError):
        offline(sim, "mine").pointers("latest")


@pytest.mark.parametrize("role", ["snapshot", "latest"])
def test_an_older_file_in_the_place_of_the_one_that_was_verified(sim: Simulator, role: str) -> None:
    """It is signed as it should be, and is not what the metadata that lists it says."""
    older = sim.store.objects[sim.key("1.snapshot.json" if role == "snapshot" else "2.latest.json")]
    sim.client("mine").pointers("latest")
    (path,) = (sim.base / "state/mine").rglob(f"accepted/{role}.json")
    path.write_bytes(older)
    with pytest.raises(DigestMismatchError, match=role):
        offline(sim, "mine").pointers("latest")


def test_an_offline_store_refuses_everything(tmp_path: Path) -> None:
    store = OfflineStore("s3://bucket")
    with pytest.raises(StoreUnavailableError, match="s3://bucket/k"):
        store.read("k", limit=1)
    with pytest.raises(StoreUnavailableError, match="s3://bucket/k"):
        store.list("k/")
    with pytest.raises(StoreUnavailableError, match="s3://bucket/k") as caught:
        store.download("k", tmp_path / "f", size=1)
    assert caught.value.operation == "download"


def test_the_first_root_of_a_store(sim: Simulator) -> None:
    sim.rotate("root")
    sim.publish()
    assert published_root(sim.store, "us") == sim.pinned
    assert published_root(sim.store, "us", str(sim.fingerprint)) == sim.pinned
    second = sim.files.read_bytes("root")
    assert published_root(sim.store, "us", f"sha256:{fingerprint(second)}") == second
    with pytest.raises(NotFoundError, match="has the fingerprint"):
        published_root(sim.store, "us", "0" * 64)
    with pytest.raises(NotFoundError):
        published_root(sim.store, "uk")
