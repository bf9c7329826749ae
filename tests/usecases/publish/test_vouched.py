"""What the published channel signs is believed if today's keys signed it, and not otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.keys import metadata_key
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.usecases.publish.vouched import Vouched, vouched_in
from tests.support.memory_store import MemoryStore
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_what_readers_see(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    one, unpublished = pointer("one"), pointer("unpublished")
    sim.update(one)
    sim.publish()
    expected = {Vouched("one", one.sha256, one.manifest_sha256)}
    assert vouched_in(bucket_of(sim.store, sim.metadata), sim.metadata) == expected
    assert (
        vouched_in(bucket_of(sim.store, sim.metadata), sim.metadata, but={one.sha256})
        == frozenset()
    )
    sim.update(one, unpublished)
    assert vouched_in(bucket_of(sim.store, sim.metadata), sim.metadata) == expected, (
        "git says more, and has no say"
    )
    assert vouched_in(bucket_of(MemoryStore(), sim.metadata), sim.metadata) == frozenset()


def test_a_channel_that_was_altered_vouches_for_nothing(tmp_path: Path) -> None:
    """Who writes to the bucket cannot have a push pass over manifests by a channel of their own."""
    sim = Simulator(tmp_path)
    sim.update(pointer("one"))
    sim.publish()
    key = metadata_key("us", "latest", sim.metadata.role("latest").signed.version)
    honest = sim.store.objects[key]
    for altered in (honest.replace(b'"length": 3', b'"length": 4'), b"{}", b"nonsense"):
        assert altered != honest
        sim.store.objects[key] = altered
        assert vouched_in(bucket_of(sim.store, sim.metadata), sim.metadata) == frozenset()
    thief = Simulator(tmp_path / "thief")
    thief.update(pointer("one"))
    thief.publish()
    sim.store.restore(thief.store.objects)
    assert vouched_in(bucket_of(sim.store, sim.metadata), sim.metadata) == frozenset()
