"""What a snapshot names is read and verified once in a publication, and no less than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import SignatureError
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.tuf_api import Metadata, QuickSerializer, Targets, signed_bytes
from pe_dvc.trust.verify import parse
from pe_dvc.usecases.publish.publication import Publication
from pe_dvc.usecases.publish.vouched import vouched_in
from tests.support.simulator import EVERY_MANIFEST, Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.tuf_api import MetaFile


@pytest.fixture
def sim(tmp_path: Path) -> Simulator:
    sim = Simulator(tmp_path)
    sim.update(pointer("cps_2024", "new"), pointer("states/AL"))
    sim.publish()
    return sim


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files of roles below the root that the bucket's reader parses from here on."""
    found: list[bytes] = []

    def counted(kind: type[Targets], data: bytes, *, where: str) -> Metadata[Targets]:
        if kind is Targets:
            found.append(data)
        return parse(kind, data, where=where)

    monkeypatch.setattr("pe_dvc.trust.bucket.parse", counted)
    return found


def named_latest(bucket: ChannelBucket) -> MetaFile:
    return read_head(bucket).meta["latest"]


def test_a_named_file_is_verified_once(sim: Simulator, parsed: list[bytes]) -> None:
    bucket, git = bucket_of(sim.store, sim.metadata), sim.metadata.targets.signed
    named = named_latest(bucket)
    first = bucket.signed(git, "latest", Targets, named.version, named)
    assert first is not None
    assert bucket.signed(git, "latest", Targets, named.version, named) is first
    assert len(parsed) == 1


def test_other_keys_verify_it_themselves(sim: Simulator, tmp_path: Path) -> None:
    bucket, git = bucket_of(sim.store, sim.metadata), sim.metadata.targets.signed
    named = named_latest(bucket)
    assert bucket.signed(git, "latest", Targets, named.version, named) is not None
    others = Simulator(tmp_path / "thief").metadata.targets.signed
    assert bucket.signed(others, "latest", Targets, named.version, named) is None


def test_a_file_that_is_not_named_is_read_again(sim: Simulator) -> None:
    """It may be another by now."""
    bucket, git = bucket_of(sim.store, sim.metadata), sim.metadata.targets.signed
    named = named_latest(bucket)
    assert bucket.signed(git, "latest", Targets, named.version, named) is not None
    sim.store.overwrite(bucket.key("latest", named.version), b"{}")
    assert bucket.signed(git, "latest", Targets, named.version) is None


def test_who_reads_gets_one_that_may_be_altered(sim: Simulator) -> None:
    bucket, git = bucket_of(sim.store, sim.metadata), sim.metadata.targets.signed
    named = named_latest(bucket)
    bucket.read_named("latest", named).metadata.signed.version += 1
    held = bucket.signed(git, "latest", Targets, named.version, named)
    assert held is not None
    assert held.metadata.signed.version == named.version


def test_a_publication_parses_the_published_channel_once(
    sim: Simulator, parsed: list[bytes]
) -> None:
    published = sim.files.read_bytes("latest")
    sim.update(pointer("cps_2024", "newer"), pointer("states/AL"))
    publication = Publication(sim.store, sim.metadata, sim.publisher)
    publication.check()
    publication.check_before_upload()
    assert len(vouched_in(publication.bucket, publication.metadata)) == 2
    publication.publish_channels(known=EVERY_MANIFEST)
    assert parsed.count(published) == 1


def test_what_is_signed_are_the_bytes_of_python_tuf(sim: Simulator) -> None:
    for role in ("targets", "latest"):
        metadata = sim.files.read(role, Targets)
        assert signed_bytes(metadata) == metadata.signed_bytes
    metadata = sim.files.read("latest", Targets)
    metadata.signed.unrecognized_fields["x-note"] = 'a "quoted" \\ text\n'
    assert signed_bytes(metadata) == metadata.signed_bytes


def test_a_signature_of_other_bytes_than_python_tufs_does_not_count(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the quick encoder ever wrong, nothing would be signed by it."""
    monkeypatch.setattr(QuickSerializer, "serialize", lambda self, signed: b"other bytes")
    metadata = sim.files.read("latest", Targets)
    metadata.signed.version += 1
    metadata.signatures.clear()
    delegator = sim.files.read("targets", Targets).signed
    assert sim.signers.sign(delegator, "latest", metadata) == []
    with pytest.raises(SignatureError):
        sim.update(pointer("cps_2024", "newest"))
