"""Snapshots put into a bucket without a key, to hold up who reads the log from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.channel_log import LogState, log_state
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.channel_log import StoredLog
from pe_dvc.trust.log_chain import all_entries
from pe_dvc.trust.tuf_api import MetaFile
from tests.support.simulator import Simulator, pointer
from tests.support.thief import recover

if TYPE_CHECKING:
    from pathlib import Path


def state_in(sim: Simulator, version: int) -> LogState:
    fields = sim.held(f"{version}.snapshot.json").signed.unrecognized_fields
    state = log_state(fields, where="snapshot")
    assert state is not None
    return state


@pytest.mark.parametrize("after", [1, 2, 2**53 - 1])
def test_attack_a_snapshot_that_names_itself_or_a_later_one(tmp_path: Path, after: int) -> None:
    """It adds no entry, so that the sizes fit for ever: who follows it never comes to an end."""
    sim = Simulator(tmp_path)
    for text in ("one", "two"):
        sim.update(pointer("cps_2024", text))
        sim.publish()
    first, last = state_in(sim, 1), state_in(sim, 2)
    assert last.after == 1
    snapshot = sim.held("1.snapshot.json")
    forged = replace(first, after=after, entries=())
    snapshot.signed.unrecognized_fields[LOG_FIELD] = forged.to_field()
    sim.plant("1.snapshot.json", snapshot, "snapshot")
    for key in [key for key in sim.store.objects if "/log/tile/" in key]:
        del sim.store.objects[key]
    bucket = ReadableChannels(sim.store, "us", [sim.metadata.root.signed])
    with pytest.raises(VerificationError, match="are lost"):
        all_entries(bucket, StoredLog(sim.store, "us"), last)


def test_attack_a_log_that_is_said_to_have_a_quadrillion_entries(tmp_path: Path) -> None:
    """By a thief of all online keys: a push counts its tiles before anything else."""
    sim = Simulator(tmp_path)
    sim.update(pointer("cps_2024", "one"))
    sim.publish()
    snapshot, stamp = sim.held("1.snapshot.json"), sim.held("timestamp.json")
    claim = replace(state_in(sim, 1), size=2**50, after=5)
    snapshot.signed.unrecognized_fields[LOG_FIELD] = claim.to_field()
    data = sim.plant("1.snapshot.json", snapshot, "snapshot")
    stamp.signed.snapshot_meta = MetaFile.from_data(1, data, ["sha256"])
    stamp.signed.unrecognized_fields[LOG_FIELD] = claim.copy_for_timestamp().to_field()
    sim.plant("timestamp.json", stamp, "timestamp")
    with pytest.raises(FormatError, match="is the most"):
        sim.publish()
    with pytest.raises(FormatError, match="is the most"):
        sim.client().lookup("latest", "cps_2024")
    recover(sim)
    sim.publish()
    assert sim.client().lookup("latest", "cps_2024") == pointer("cps_2024", "one")
