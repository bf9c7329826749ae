"""What was withdrawn is missed nowhere: neither as a file of a directory, nor by another name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.usecases.mirror.pointed import Pointed
from pe_dvc.usecases.mirror.wanted import Collector, Holdings, objects_of
from pe_dvc.usecases.revoke.removal import remove_withdrawn
from pe_dvc.usecases.revoke.withdrawn import Withdrawn
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore
from tests.support.withdrawn_directory import SECRET, Directory, entry_of, secrets


def _collected(store: MemoryStore, directory: Directory, withdrawn: Withdrawn) -> Holdings:
    collector = Collector(store, "us", objects_of(store, "us"), withdrawn)
    manifest_sha256 = directory.entry.manifest_sha256
    assert manifest_sha256 is not None
    pointed = Pointed(
        name="tree", sha256=directory.sha256, manifest_sha256=manifest_sha256, is_promised=True
    )
    collector.add_pointed([pointed])
    collector.add_rest()
    return collector.found


@pytest.mark.parametrize("is_input", [False, True])
def test_a_file_of_a_directory_that_stays(is_input: bool) -> None:
    """Its bytes were withdrawn as a dataset, or as a raw input: they left under every name."""
    store = MemoryStore()
    directory = Directory(store, SECRET)
    single = manifest_of(SECRET["a.csv"], name="single")
    key = manifest_key("us", Sha256(single.artifact.sha256))
    store.objects[key] = single.to_bytes()
    entry = entry_of(single.to_bytes())
    withdrawn = (
        Withdrawn(version=2, inputs={entry.sha256: replace(entry, is_input=True)})
        if is_input
        else Withdrawn(version=2, artifacts={entry.sha256: entry})
    )
    assert remove_withdrawn(store, "us", withdrawn).removed == (single.artifact.key,)
    assert secrets(store) == {SECRET["b.csv"]}
    found = _collected(store, directory, withdrawn)
    assert [one.key for one in found.lacking if one.is_promised] == []
    assert (directory.files.keys() & found.objects.keys()) == directory.files.keys() - {
        single.artifact.key
    }


def test_a_file_that_was_not_withdrawn_is_missed() -> None:
    store = MemoryStore()
    directory = Directory(store, SECRET)
    key = min(directory.files)
    del store.objects[key]
    found = _collected(store, directory, Withdrawn())
    assert [one.key for one in found.lacking if one.is_promised] == [key]
