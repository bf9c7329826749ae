"""A publication is refused before anything is written, and waits for its turn."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import metadata_version
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    ExpiredError,
    NotFoundError,
    SignatureError,
)
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import MetaFile, Targets
from pe_dvc.usecases.channel.update import update_channel
from pe_dvc.usecases.publish.publication import Publication
from pe_dvc.usecases.publish.publisher import Publisher
from pe_dvc.usecases.retention.bucket_lock import collecting
from pe_dvc.usecases.revoke.withdrawn import withdrawn_by
from tests.support.simulator import EVERY_MANIFEST, NOW, Simulator, days, pointer

if TYPE_CHECKING:
    from pathlib import Path


def publication(sim: Simulator, age: float = 0) -> Publication:
    return Publication(sim.store, sim.metadata, Publisher(sim.signers, now=NOW + days(age)))


def test_what_readers_would_accept_passes(sim: Simulator) -> None:
    publication(sim).check()


def test_a_repo_without_channels(sim: Simulator, tmp_path: Path) -> None:
    nothing = SignedMetadata(ChannelFiles(tmp_path / "none", "us"))
    with pytest.raises(NotFoundError, match="has no channels yet") as caught:
        Publication(sim.store, nothing, sim.publisher).check()
    assert "pe-dvc channel init --country us" in str(caught.value.remedy)


def test_metadata_that_is_not_signed_is_refused_first(sim: Simulator) -> None:
    nobody = Signers("us", environ={})
    update_channel(sim.directory, "us", "latest", [pointer("newer")], nobody, now=NOW)
    with pytest.raises(SignatureError, match="latest version 4"):
        publication(sim).check()


def test_metadata_that_has_expired_is_refused_first(sim: Simulator) -> None:
    with pytest.raises(ExpiredError):
        publication(sim, age=366).check()


def test_a_publication_and_a_collection_take_turns(sim: Simulator) -> None:
    store, made = sim.store, publication(sim)
    with (
        collecting(store, "us"),
        pytest.raises(ConflictError, match="pe-dvc gc"),
        made.turn(),
    ):
        raise AssertionError("both at once")
    with made.turn():
        assert list(store.list("us/locks/"))
    assert not list(store.list("us/locks/"))


def test_the_rewritten_channel_is_in_git_before_it_is_published(sim: Simulator) -> None:
    """A push that is killed in between goes on from there."""
    rival = sim.clone("rival")
    rival.update(pointer("theirs"))
    rival.publish()
    sim.update(pointer("mine"))
    published, rebased = publication(sim).publish_channels(known=EVERY_MANIFEST)
    assert rebased is not None
    assert rebased.rewritten
    assert sim.metadata.role("latest").signed.version == published.versions["latest"] == 5
    assert publication(sim).publish_channels(known=EVERY_MANIFEST)[0].written == ()


def test_each_version_is_asked_for_once(sim: Simulator) -> None:
    """A bucket may be 30 ms away, and a publication looks at where it stands several times."""
    sim.update(pointer("mine"))
    sim.store.clear_record()
    made = publication(sim)
    made.check()
    with made.turn():
        made.check_before_upload()
        made.publish_channels(known=EVERY_MANIFEST)
    assert withdrawn_by(made.bucket, made.metadata).version == 1
    read = Counter(key for operation, key in sim.store.log if operation == "read")
    versions = {key: times for key, times in read.items() if metadata_version(key) is not None}
    assert len(versions) > 5
    assert set(versions.values()) == {1}


def test_a_version_that_is_named_by_another_digest_is_asked_for_again(sim: Simulator) -> None:
    bucket = bucket_of(sim.store, sim.metadata)
    first = bucket.read("latest", Targets, 3).meta_file
    sim.store.clear_record()
    bucket.read_named("latest", first)
    assert len(sim.store.log) == 1, "what nothing names is not kept: a history has many versions"
    sim.store.clear_record()
    bucket.read_named("latest", first)
    assert sim.store.log == []
    other = MetaFile.from_data(3, b"altered since", ["sha256"])
    with pytest.raises(DigestMismatchError, match="latest version 3"):
        bucket.read_named("latest", other)
    bucket.read("latest", Targets, 3)
    assert len(sim.store.log) == 2
