"""Reading signed metadata: bytes in, the kind that was asked for out, or an error that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import FormatError, RollbackError, SignatureError
from pe_dvc.trust.tuf_api import Key, Root, Signature, Snapshot, Targets, Timestamp
from pe_dvc.trust.verify import parse, signatures, verify_root_chain, verify_signed_by

if TYPE_CHECKING:
    from tests.support.simulator import Simulator


def test_metadata_of_another_kind_is_refused(sim: Simulator) -> None:
    with pytest.raises(FormatError, match="here: expected targets metadata, got root"):
        parse(Targets, sim.files.read_bytes("root"), where="here")
    with pytest.raises(FormatError, match="expected root metadata, got targets"):
        parse(Root, sim.files.read_bytes("targets"), where="here")
    timestamp = sim.store.objects[sim.key("timestamp.json")]
    with pytest.raises(FormatError, match="expected snapshot metadata, got timestamp"):
        parse(Snapshot, timestamp, where="here")
    assert parse(Timestamp, timestamp, where="here").signed.version


def test_metadata_that_is_too_long_is_not_read(sim: Simulator) -> None:
    data = sim.store.objects[sim.key("timestamp.json")]
    padded = data.rstrip(b"\n}") + b" " * 20_000 + b"}"
    with pytest.raises(FormatError, match="timestamp metadata has 16384 at most"):
        parse(Timestamp, padded, where="here")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"signed": {}, "signatures": []}'])
def test_what_is_no_metadata_at_all(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"here: not (the JSON of )?TUF metadata"):
        parse(Targets, data, where="here")


def test_a_role_that_the_delegator_does_not_know(sim: Simulator) -> None:
    latest = sim.metadata.role("latest")
    with pytest.raises(FormatError, match="there is no role 'latest' in root metadata"):
        signatures(sim.metadata.root.signed, "latest", latest)


def test_a_signature_of_another_role_does_not_count(sim: Simulator) -> None:
    latest = sim.metadata.role("latest")
    with pytest.raises(SignatureError, match="next version 3 has valid signatures of 0"):
        verify_signed_by(sim.metadata.targets.signed, "next", latest, where="here")


def test_a_key_under_two_ids_counts_once(sim: Simulator) -> None:
    """However its signatures are asked for: a status or a draft must not take it for two."""
    again, targets = "ab" * 32, sim.metadata.role("targets")
    root = sim.metadata.root.signed
    (keyid,) = root.roles["targets"].keyids
    root.add_key(Key.from_dict(again, root.keys[keyid].to_dict()), "targets")
    root.roles["targets"].threshold = 2
    targets.signatures[again] = Signature(again, targets.signatures[keyid].signature)
    result = signatures(root, "targets", targets)
    assert (len(result.signed), result.missing) == (1, 1)
    assert not result
    with pytest.raises(SignatureError, match="valid signatures of 1 of its keys, and 2 must sign"):
        verify_signed_by(root, "targets", targets, where="here")


def test_a_root_chain_with_a_gap_or_out_of_order(sim: Simulator) -> None:
    for _ in range(2):
        sim.rotate("timestamp")
        (sim.base / "stolen/timestamp.pem").unlink()
    first, second, third = sim.metadata.root_files
    assert len(verify_root_chain([first, second, third], where="here")) == 3
    for chain in ([first, third], [second, first], [first, first]):
        with pytest.raises(RollbackError, match="expected root version"):
            verify_root_chain(chain, where="here")
