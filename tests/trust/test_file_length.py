"""Metadata that is longer than readers read is refused before it is signed: nothing is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.revocation import LONGEST, Revocation
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.trust.ancestry import Committed
from pe_dvc.trust.file_length import SIGNATURES
from pe_dvc.trust.roles import max_length
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.usecases.channel.rollback import write_rollback
from pe_dvc.usecases.channel.rollback_base import RollbackBase
from pe_dvc.usecases.revoke.change import change_role
from tests.support.simulator import NOW, Simulator, pointer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer

LONG = "x" * max_length("latest")


def with_note(text: str, channel: str = "latest") -> Pointer:
    return replace(pointer("cps", channel=channel), notes={"note": text})


def refused(sim: Simulator, role: str, act: Callable[[], object]) -> FormatError:
    """Do what is refused, and check that the file of the role stays as it was."""
    before = sim.files.read_bytes(role)
    with pytest.raises(FormatError, match="no reader would read it") as caught:
        act()
    assert sim.files.read_bytes(role) == before
    return caught.value


@pytest.mark.parametrize("channel", ["latest", "next"])
def test_a_channel_longer_than_readers_read_is_not_signed(tmp_path: Path, channel: str) -> None:
    sim = Simulator(tmp_path)
    error = refused(sim, channel, lambda: sim.update(with_note(LONG, channel), channel=channel))
    assert f"{channel} version 2 with 1 entries" in error.message
    assert "Nothing was signed or written." in (error.remedy or "")
    sim.update(pointer("frs", channel=channel), channel=channel)
    sim.publish()
    assert [one.name for one in sim.client().pointers(channel)] == ["frs"]


def test_the_longest_channel_that_is_signed_is_read(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    sim.update(with_note(""))
    room = max_length("latest") - SIGNATURES - len(sim.files.read_bytes("latest"))
    sim.update(with_note("x" * (room - 200)))
    sim.publish()
    held = sim.client().lookup("latest", "cps")
    assert held is not None
    assert len(str(held.notes["note"])) == room - 200
    refused(sim, "latest", lambda: sim.update(with_note("x" * (room + 200))))


def test_without_a_key_it_is_not_written_either(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    (sim.keys_dir / "us/latest.pem").unlink()
    refused(sim, "latest", lambda: sim.update(with_note(LONG)))


def test_a_rollback_longer_than_readers_read_is_not_signed(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    git = SignedMetadata(sim.files)
    base = RollbackBase(metadata=git.role("latest"), taken=1, is_git=True, superseded={})
    back = {"cps": with_note(LONG)}
    refused(sim, "latest", lambda: write_rollback(git, "latest", base, back, sim.signers, now=NOW))


def test_withdrawals_longer_than_readers_read_are_not_signed(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    entries = [
        Revocation(
            country="us",
            name="cps",
            sha256=sha256_bytes(b"%d" % number),
            size=1,
            reason="x" * LONGEST,
            authority="ONS",
            revoked=NOW,
        )
        for number in range(max_length("revoked") // LONGEST)
    ]
    nothing = Committed(data=b"", where="git")
    refused(
        sim,
        "revoked",
        lambda: change_role(sim.files, sim.signers, add=entries, committed=nothing, now=NOW),
    )
