"""Of several stores one lies and one is down: neither keeps a reader from what is right."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import PeDvcError, StoreUnavailableError
from pe_dvc.project import revocations
from pe_dvc.project.reader import Reader
from pe_dvc.store.several import SeveralStores
from tests.support.country import LATEST, NAME
from tests.support.mirrors import Files, Mirror
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.country import Country
    from tests.support.stores import Result

NEW = b"the dataset as of today"
TIMESTAMP = "channels/us/timestamp.json"
Objects = dict[str, bytes]


class MayFail(WrappedStore):
    """Can be taken down."""

    is_down = False

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if self.is_down:
            raise StoreUnavailableError(f"{self.url} is down", operation=operation, key=key)
        return work()


def pages_for_everything(shown: Objects, before: Objects) -> None:
    for key in [*shown]:
        shown[key] = b"<html>"


def a_page_for_the_timestamp(shown: Objects, before: Objects) -> None:
    shown[TIMESTAMP] = b"<html>"


def an_old_timestamp(shown: Objects, before: Objects) -> None:
    shown[TIMESTAMP] = before[TIMESTAMP]


def a_version_without_signatures(shown: Objects, before: Objects) -> None:
    shown[TIMESTAMP] = shown[TIMESTAMP].replace(b'"version": ', b'"version": 99')


def nothing_but_the_timestamp(shown: Objects, before: Objects) -> None:
    for key in shown.keys() - {TIMESTAMP}:
        del shown[key]


def other_manifests_and_payloads(shown: Objects, before: Objects) -> None:
    for key in [key for key in shown if key.startswith("us/")]:
        shown[key] = b"other"


LIES = [
    pages_for_everything,
    a_page_for_the_timestamp,
    an_old_timestamp,
    a_version_without_signatures,
    nothing_but_the_timestamp,
    other_manifests_and_payloads,
]


class Case:
    """The bucket, a mirror that begins to lie and one that goes down, by their first letters."""

    def __init__(self, country: Country, origin: Path, base: Path) -> None:
        self.before = self._copy(origin, base / "before")
        country.publish({NAME: NEW})
        self.liar = self._copy(origin, base / "liar")
        self._copy(origin, base / "down")
        self.down = MayFail(LocalStore(base / "down"))
        self.stores: dict[str, LocalStore | MayFail] = {
            "b": LocalStore(origin),
            "l": LocalStore(base / "liar"),
            "d": self.down,
        }
        self.heard: list[str] = []

    def _copy(self, origin: Path, place: Path) -> Files:
        files = Files(place)
        Mirror(str(place), files).copy(origin)
        return files

    def reader(self, order: str) -> Reader:
        stores = [self.stores[one] for one in order]
        return Reader("us", store=SeveralStores(stores, self.heard.append))

    def begin(self, lie: Callable[[Objects, Objects], None]) -> None:
        lie(self.liar, self.before)
        self.down.is_down = True


@pytest.fixture
def case(country: Country, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(revocations, "FRESH", 0.0)
    return Case(country, origin, tmp_path)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("order", ["".join(one) for one in permutations("lbd")])
def test_the_third_serves(case: Case, order: str, lie: Callable[[Objects, Objects], None]) -> None:
    running = case.reader(order)
    found = running.resolve(LATEST)
    case.begin(lie)
    assert running.fetch(found).read_bytes() == NEW
    new = case.reader(order)
    assert new.fetch(new.resolve(LATEST)).read_bytes() == NEW


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("order", ["ld", "dl"])
def test_what_is_here_serves_who_runs(
    case: Case, order: str, lie: Callable[[Objects, Objects], None]
) -> None:
    """A mirror that lies has no more say than one that is silent."""
    running = case.reader(order)
    found = running.resolve(LATEST)
    running.fetch(found)
    case.begin(lie)
    assert running.fetch(found).read_bytes() == NEW
    assert running.fetch(running.resolve(LATEST)).read_bytes() == NEW


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("order", ["ld", "dl"])
def test_both_are_named_to_who_begins(
    case: Case, order: str, lie: Callable[[Objects, Objects], None]
) -> None:
    case.reader("bld").resolve(LATEST)
    case.begin(lie)
    new = case.reader(order)
    with pytest.raises(PeDvcError) as caught:
        new.fetch(new.resolve(LATEST))
    assert f"{case.down.url} is down" in str(caught.value)
    assert case.stores["l"].url in str(caught.value)
