"""A withdrawn artifact takes nobody else's bytes along, whatever its manifest says."""

from __future__ import annotations

import pytest

from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.usecases.revoke.removal import remove_withdrawn
from pe_dvc.usecases.revoke.withdrawn import Withdrawn
from tests.support.factories import manifest_of
from tests.support.memory_store import MemoryStore
from tests.support.withdrawn_directory import Directory, entry_of, secrets

RELEASED = manifest_of(b"released")


def _publish(store: MemoryStore, data: bytes, sha256: str, name: str | None = None) -> None:
    store.objects[manifest_key("us", Sha256(sha256), name)] = data


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    made.objects[RELEASED.artifact.key] = b"released"
    _publish(made, RELEASED.to_bytes(), RELEASED.artifact.sha256)
    return made


@pytest.mark.parametrize("is_input", [False, True])
@pytest.mark.parametrize("is_in_entry", [False, True])
def test_the_address_of_a_released_payload(
    store: MemoryStore, is_input: bool, is_in_entry: bool
) -> None:
    """A thief of CI's key signed a manifest with that address, and stewards withdraw it."""
    evil = manifest_of(b"evil", name="evil", dvc=RELEASED.artifact.dvc.model_dump()).to_bytes()
    _publish(store, evil, sha256_bytes(b"evil"))
    changes = {} if is_in_entry else {"dvc_md5": None}
    entry = entry_of(evil, is_input=is_input, **changes)
    entries = {entry.sha256: entry}
    done = remove_withdrawn(
        store,
        "us",
        Withdrawn(version=2, inputs=entries)
        if is_input
        else Withdrawn(version=2, artifacts=entries),
    )
    assert store.objects[RELEASED.artifact.key] == b"released"
    wanted = {} if is_input and not is_in_entry else {RELEASED.artifact.key}
    assert done.kept.keys() == set(wanted)


def test_a_forged_manifest_does_not_keep_withdrawn_bytes(store: MemoryStore) -> None:
    forged = manifest_of(b"forged", name="forged", dvc=RELEASED.artifact.dvc.model_dump())
    _publish(store, forged.to_bytes(), forged.artifact.sha256)
    entry = entry_of(RELEASED.to_bytes())
    done = remove_withdrawn(store, "us", Withdrawn(version=2, artifacts={entry.sha256: entry}))
    assert done.is_complete
    assert RELEASED.artifact.key not in store.objects


def test_bytes_that_are_neithers(store: MemoryStore) -> None:
    other = manifest_of(b"other", name="other", dvc=RELEASED.artifact.dvc.model_dump())
    _publish(store, other.to_bytes(), other.artifact.sha256)
    store.objects[RELEASED.artifact.key] = b"altered"
    entry = entry_of(RELEASED.to_bytes())
    done = remove_withdrawn(store, "us", Withdrawn(version=2, artifacts={entry.sha256: entry}))
    assert done.left.keys() == {RELEASED.artifact.key}
    assert RELEASED.artifact.key in store.objects


def test_the_address_of_another_directory(store: MemoryStore) -> None:
    stays = Directory(store, {"a.csv": b"secret a"}, name="stays")
    evil = Directory(store, {"b.csv": b"evil"}, name="evil")
    data = evil.data.replace(evil.md5.encode(), stays.md5.encode())
    store.objects[evil.manifest] = data
    entry = entry_of(data)
    done = remove_withdrawn(store, "us", Withdrawn(version=2, artifacts={entry.sha256: entry}))
    assert secrets(store) == {b"secret a"}
    assert stays.listing in store.objects
    assert done.left.keys() == {stays.listing}
