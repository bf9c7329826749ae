"""What was withdrawn leaves a mirror with the next sync, and readers there are told why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.documents.keys import manifest_key, payload_key, tombstone_key
from pe_dvc.documents.mirrors import Selection
from pe_dvc.documents.tombstone import Tombstone
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, RevokedError, VerificationError
from pe_dvc.store.several import SeveralStores
from pe_dvc.usecases.mirror.state import read_state
from pe_dvc.usecases.mirror.verify import verify_mirror
from pe_dvc.usecases.mirror_hint import mirror_hint
from pe_dvc.usecases.object_digest import md5_bytes
from tests.support.country import (
    LATEST,
    NAME,
    chunks_of,
    payload_of,
)
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from tests.usecases.mirror.conftest import Mirrored, Pair

OTHER = b"what stays"
ALL = Selection()


def _all_of(manifest: Manifest) -> set[str]:
    return {payload_of(manifest), chunks_of(manifest)}


def test_a_withdrawal_travels_and_the_bytes_go(mirrored: Mirrored, pair: Pair) -> None:
    gone, stays = mirrored.publish({NAME: b"withdrawn later", "cps_2024": OTHER})
    mirrored.sync_to(pair)
    mirrored.revoke(gone, replacement=stays)
    done = mirrored.sync_to(pair)
    assert done.ok
    assert set(done.removed) == _all_of(gone)
    held = pair.contents(pair.mirror)
    assert not _all_of(gone) & held.keys()
    assert _all_of(stays) <= held.keys()
    key = tombstone_key("us", Sha256(gone.artifact.sha256))
    assert Tombstone.from_bytes(held[key], where=key).revocation.reason == "its licence ended"
    assert mirrored.sync_to(pair).removed == []


def test_it_is_gone_before_anything_else_is_copied(mirrored: Mirrored, pair: Pair) -> None:
    gone, _ = mirrored.publish({NAME: b"withdrawn later", "cps_2024": OTHER})
    mirrored.sync_to(pair)
    mirrored.publish({"cps_2024": OTHER, "new": b"new data"})
    mirrored.revoke(gone)
    inner = pair.mirror
    recording = RecordingStore(inner, {})

    def stop(_: int, operation: str, key: str) -> None:
        if operation == "blocks" and "/files/" in key:
            raise KeyboardInterrupt

    recording.before, pair.mirror = stop, recording
    with pytest.raises(KeyboardInterrupt):
        mirrored.sync_to(pair)
    pair.mirror = inner
    assert not _all_of(gone) & pair.contents(inner).keys()
    assert mirrored.sync_to(pair).ok


def test_what_the_origin_still_has_is_not_copied(mirrored: Mirrored, pair: Pair) -> None:
    gone, _ = mirrored.publish({NAME: b"withdrawn", "cps_2024": OTHER})
    mirrored.revoke(gone)  # the payload was not removed there
    mirrored.sync_to(pair)
    assert not _all_of(gone) & pair.contents(pair.mirror).keys()


def test_a_forged_tombstone_does_not_travel(mirrored: Mirrored, pair: Pair) -> None:
    one, _ = mirrored.publish({NAME: b"not withdrawn", "cps_2024": OTHER})
    key = tombstone_key("us", Sha256(one.artifact.sha256))
    mirrored.write(key, b"{}")
    mirrored.sync_to(pair)
    held = pair.contents(pair.mirror)
    assert key not in held
    assert _all_of(one) <= held.keys()


def test_readers_of_the_mirror_are_told(mirrored: Mirrored, pair: Pair) -> None:
    gone, _ = mirrored.publish({NAME: b"withdrawn later", "cps_2024": OTHER})
    mirrored.sync_to(pair)
    mirrored.revoke(gone)
    mirrored.sync_to(pair)
    with pytest.raises(RevokedError, match="its licence ended"):
        pe_dvc.fetch(LATEST, store="s3://any")


def test_readers_are_told_what_a_mirror_with_a_filter_holds(mirrored: Mirrored, pair: Pair) -> None:
    one, _ = mirrored.publish({NAME: b"left out", "cps_2024": OTHER})
    mirrored.sync_to(pair, Selection(datasets=("cps_*",)))
    assert pe_dvc.fetch("us/cps_2024@latest", store="s3://any").read_bytes() == OTHER
    for asked in (LATEST, one.reference):
        with pytest.raises(NotFoundError) as caught:
            pe_dvc.fetch(asked, store="s3://any")
        told = f"{caught.value.message} {caught.value.remedy}"
        assert "is the mirror lab, which holds only: datasets cps_*" in told


def test_of_several_stores_the_one_that_holds_a_part_is_named(
    mirrored: Mirrored, pair: Pair
) -> None:
    mirrored.publish({NAME: b"left out", "cps_2024": OTHER})
    mirrored.sync_to(pair, Selection(datasets=("cps_*",)))
    other = MemoryStore("memory://other")
    told = mirror_hint(SeveralStores([other, pair.mirror], print), "us")
    assert told is not None
    assert told.startswith(f"{pair.mirror.url} is the mirror lab")


def test_an_unsigned_manifest_takes_nothing_else_along(mirrored: Mirrored, pair: Pair) -> None:
    """It is of a withdrawn artifact, and gives another one's payload as the address."""
    gone, old = mirrored.publish({NAME: b"withdrawn later", "cps_2024": OTHER})
    mirrored.publish({"cps_2024": b"newer"})
    mirrored.revoke(gone)
    mirrored.write(*_forged(gone, payload_of(old)))
    assert mirrored.sync_to(pair).ok
    assert pair.contents(pair.mirror)[payload_of(old)] == OTHER
    assert not _all_of(gone) & pair.contents(pair.mirror).keys()
    roots = mirrored.signed.metadata.root_files
    now = datetime.now(UTC)
    check = verify_mirror(pair.mirror, "us", roots, ALL, name="lab", origin=pair.origin, now=now)
    assert check.faults == []


def test_an_unsigned_manifest_keeps_nothing_from_being_copied(
    mirrored: Mirrored, pair: Pair
) -> None:
    """It says another sha256 of what a pipeline made on the way, which DVC's md5 names."""
    [some] = mirrored.publish({NAME: OTHER})
    made = payload_key("us", md5_bytes(b"on the way"))
    mirrored.write(made, b"on the way")
    mirrored.write(*_forged(manifest_of(b"on the wax", name="x"), made))
    done = mirrored.sync_to(pair)
    assert pair.contents(pair.mirror)[made] == b"on the way"
    assert made not in {one.key for one in done.lacking}
    assert _all_of(some) <= pair.contents(pair.mirror).keys()


def test_what_was_put_back_is_a_fault(mirrored: Mirrored, pair: Pair) -> None:
    gone, _ = mirrored.publish({NAME: b"withdrawn", "cps_2024": OTHER})
    mirrored.revoke(gone)
    mirrored.sync_to(pair)
    pair.mirror.overwrite(payload_of(gone), b"withdrawn")
    roots, now = mirrored.signed.metadata.root_files, datetime.now(UTC)
    check = verify_mirror(pair.mirror, "us", roots, ALL, name="lab", origin=pair.origin, now=now)
    assert [(one.key, one.detail) for one in check.faults] == [
        (payload_of(gone), "was withdrawn, and is there")
    ]


def test_a_role_that_todays_stewards_did_not_sign_withdraws_what_nobody_knows(
    mirrored: Mirrored, pair: Pair
) -> None:
    gone, _ = mirrored.publish({NAME: b"withdrawn", "cps_2024": OTHER})
    mirrored.revoke(gone)
    state = read_state(pair.origin, "us", mirrored.signed.metadata.root_files)
    others = {role: one for role, one in state.trusted.items() if role != "revoked"}
    assert state.withdrawn.artifacts
    with pytest.raises(VerificationError, match="not signed by today's data stewards"):
        _ = replace(state, trusted=others).withdrawn


def _forged(manifest: Manifest, payload: str) -> tuple[str, bytes]:
    """Return a manifest of the same artifact by another name, which lies at ``payload``."""
    document = json.loads(manifest.to_bytes())
    folder, name = payload.split("/")[-2:]
    document["artifact"] |= {"name": "evil", "dvc": {"hash": "md5", "md5": folder + name}}
    key = manifest_key("us", Sha256(manifest.artifact.sha256), "evil")
    return key, json.dumps(document).encode()
