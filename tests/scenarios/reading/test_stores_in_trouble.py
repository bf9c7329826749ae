"""Mirrors that hang, lie or lag while the channels of several stores are asked for."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import RevokedError, StoreUnavailableError
from pe_dvc.project.reader import Reader
from pe_dvc.store.lazy_store import LazyStore
from pe_dvc.store.locks import Wait, exclusive
from pe_dvc.store.several import SeveralStores
from pe_dvc.trust import sources
from pe_dvc.trust.concurrent_queries import ask_all
from tests.support.country import LATEST, NAME, Country, payload_of
from tests.support.mirrors import Files, Hangs, HangsOn, Mirror, Slow
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.store.port import Store
    from tests.support.stores import Result


MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "GRACE", 0.3)


@pytest.fixture
def origin(country: Country, tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "bucket")


@pytest.fixture
def mirror(origin: LocalStore, tmp_path: Path) -> Mirror:
    made = Mirror(str(tmp_path / "mirror"), Files(tmp_path / "mirror"))
    made.copy(tmp_path / "bucket")
    return made


@pytest.fixture
def heard() -> list[str]:
    return []


def _reader(heard: list[str], *stores: WrappedStore | LocalStore) -> Reader:
    return Reader("us", store=SeveralStores(stores, heard.append))


def test_mirror_that_hangs_on_a_root_of_many(
    country: Country,
    origin: LocalStore,
    mirror: Mirror,
    tmp_path: Path,
    heard: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is waited for once, not at each root."""
    monkeypatch.setattr(sources, "GRACE", 1.5)
    for _ in range(12):
        country.rotate("timestamp")
    country.publish({NAME: b"new"})
    mirror.copy(tmp_path / "bucket")
    hanging = HangsOn(LocalStore(tmp_path / "mirror"), ".root.json", after=1)
    began = time.monotonic()
    _reader(heard, origin, hanging).resolve(LATEST)
    assert time.monotonic() - began < 12 * 1.5
    hanging.go_on.set()


def test_the_lock_is_free_while_a_mirror_hangs(
    origin: LocalStore, tmp_path: Path, heard: list[str]
) -> None:
    """Others that read the same channels are not held up."""
    free: list[bool] = []
    probing = Probes(origin, tmp_path / "reader/state/channels/us", free)
    _reader(heard, probing, LocalStore(tmp_path / "gone")).resolve(LATEST)
    assert free[0], "the first thing that is asked"


def test_a_store_known_as_unavailable_is_not_waited_for_again(
    origin: LocalStore, tmp_path: Path, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = Hangs(LocalStore(tmp_path / "bucket"))
    several = SeveralStores([hanging, origin], heard.append)
    Reader("us", store=several).resolve(LATEST)
    monkeypatch.setattr(sources, "GRACE", 10)  # five times that, were it waited for each time
    began = time.monotonic()
    for _ in range(5):
        Reader("us", store=several).resolve(LATEST)
    assert time.monotonic() - began < 5 * 10
    hanging.go_on.set()


def test_what_one_reader_learns_of_a_hanging_store_all_of_the_process_know(
    country: Country,
    origin: LocalStore,
    tmp_path: Path,
    heard: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For a channel, a manifest, a payload and a pin: nothing waits for it a second time."""
    monkeypatch.setattr(sources, "GRACE", 2)
    (manifest,) = country.publish({NAME: b"small", "other": b"o"})[:1]
    hanging = Counts(Hangs(LocalStore(tmp_path / "hangs")))
    Reader("us", store=SeveralStores([hanging, origin], heard.append)).resolve(LATEST)
    began, asked = time.monotonic(), Counter(hanging.asked)
    for reference in (LATEST, "pe-data://us/other@latest", manifest.reference):
        reader = Reader("us", store=SeveralStores([hanging, origin], heard.append))
        assert reader.fetch(reader.resolve(reference)).read_bytes()
    assert time.monotonic() - began < 3 * 2
    assert {*(hanging.asked - asked)} <= {"channels/us/timestamp.json"}
    assert len({*heard}) == 1, heard


def test_a_store_that_answers_again_is_waited_for_again(
    country: Country, origin: LocalStore, mirror: Mirror, tmp_path: Path, heard: list[str]
) -> None:
    """Else who runs for long would see what a mirror shows that is behind, and no withdrawal."""
    returning = HangsOn(origin, "timestamp.json")
    lagging = LocalStore(tmp_path / "mirror")
    _reader(heard, returning, lagging).resolve(LATEST)
    country.publish({NAME: b"new"})
    returning.go_on.set()
    _reader(heard, returning, lagging).resolve(LATEST)
    time.sleep(0.2)
    slow = Slow(origin, 0.2)
    found = _reader(heard, slow, lagging).resolve(LATEST)
    assert found.payload.size == len(b"new")


def test_an_unsigned_answer_does_not_start_the_clock(
    origin: LocalStore, mirror: Mirror, tmp_path: Path, heard: list[str]
) -> None:
    """The honest store is slow, the liar is not: it must not decide who is heard."""
    mirror.objects["channels/us/timestamp.json"] = b'{"signed": {"version": 9}}'
    slow = Slow(origin, 1.0)
    assert _reader(heard, LocalStore(tmp_path / "mirror"), slow).resolve(LATEST).sha256
    assert not any(origin.url in text for text in heard), "the honest one is not blamed"


def test_a_late_store_is_read_where_the_others_fail(
    origin: LocalStore, mirror: Mirror, tmp_path: Path, heard: list[str]
) -> None:
    for key in [*mirror.objects]:
        if "snapshot" in key or "targets" in key:
            del mirror.objects[key]
    slow = Slow(origin, 1.0)
    assert _reader(heard, LocalStore(tmp_path / "mirror"), slow).resolve(LATEST).sha256


def test_mirror_that_lags_completes_the_view_of_a_store_that_goes_down(
    country: Country, origin: LocalStore, mirror: Mirror, tmp_path: Path, heard: list[str]
) -> None:
    """Versioned files are promised: whoever has them may show them."""
    country.publish({"other": b"x"}, channel="next")
    breaks = Breaks(origin, "next.json")
    client = _reader(heard, breaks, LocalStore(tmp_path / "mirror")).channels
    assert client.channel_version("latest")
    for path in (tmp_path / "bucket/channels/us").glob("*.next.json"):
        mirror.objects[f"channels/us/{path.name}"] = path.read_bytes()
    assert [one.name for one in client.pointers("next")] == ["other"]


def test_timestamp_of_a_store_that_lacks_what_it_promises(
    country: Country, origin: LocalStore, mirror: Mirror, tmp_path: Path, heard: list[str]
) -> None:
    """A mirror that shows the newest timestamp and nothing more denies nobody the rest."""
    country.publish({NAME: b"new"})
    for key in [*mirror.objects]:
        del mirror.objects[key]
    newest = (tmp_path / "bucket/channels/us/timestamp.json").read_bytes()
    mirror.objects["channels/us/timestamp.json"] = newest
    assert _reader(heard, LocalStore(tmp_path / "mirror"), origin).resolve(LATEST).sha256


def test_stores_are_opened_at_the_same_time() -> None:
    """One that is slow to open holds no other up, is opened once, and its failure is kept."""
    opened: list[str] = []

    def slowly() -> LocalStore:
        opened.append("slow")
        time.sleep(0.6)
        raise StoreUnavailableError("no region", operation="open", key="")

    slow, quick = (
        LazyStore("slow", slowly),
        LazyStore("quick", lambda: LocalStore(Path("nowhere"))),
    )
    found = ask_all(
        [slow, quick],
        lambda one: one.read("x", limit=1),
        grace=9,
        is_enough=lambda _: False,
        limit=0.3,
    )
    assert 1 in found
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            slow.read("x", limit=1)
    assert opened == ["slow"]


class Probes(WrappedStore):
    """Notes at each read whether another process could take the lock of the state."""

    def __init__(self, inner: LocalStore, state: Path, free: list[bool]) -> None:
        super().__init__(inner)
        self.state, self.free = state, free

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        from pe_dvc.store.confined import ConfinedTree

        try:
            with exclusive(ConfinedTree(self.state), ".lock", Wait(0.1, doing="x", remedy="")):
                self.free.append(True)
        except StoreUnavailableError:
            self.free.append(False)
        return work()


class Breaks(WrappedStore):
    """Does not show one kind of object."""

    def __init__(self, inner: LocalStore, what: str) -> None:
        super().__init__(inner)
        self.what = what

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if key.endswith(self.what):
            raise StoreUnavailableError(f"{self.url} is down", operation=operation, key=key)
        return work()


def test_mirror_without_the_payload_is_asked_for_it_once(
    country: Country, origin: LocalStore, mirror: Mirror, tmp_path: Path, heard: list[str]
) -> None:
    """What a partial mirror lacks costs no refresh of the channels, and no request a chunk."""
    (manifest,) = country.publish({NAME: random.Random(1).randbytes(24 * MIB)})
    mirror.copy(tmp_path / "bucket")
    del mirror.objects[payload_of(manifest)]
    partial = Counts(LocalStore(tmp_path / "mirror"))
    reader = _reader(heard, partial, origin)
    with reader.open(reader.resolve(LATEST)) as file:
        before = dict(partial.asked)
        while file.read(MIB):
            pass
    asked = {key: count - before.get(key, 0) for key, count in partial.asked.items()}
    assert asked[payload_of(manifest)] <= 3, "as many as may be in flight at first"
    assert not asked.get("channels/us/timestamp.json")


def test_payload_that_all_lack_asks_once_whether_it_was_withdrawn(
    country: Country, origin: LocalStore, mirror: Mirror, tmp_path: Path, heard: list[str]
) -> None:
    (manifest,) = country.publish({NAME: b"withdrawn"})
    mirror.copy(tmp_path / "bucket")
    reader = _reader(heard, LocalStore(tmp_path / "mirror"), origin)
    resolved = reader.resolve(LATEST)
    country.revoke(manifest)
    for bucket in ("bucket", "mirror"):
        (tmp_path / bucket / payload_of(manifest)).unlink()
    with pytest.raises(RevokedError):
        reader.fetch(resolved)


class Counts(WrappedStore):
    """Counts what it is asked for."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.asked: Counter[str] = Counter()

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        self.asked[key] += 1
        return work()
