"""The scheduled job: snapshot and timestamp stay fresh, and nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ConflictError, ExpiredError, NotFoundError, SignatureError
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases.publish.refresh import Refreshed, refresh_channel
from tests.support.simulator import NOW, Simulator, days, pointer

if TYPE_CHECKING:
    from pathlib import Path


def refresh(sim: Simulator) -> Refreshed:
    return refresh_channel(sim.store, sim.directory, "us", sim.publisher)


def test_renewed_by_half_time_and_left_alone_before(sim: Simulator) -> None:
    before = dict(sim.store.objects)
    assert refresh(sim).renewed == ()
    assert sim.store.objects == before
    sim.now = NOW + days(8)
    assert refresh(sim).renewed == ("timestamp",)
    sim.now = NOW + days(16)
    done = refresh(sim)
    assert done.renewed == ("snapshot", "timestamp")
    assert done.online["timestamp"] == (4, NOW + days(30))
    assert {key for key in sim.store.objects if sim.store.objects[key] != before.get(key)} == {
        sim.key("3.snapshot.json"),
        sim.key("timestamp.json"),
    }
    assert sim.client("knowing").lookup("latest", "cps_2024") == pointer("cps_2024", "new")


def test_what_is_new_in_git_is_not_published(sim: Simulator) -> None:
    sim.update(pointer("unpublished"))
    sim.now = NOW + days(20)
    refresh(sim)
    assert sim.client().lookup("latest", "unpublished") is None


def test_needs_only_the_online_keys(sim: Simulator, tmp_path: Path) -> None:
    for path in (sim.keys_dir / "us").glob("*.pem"):
        if path.stem not in ("snapshot", "timestamp"):
            path.unlink()
    sim.now = NOW + days(20)
    assert refresh(sim).renewed == ("snapshot", "timestamp")
    sim.signers = Signers("us", environ={})
    sim.now = NOW + days(50)
    with pytest.raises(SignatureError, match="new snapshot"):
        refresh(sim)


def test_it_speaks_of_what_it_cannot_renew(sim: Simulator) -> None:
    assert refresh(sim).expiring == {}
    sim.now = NOW + days(310)
    done = refresh(sim)
    assert set(done.expiring) == {"root", "targets", "latest", "next", "revoked", "releases"}
    version, expires, keeper = done.expiring["latest"]
    assert (version, expires) == (3, NOW + days(365))
    assert "that has its key" in keeper
    assert done.to_json()["expiring"]["next"]["version"] == 1


def test_an_expired_root_is_not_kept_alive(sim: Simulator) -> None:
    sim.now = NOW + days(731)
    with pytest.raises(ExpiredError, match="root version 1 expired"):
        refresh(sim)


def test_a_root_that_readers_do_not_have(sim: Simulator, tmp_path: Path) -> None:
    sim.rotate("timestamp")
    with pytest.raises(NotFoundError, match="git holds root 2"):
        refresh(sim)
    sim.publish()
    old = Simulator(tmp_path / "other", store=sim.store)
    with pytest.raises(ConflictError, match="is not root 1 of git"):
        refresh(old)


def test_nothing_published_yet(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"1\.root\.json does not exist"):
        refresh(Simulator(tmp_path))
