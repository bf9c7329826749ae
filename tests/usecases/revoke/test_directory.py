"""What is left of a withdrawn directory is known, whatever a writer of the bucket does to it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import chunks_key, content_key, manifest_key, tombstone_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import ConflictError, StorePermissionError
from pe_dvc.usecases.retention.findings import Report
from pe_dvc.usecases.retention.reachability import Bucket
from pe_dvc.usecases.revoke.faults import judge_withdrawn
from pe_dvc.usecases.revoke.removal import Removal, is_pending, remove_withdrawn
from pe_dvc.usecases.revoke.withdrawn import Withdrawn
from tests.support.factories import manifest_of
from tests.support.faults import Killed
from tests.support.withdrawn_directory import SECRET, CutStore, Directory, entry_of, secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.store.port import ObjectInfo

GARBAGE = f"us/ab/{'ab' * 32}.manifest.json"


class Place:
    """A bucket whose directory is withdrawn."""

    def __init__(self) -> None:
        self.store = CutStore()
        self.directory = Directory(self.store, SECRET)
        self.withdrawn = withdrawn(self.directory.entry)

    def remove(self) -> Removal:
        return remove_withdrawn(self.store, "us", self.withdrawn)

    def is_pending(self) -> bool:
        return is_pending(self.store, "us", self.withdrawn)


def withdrawn(*entries: Revocation) -> Withdrawn:
    return Withdrawn(version=2, artifacts={one.sha256: one for one in entries})


@pytest.fixture
def place() -> Place:
    return Place()


def _no_list(place: Place) -> None:
    del place.store.objects[place.directory.members]


def _altered_list(place: Place) -> None:
    place.store.objects[place.directory.members] = b"x"


def _no_listing(place: Place) -> None:
    del place.store.objects[place.directory.listing]


def _altered_listing(place: Place) -> None:
    place.store.objects[place.directory.listing] = b"[]"


def _no_manifest(place: Place) -> None:
    del place.store.objects[place.directory.manifest]


def _altered_manifest(place: Place) -> None:
    place.store.objects[place.directory.manifest] += b" "


@pytest.mark.parametrize(
    "attack",
    [
        lambda place: None,
        _no_list,
        _altered_list,
        _no_listing,
        _altered_listing,
        _no_manifest,
        _altered_manifest,
    ],
)
def test_all_of_it_goes(place: Place, attack: Callable[[Place], None]) -> None:
    attack(place)
    assert place.is_pending()
    assert place.remove().is_complete
    assert secrets(place.store) == set()
    lists = {place.directory.members, place.directory.listing}
    assert lists.isdisjoint(place.store.objects)
    assert not place.is_pending()


@pytest.mark.parametrize(
    ("of_list", "of_listing"),
    [
        (_no_list, _altered_listing),
        (_altered_list, _no_listing),
        (_altered_list, _altered_listing),
        (_no_manifest, _no_listing),
        (_no_manifest, _altered_listing),
        (_altered_manifest, _no_listing),
        (_altered_manifest, _altered_listing),
    ],
)
def test_what_cannot_be_told_is_left_and_named(
    place: Place, of_list: Callable[[Place], None], of_listing: Callable[[Place], None]
) -> None:
    """Both lists gone is what a removal leaves: at least one of them is there in each row."""
    before = dict(place.store.objects)
    of_list(place)
    of_listing(place)
    there = {place.directory.members, place.directory.listing} & place.store.objects.keys()
    done = place.remove()
    assert done.left.keys() == there
    assert not done.is_complete
    assert there <= place.store.objects.keys()
    assert place.is_pending()
    report = Report()
    judge_withdrawn(report, Bucket.read(place.store, "us"), place.withdrawn, place.withdrawn)
    assert there <= {one.key for one in report.findings if one.fault == "not removed"}
    place.store.objects |= {key: before[key] for key in [*there, place.directory.manifest]}
    assert place.remove().is_complete
    assert secrets(place.store) == set()


def test_a_manifest_that_is_garbage_postpones_and_nothing_is_forgotten(place: Place) -> None:
    place.store.objects[GARBAGE] = b"garbage"
    done = place.remove()
    assert done.left.keys() == place.directory.files.keys()
    assert {place.directory.members, place.directory.listing} <= place.store.objects.keys()
    del place.store.objects[GARBAGE]
    assert place.is_pending()
    assert place.remove().is_complete
    assert secrets(place.store) == set()


def test_a_manifest_that_claims_files_and_goes_later(place: Place) -> None:
    claim = Directory(place.store, {"a.csv": SECRET["a.csv"]}, name="claims")
    done = place.remove()
    assert done.kept.keys() == claim.files.keys()
    assert secrets(place.store) == {SECRET["a.csv"]}
    assert not place.is_pending(), "nothing is to do while the other directory has it"
    report = Report()
    judge_withdrawn(report, Bucket.read(place.store, "us"), place.withdrawn, place.withdrawn)
    assert report.findings == []
    for key in (claim.manifest, claim.members, claim.listing):
        del place.store.objects[key]
    assert place.is_pending()
    assert place.remove().is_complete
    assert secrets(place.store) == set()


@pytest.mark.parametrize("lost", ["members", "listing"])
def test_files_of_another_directory_stay_when_one_of_its_lists_is_lost(
    place: Place, lost: str
) -> None:
    other = Directory(place.store, {"a.csv": SECRET["a.csv"]}, name="other")
    del place.store.objects[getattr(other, lost)]
    place.remove()
    assert secrets(place.store) == {SECRET["a.csv"]}


@pytest.mark.parametrize("purges", range(5))
def test_killed_while_it_removes(place: Place, purges: int) -> None:
    place.store.purges = purges
    with pytest.raises(Killed):
        place.remove()
    place.store.purges = None
    for key in [key for key in place.store.objects if key.startswith("us/locks/")]:
        del place.store.objects[key]
    assert place.is_pending()
    assert place.remove().is_complete
    assert secrets(place.store) == set()
    assert not place.is_pending()


def test_a_file_that_is_put_back_beside_its_list(place: Place) -> None:
    before = dict(place.store.objects)
    place.remove()
    place.store.objects |= before
    del place.store.objects[place.directory.listing]
    assert place.is_pending()


def test_killed_when_only_a_profile_is_left() -> None:
    """A profile may say most of the data: the list of chunks goes after it."""
    store, manifest = CutStore(), manifest_of(b"one file")
    sha256 = Sha256(manifest.artifact.sha256)
    profile, chunks = (
        content_key("us", sha256, "profile", Sha256("a" * 64)),
        chunks_key("us", sha256),
    )
    store.objects |= {
        manifest_key("us", sha256): manifest.to_bytes(),
        chunks: b"chunks",
        manifest.artifact.key: b"one file",
        profile: b"most of it",
    }
    gone = withdrawn(entry_of(manifest.to_bytes()))
    store.purges = 2
    with pytest.raises(Killed):
        remove_withdrawn(store, "us", gone)
    assert {profile, manifest.artifact.key}.isdisjoint(store.objects)
    assert chunks in store.objects
    assert is_pending(store, "us", gone)


@pytest.mark.parametrize("attack", [b" ", None])
def test_an_entry_without_an_address(attack: bytes | None) -> None:
    """Its manifest was altered while the stewards withdrew it."""
    store, manifest = CutStore(), manifest_of(b"secret file")
    data, key = manifest.to_bytes(), manifest_key("us", Sha256(manifest.artifact.sha256))
    store.objects[manifest.artifact.key] = b"secret file"
    gone = withdrawn(entry_of(data, dvc_md5=None))
    if attack is not None:
        store.objects[key] = data + attack
    done = remove_withdrawn(store, "us", gone)
    assert done.left.keys() == {key}
    assert not done.is_complete
    assert is_pending(store, "us", gone)
    report = Report()
    judge_withdrawn(report, Bucket.read(store, "us"), gone, gone)
    assert ("not removed", key) in {(one.fault, one.key) for one in report.findings}
    store.objects[key] = data
    assert remove_withdrawn(store, "us", gone).is_complete
    assert secrets(store) == set()
    assert not is_pending(store, "us", gone)


@pytest.mark.parametrize(
    "error", [ConflictError("a folder"), StorePermissionError("no", operation="write", key="k")]
)
def test_a_tombstone_that_cannot_be_written_keeps_nothing_back(
    place: Place, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes to the bucket put a folder there, or a policy forbids that key."""

    def refuse(key: str, data: bytes) -> None:
        raise error

    monkeypatch.setattr(place.store, "overwrite", refuse)
    done = place.remove()
    assert secrets(place.store) == set()
    tombstone = tombstone_key("us", place.directory.sha256)
    assert done.left.keys() == {tombstone}
    assert "its tombstone cannot be written" in done.left[tombstone]
    assert not done.is_complete
    monkeypatch.undo()
    assert place.is_pending()
    assert place.remove().is_complete


def test_a_folder_in_the_place_of_a_tombstone(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    manifest = manifest_of(b"secret file")
    sha256 = Sha256(manifest.artifact.sha256)
    store.overwrite(manifest_key("us", sha256), manifest.to_bytes())
    store.overwrite(manifest.artifact.key, b"secret file")
    tombstone = tombstone_key("us", sha256)
    store.overwrite(f"{tombstone}/x", b"")
    done = remove_withdrawn(store, "us", withdrawn(entry_of(manifest.to_bytes())))
    assert manifest.artifact.key in done.removed
    assert done.left.keys() == {tombstone}


def test_questions_are_asked_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred withdrawn artifacts at 20 ms each: one after the other, a push waited 6 s."""
    entries = [replace(place.directory.entry, sha256=Sha256(f"{n:064x}")) for n in range(100)]
    gone = withdrawn(*entries)
    remove_withdrawn(place.store, "us", gone)
    head = place.store.head

    asking, most = set[str](), 0

    def slow(key: str) -> ObjectInfo:
        nonlocal most
        asking.add(key)
        most = max(most, len(asking))
        time.sleep(0.02)
        asking.remove(key)
        return head(key)

    monkeypatch.setattr(place.store, "head", slow)
    is_pending(place.store, "us", gone)
    assert most > 4
