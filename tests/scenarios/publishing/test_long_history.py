"""Ten times the versions and releases: what is asked for stays the same, or grows no faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from pe_dvc.documents.keys import metadata_key
from pe_dvc.documents.mirrors import Selection
from pe_dvc.trust.ancestry import REMEMBERED, digest, lineage
from pe_dvc.trust.client import ChannelClient
from pe_dvc.usecases.channel.counted_versions import read_version
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.recent import RecentHistory
from pe_dvc.usecases.channel.standing import standing
from pe_dvc.usecases.mirror.sync import Sync
from tests.support.country import NAME, Country
from tests.support.factories import pointer_to
from tests.support.long_history import add_versions
from tests.support.memory_store import MemoryStore
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from tests.support.signed_channels import SignedChannels

FEW, MANY = 30, 300


class Told(NamedTuple):
    """Channels with so many versions of latest, in a bucket; ``pointers`` of odd and even ones."""

    signed: SignedChannels
    store: MemoryStore
    pointers: tuple[Pointer, Pointer]

    @property
    def newest(self) -> int:
        return self.signed.metadata.role("latest").signed.version


def told(directory: Path, versions: int) -> Told:
    store = MemoryStore()
    country = Country(directory, store)
    made = [country.publish({NAME: data})[0] for data in (b"even", b"odd")]
    pointers = pointer_to(made[0]), pointer_to(made[1])
    add_versions(country.signed, store, versions, lambda version: [pointers[version % 2]])
    return Told(country.signed, store, pointers)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Told, Told]:
    return told(tmp_path / "few", FEW), told(tmp_path / "many", MANY)


def test_such_a_history_is_one_that_publishing_goes_on_with(tmp_path: Path) -> None:
    made = told(tmp_path, FEW)
    made.signed.point("latest", made.pointers[:1])
    made.signed.publish_to(made.store)
    versions = list(ChannelHistory(made.store, "us", made.signed.root).versions("latest"))
    assert [version.version for version in versions] == list(range(2, made.newest + 1))
    assert all(version.note is None for version in versions)


def test_a_new_reader_asks_for_as_much_whatever_came_before(
    both: tuple[Told, Told], tmp_path: Path
) -> None:
    asked = []
    for number, one in enumerate(both):
        store = CountingStore(one.store)
        client = ChannelClient(store, "us", one.signed.root, tmp_path / f"state{number}")
        assert client.pointers("latest") == [one.pointers[one.newest % 2]]
        asked.append(dict(store.calls))
    assert asked[0] == asked[1]
    assert sum(asked[0].values()) <= 6


def test_the_newest_versions_take_as_many_requests_of_a_long_history(
    both: tuple[Told, Told],
) -> None:
    asked = []
    for one in both:
        store = CountingStore(one.store)
        found = list(RecentHistory(store, "us", one.signed.root, last=5).versions("latest"))
        assert [v.version for v in found] == list(range(one.newest - 4, one.newest + 1))
        assert found[-1].pointers == {NAME: one.pointers[one.newest % 2]}
        whole = list(ChannelHistory(one.store, "us", one.signed.root).versions("latest"))
        assert found == whole[-5:]
        assert store.listed == 0
        asked.append(dict(store.calls))
    assert asked[0] == asked[1]
    assert sum(asked[0].values()) <= 12


def test_of_the_newest_versions_one_that_was_replaced_breaks_the_chain(tmp_path: Path) -> None:
    made = told(tmp_path, FEW)
    other = metadata_key("us", "latest", made.newest - 5)
    made.store.objects[metadata_key("us", "latest", made.newest - 2)] = made.store.objects[other]
    versions = RecentHistory(made.store, "us", made.signed.root, last=5).versions("latest")
    assert [next(versions).version, next(versions).version] == [made.newest - 4, made.newest - 3]
    with pytest.raises(Exception, match="says that it is version"):
        next(versions)


def test_how_channels_stand_is_asked_in_a_few_requests(both: tuple[Told, Told]) -> None:
    asked = []
    for one in both:
        store = CountingStore(one.store)
        said = standing(one.signed.metadata, store, now=one.signed.now)
        assert f"latest {one.newest}" in str(said)
        asked.append(sum(store.calls.values()))
    assert asked[0] == asked[1] <= 8


def test_a_sync_of_nothing_new_asks_the_origin_for_as_much_whatever_came_before(
    both: tuple[Told, Told],
) -> None:
    asked = []
    for one in both:
        mirror = MemoryStore("memory://mirror")
        first = Sync(one.store, mirror, "us", [one.signed.root], name="m").run(Selection())
        assert first.copied > 0
        origin = CountingStore(one.store)
        again = Sync(origin, mirror, "us", [one.signed.root], name="m").run(Selection())
        assert (again.copied, again.metadata) == (0, [])
        asked.append(dict(origin.calls))
    assert asked[0] == asked[1]
    assert sum(asked[0].values()) <= 20


def test_a_mirrors_copy_of_an_earlier_version_that_no_key_signed_is_read_at_the_origin(
    tmp_path: Path,
) -> None:
    made, mirror = told(tmp_path, FEW), MemoryStore("memory://mirror")
    sync = Sync(made.store, mirror, "us", [made.signed.root], name="m")
    before = sync.run(Selection(last=5))
    for number in range(made.newest - 4, made.newest):
        key = metadata_key("us", "latest", number)
        mirror.objects[key] = mirror.objects[key].replace(b'"sig": "', b'"sig": "00')
    again = sync.run(Selection(last=5))
    assert again.present == before.copied + before.present
    assert again.ok


def test_where_a_version_comes_from_takes_time_in_proportion_to_the_versions(
    tmp_path: Path,
) -> None:
    """Of ten thousand it took seconds: each step looked at all that were named before it."""
    made = told(tmp_path, MANY)
    data = {n: made.store.objects[metadata_key("us", "latest", n)] for n in range(2, made.newest)}
    held = {}
    for number, one in data.items():
        metadata = read_version(one, number)
        assert metadata is not None
        held[number] = metadata
    newest = made.signed.metadata.role("latest").signed
    found = lineage(newest, {digest(one): one.signed for one in held.values()})
    assert found == {number: digest(one) for number, one in held.items()}
    assert len(found) > 5 * REMEMBERED
