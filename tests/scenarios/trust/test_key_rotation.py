"""Changing keys while readers read: no reader is refused in between, and none is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError, SignatureError
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.roles import TARGETS_LIKE
from pe_dvc.trust.tuf_api import Key
from pe_dvc.usecases.channel.keys import KeyRing
from pe_dvc.usecases.channel.roles import sign_role
from tests.support.new_keys import new_key
from tests.support.simulator import NOW, Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

NEW = pointer("cps_2024", "new")


def ring(sim: Simulator) -> KeyRing:
    return KeyRing(sim.directory, "us", sim.signers, now=NOW)


def read_after_every_operation(sim: Simulator) -> list[str]:
    """Publish; after each write a reader that knows the channel and one that does not read it."""
    refused: list[str] = []

    def read(number: int, operation: str, key: str) -> None:
        if operation not in ("create", "swap", "overwrite"):
            return
        sim.store.after = lambda number, operation, key: None
        for state in ("knowing", None):
            try:
                assert sim.client(state).lookup("latest", "cps_2024") == NEW
            except Exception as error:  # noqa: BLE001 - whatever it is, a reader was refused
                refused.append(f"after {operation} {key}: {error}")
        sim.store.after = read

    sim.store.after = read
    sim.publish()
    sim.store.after = lambda number, operation, key: None
    return refused


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost"])
def test_rotating_a_top_level_key_refuses_no_reader(sim: Simulator, role: str, lost: bool) -> None:
    if lost:
        (sim.keys_dir / "us" / f"{role}.pem").unlink()
    change = ring(sim).rotate(role, new_key(sim.keys_dir, "us", role))
    assert change.versions["root"] == 3
    assert change.waiting == {}
    assert read_after_every_operation(sim) == []
    if not lost:
        (sim.keys_dir / "us" / f"{role}.pem").unlink()
    sim.update(pointer("next_one"))
    sim.publish()
    assert sim.client("knowing").pointers("latest") == [pointer("next_one")]


@pytest.mark.parametrize("role", [r for r in TARGETS_LIKE if r != "targets"])
def test_rotating_a_channels_key(sim: Simulator, role: str) -> None:
    (sim.keys_dir / "us" / f"{role}.pem").unlink()
    change = ring(sim).rotate(role, new_key(sim.keys_dir, "us", role))
    assert set(change.versions) == {"targets", role}
    assert read_after_every_operation(sim) == []


def test_rotating_the_root_key_and_a_reader_that_skipped_many_versions(sim: Simulator) -> None:
    for number in range(5):
        old = ring(sim).keyids("root")[0]
        ring(sim).rotate("root", new_key(sim.keys_dir, "us", "root"), keyid=old)
        ring(sim).rotate("timestamp", new_key(sim.keys_dir, "us", "timestamp"))
        assert read_after_every_operation(sim.copy(sim.base / f"{number}")) == []
    sim.publish()
    assert sim.client("knowing").lookup("latest", "cps_2024") == NEW
    assert len(sim.metadata.roots) == 16


def test_a_root_key_that_is_lost_cannot_be_rotated_by_itself(sim: Simulator) -> None:
    new = new_key(sim.keys_dir, "us", "root")
    (sim.keys_dir / "us" / "root.pem").unlink()
    before = sim.files.read_bytes("root")
    with pytest.raises(SignatureError, match="none of the keys of root"):
        ring(sim).rotate("root", new)
    assert sim.files.read_bytes("root") == before


def test_one_of_two_root_keys_may_be_lost(sim: Simulator) -> None:
    ring(sim).add("root", new_key(sim.keys_dir, "us", "root"))
    first, _ = ring(sim).keyids("root")
    (sim.keys_dir / "us" / "root.pem").unlink()
    assert ring(sim).rotate("root", new_key(sim.keys_dir, "us", "root"), keyid=first[:10])
    assert read_after_every_operation(sim) == []


def test_a_stolen_key_counts_for_nothing_at_once(sim: Simulator) -> None:
    stolen = sim.signer("timestamp")
    change = ring(sim).rotate("timestamp", new_key(sim.keys_dir, "us", "timestamp"), stolen=True)
    assert change.versions == {"root": 2}
    sim.publish()
    timestamp = sim.held("timestamp.json")
    assert stolen.public_key.keyid not in timestamp.signatures
    assert sim.client("knowing").lookup("latest", "cps_2024") == NEW


def test_adding_and_removing_a_reviewer(sim: Simulator) -> None:
    change = ring(sim).add("next", new_key(sim.keys_dir, "us", "next"), threshold=2)
    assert (change.threshold, len(change.keyids)) == (2, 2)
    assert change.versions == {"targets": 2, "next": 2}
    assert change.waiting == {}, "both keys are at hand"
    second = change.keyids[1]
    with pytest.raises(FormatError, match="2 of 1 keys cannot sign next"):
        ring(sim).remove("next", second)
    assert ring(sim).remove("next", second[:12], threshold=1).versions == {"targets": 3}
    assert read_after_every_operation(sim) == []


def test_a_reviewer_who_is_not_here_signs_later(sim: Simulator, tmp_path: Path) -> None:
    (theirs,) = generate_keys(tmp_path / "theirs", "us", {"next": 1})["next"]
    change = ring(sim).add("next", theirs, threshold=2)
    assert change.waiting == {"next": 1}
    with pytest.raises(SignatureError, match="next version 2"):
        sim.publish()
    from pe_dvc.trust.signers import Signers

    signers = Signers("us", tmp_path / "theirs", environ={})
    assert sign_role(sim.directory, "us", "next", signers, now=NOW).missing == 0
    sim.publish()


def test_keys_that_cannot_be_meant(sim: Simulator) -> None:
    with pytest.raises(ConflictError, match="signs for latest already"):
        ring(sim).add("latest", sim.signer("latest").public_key)
    twin = Key.from_dict("ab" * 32, sim.signer("latest").public_key.to_dict())
    with pytest.raises(ConflictError, match="signs for latest already"):
        ring(sim).rotate("latest", twin)
    with pytest.raises(NotFoundError, match="names 0 of the keys of latest"):
        ring(sim).remove("latest", "f" * 64)
    with pytest.raises(FormatError, match="1 of 0 keys"):
        ring(sim).remove("latest", ring(sim).keyids("latest")[0])
