"""A cache that a group shares, and one of the group who plants things in it."""

from __future__ import annotations

import os
import random
import signal
import socket
import stat
from typing import TYPE_CHECKING, NoReturn

import pytest

from pe_dvc.errors import FormatError, VerificationError
from pe_dvc.project.reader import Reader
from pe_dvc.project.stores import open_store
from pe_dvc.store.cache import Cache
from pe_dvc.store.eviction import entries, prune
from tests.support.country import LATEST, NAME, Country, reader_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.store.port import Store
    from tests.support.servers import S3Bucket

LARGE = random.Random(5).randbytes(3 * 1024 * 1024)
"""More than is read by one request: it grows in a partial file."""
THESIS = b"my thesis"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """Fail where a pipe is waited for."""

    def fail(*_: object) -> NoReturn:
        raise TimeoutError("it waits for ever")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        return open_store(str(tmp_path / "bucket"))
    bucket: S3Bucket = request.getfixturevalue("s3_bucket")
    return open_store(bucket.url, options=bucket.server.options)


class Victim:
    """A reader with a cache of a group, and a home in which nothing may change."""

    def __init__(self, directory: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.cache = directory / "home", directory / "reader/cache"
        self.home.mkdir()
        self.thesis = self.home / "thesis"
        self.thesis.write_bytes(THESIS)
        reader_at(directory / "reader", monkeypatch)
        monkeypatch.chdir(directory)
        self._country = Country(directory / "maintainer", store)
        self.publish(LARGE)
        self._country.trust(directory / "reader/config")
        self.cache.mkdir(parents=True)
        self.cache.chmod(0o2770)
        self._store = store

    def publish(self, data: bytes) -> None:
        (manifest,) = self._country.publish({NAME: data})
        self.sha256 = manifest.artifact.sha256

    def fetch(self) -> Path:
        reader = Reader("us", store=self._store)
        return reader.fetch(reader.resolve(LATEST))

    def open(self) -> bytes:
        reader = Reader("us", store=self._store)
        with reader.open(reader.resolve(LATEST)) as file:
            return file.read()

    def forget_leases(self) -> None:
        """Be another process: one that has the file of leases open looks for no other."""
        from pe_dvc.store.cache_directory import _leases_of

        _leases_of.cache_clear()

    def place(self, name: str) -> Path:
        """Return a place of the cache; ``SHA`` and ``AB`` stand for the artifact's digest."""
        path = self.cache / name.replace("SHA", self.sha256).replace("AB", self.sha256[:2])
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def is_unharmed(self) -> bool:
        (only,) = self.home.iterdir()
        return only == self.thesis and only.read_bytes() == THESIS and only.stat().st_nlink <= 2


@pytest.fixture
def victim(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Victim:
    return Victim(tmp_path, store, monkeypatch)


def link(path: Path, victim: Victim) -> None:
    path.symlink_to(victim.thesis)


def dangling_link(path: Path, victim: Victim) -> None:
    path.symlink_to(victim.home / "new")


def hard_link(path: Path, victim: Victim) -> None:
    os.link(victim.thesis, path)


def pipe(path: Path, victim: Victim) -> None:
    os.mkfifo(path)


def listening(path: Path, victim: Victim) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)  # the whole path is too long for a socket's address
        server.bind(path.name)


FILES = ["partial/SHA.data", "locks/SHA.lock", "locks/leases"]
PLANTED = [link, dangling_link, hard_link, pipe, listening]


@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize(
    ("name", "data"), [*((name, LARGE) for name in FILES), ("locks/downloads", THESIS)]
)
def test_what_is_planted_where_the_cache_writes_harms_nobody(
    victim: Victim, name: str, data: bytes, plant: Callable[[Path, Victim], None]
) -> None:
    victim.publish(data)
    victim.forget_leases()
    plant(victim.place(name), victim)
    lock_of_two_names = plant is hard_link and name != "partial/SHA.data"
    if lock_of_two_names:  # nothing is written to it
        assert victim.fetch().read_bytes() == data
    else:
        with pytest.raises(FormatError, match=victim.place(name).name):
            victim.fetch()
    assert victim.is_unharmed()
    victim.forget_leases()


@pytest.mark.parametrize("name", ["artifacts/AB/SHA.parquet", "artifacts/AB/SHA.verified"])
@pytest.mark.parametrize("plant", [link, pipe, listening])
def test_what_is_planted_where_the_cache_reads_is_not_waited_for(
    victim: Victim, name: str, plant: Callable[[Path, Victim], None]
) -> None:
    if name.endswith("verified"):
        victim.fetch()
        victim.place(name).unlink()
    plant(victim.place(name), victim)
    with pytest.raises(FormatError, match=victim.place(name).name):
        victim.fetch()
    assert victim.is_unharmed()


@pytest.mark.parametrize("kind", ["manifests", "chunks"])
def test_a_pipe_in_the_place_of_a_kept_document_is_not_waited_for(
    victim: Victim, kind: str
) -> None:
    assert victim.open() == LARGE
    documents = list((victim.cache / kind).glob("??/*"))
    for kept in documents:
        kept.unlink()
        os.mkfifo(kept)
    for artifact in victim.cache.glob("artifacts/??/*"):
        artifact.unlink()
    if documents:
        with pytest.raises(FormatError, match="is a named pipe"):
            victim.open()


@pytest.mark.parametrize(
    "name", ["partial", "locks", "artifacts", "artifacts/AB", "manifests", "chunks"]
)
def test_a_directory_that_became_a_link_is_not_followed(victim: Victim, name: str) -> None:
    victim.forget_leases()
    victim.place(name).symlink_to(victim.home)
    if name == "chunks":
        victim.fetch()  # needs none
    else:
        with pytest.raises(FormatError, match="is a symbolic link"):
            victim.fetch()
    assert victim.is_unharmed()
    victim.forget_leases()


def test_prune_removes_nothing_behind_a_directory_that_became_a_link(victim: Victim) -> None:
    stranger = victim.home.parent / "photos"
    stranger.mkdir()
    (stranger / f"{'ab' * 32}.parquet").write_bytes(b"a photo")
    (victim.cache / "artifacts").mkdir()
    (victim.cache / "artifacts/ab").symlink_to(stranger)
    cache = Cache(victim.cache)
    with pytest.raises(FormatError, match="is a symbolic link"):
        prune(cache, 0)
    with pytest.raises(FormatError, match="is a symbolic link"):
        entries(cache)
    assert len(list(stranger.iterdir())) == 1


def test_partial_file_swapped_during_a_download_is_not_written_through(
    victim: Victim, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The download has the file open: what its name leads to by then does not matter."""
    inner = type(store).download

    def swapping(self: Store, key: str, path: object, **options: object) -> object:
        partial = victim.place("partial/SHA.data")
        partial.unlink()
        partial.symlink_to(victim.thesis)
        return inner(self, key, path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(store), "download", swapping)
    with pytest.raises(VerificationError, match="was replaced by another process"):
        victim.fetch()
    assert victim.thesis.read_bytes() == THESIS
    assert stat.S_IMODE(victim.thesis.stat().st_mode) == 0o644
