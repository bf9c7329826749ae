"""What was withdrawn leaves a mirror with the next sync, and readers there are told why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.documents.keys import tombstone_key
from pe_dvc.documents.mirrors import Selection
from pe_dvc.documents.tombstone import Tombstone
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, RevokedError
from pe_dvc.usecases.mirror.sync import Sync
from tests.support.country import (
    LATEST,
    NAME,
    Country,
    chunks_of,
    payload_of,
    reader_at,
    revocation_of,
)
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.usecases.mirror.sync import Synced
    from tests.usecases.mirror.conftest import Pair

OTHER = b"what stays"
ALL = Selection()


class Mirrored(Country):
    """A country with a mirror."""

    def revoke(self, *manifests: Manifest, replacement: Manifest | None = None) -> None:
        """Withdraw artifacts as ``pe-dvc revoke`` does, which names their bytes as well."""
        self.signed.revoke(
            *(
                replace(
                    revocation_of(manifest, replacement),
                    dvc_md5=manifest.artifact.dvc.md5,
                    manifest_sha256=sha256_bytes(manifest.to_bytes()),
                )
                for manifest in manifests
            )
        )
        self.signed.publish_to(self.store)

    def sync_to(self, pair: Pair, selection: Selection = ALL) -> Synced:
        roots = self.signed.metadata.root_files
        return Sync(pair.origin, pair.mirror, "us", roots, name="lab").run(selection)


@pytest.fixture
def mirrored(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirrored:
    """A country of other channels in the same stores, emptied, and a reader of its mirror."""
    for prefix in ("us/", "channels/us/"):
        pair.origin.delete([info.key for info in pair.origin.list(prefix)])
    made = Mirrored(tmp_path / "maintainer", pair.origin)
    reader_at(tmp_path / "reader", monkeypatch)
    made.trust(tmp_path / "reader/config")
    monkeypatch.setattr("pe_dvc.project.stores.open_store", lambda *_, **__: pair.mirror)
    return made


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
