"""Forks: who holds the keys shows one history here and another one there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import EquivocationError, NotFoundError
from pe_dvc.project.reader import Reader
from pe_dvc.store.several import SeveralStores
from pe_dvc.trust import sources
from pe_dvc.trust.forks import _contradict
from pe_dvc.trust.tuf_api import MetaFile
from tests.support.browser_client import client_class
from tests.support.country import LATEST, NAME, Country
from tests.support.mirrors import Files, HangsOn, Mirror, evidence_of

if TYPE_CHECKING:
    from pathlib import Path

TIMESTAMP = "channels/us/timestamp.json"


@pytest.fixture(autouse=True)
def _both_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's client and the browser's must come to the same verdict."""
    monkeypatch.setattr("pe_dvc.trust.client.ChannelClient", client_class())


@pytest.fixture
def fork(country: Country, twin: Country, origin: Path, tmp_path: Path) -> list[str]:
    """Two buckets that show two timestamps of one version."""
    twin.publish({NAME: b"for some"})
    country.publish({NAME: b"for others"})
    return [str(origin), str(tmp_path / "twin-bucket")]


def test_equivocation_stops_every_question(fork: list[str]) -> None:
    reader = Reader("us", store=fork)
    for _ in range(3):
        with pytest.raises(EquivocationError):
            reader.resolve(LATEST)
    with pytest.raises(EquivocationError):
        pe_dvc.get(LATEST, store=fork)
    with pytest.raises(NotFoundError):
        pe_dvc.get(LATEST, store=fork, offline=True)


def test_equivocation_where_nothing_was_ever_withdrawn(fork: list[str]) -> None:
    """A role that is not published is no way round."""
    client = Reader("us", store=fork).channels
    for ask in (client.revocations, lambda: client.channel_version("next")) * 2:
        with pytest.raises(EquivocationError):
            ask()


def test_fork_of_what_was_verified_earlier(fork: list[str], tmp_path: Path) -> None:
    """The first bucket is read today, the other tomorrow: the proof holds both documents."""
    first, second = fork
    pe_dvc.resolve(LATEST, store=[first, str(tmp_path / "gone")])
    with pytest.raises(EquivocationError) as caught:
        pe_dvc.resolve(LATEST, store=[second, str(tmp_path / "gone")])
    assert caught.value.first.startswith("what was verified here on ")
    assert caught.value.second == second
    kept = {path.read_bytes() for path in evidence_of(tmp_path)}
    assert len(kept) == 2
    assert kept > {(tmp_path / "twin-bucket" / TIMESTAMP).read_bytes()}


def test_mirror_that_answers_its_snapshot_with_html(
    country: Country, origin: Path, tmp_path: Path
) -> None:
    mirror = Mirror(str(tmp_path / "mirror"), Files(tmp_path / "mirror"))
    mirror.copy(origin)
    for key in [*mirror.objects]:
        if "snapshot" in key:
            mirror.objects[key] = b"<html>It works!</html>"
    country.publish({NAME: b"new"})
    found = pe_dvc.get(LATEST, store=[str(origin), mirror.url])
    assert found.path.read_bytes() == b"new"


def test_mirror_that_lags_and_hangs_on_its_snapshot(
    country: Country, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "GRACE", 0.3)
    mirror = Mirror(str(tmp_path / "mirror"), Files(tmp_path / "mirror"))
    mirror.copy(origin)
    country.publish({NAME: b"new"})
    hanging = HangsOn(LocalStore(tmp_path / "mirror"), "snapshot")
    reader = Reader("us", store=SeveralStores([LocalStore(origin), hanging], print))
    began = time.monotonic()
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == b"new"
    assert time.monotonic() - began < 20
    hanging.go_on.set()


def test_snapshots_that_promise_other_bytes_accuse_who_signed_them(
    country: Country, twin: Country, origin: Path, tmp_path: Path
) -> None:
    """Nobody has seen whether the holders of ``latest`` signed both."""
    twin.publish({NAME: b"for some"})
    twin.publish({NAME: b"for some", "other": b"more"}, channel="next")
    country.publish({NAME: b"for others"})
    with pytest.raises(EquivocationError, match="a holder of the keys of snapshot") as caught:
        pe_dvc.resolve(LATEST, store=[str(origin), str(tmp_path / "twin-bucket")])
    assert "both validly signed" not in str(caught.value)
    assert {path.name.partition(".")[0] for path in evidence_of(tmp_path)} == {"snapshot"}


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        ({"sha256": "a"}, {"sha256": "b"}, True),
        ({"sha256": "a"}, {"sha256": "a", "sha512": "c"}, False),
        ({"sha256": "a"}, {"sha512": "c"}, False),
        ({"sha256": "a"}, None, False),
    ],
)
def test_hashes_are_compared_where_both_promise_them(
    one: dict[str, str], other: dict[str, str] | None, contradict: bool
) -> None:
    assert _contradict(MetaFile(1, None, one), MetaFile(1, None, other)) is contradict
