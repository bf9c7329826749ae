"""A reader of several stores, none of which need be trusted: each test is named after an attack."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    EquivocationError,
    PeDvcError,
    RollbackError,
    StoreUnavailableError,
)
from pe_dvc.project.reader import Reader
from pe_dvc.store.atomic_write import OpenFile
from pe_dvc.store.several import SeveralStores
from pe_dvc.trust import sources
from tests.support.browser_client import BothClients, node
from tests.support.country import LATEST, NAME, Country, payload_of, reader_at
from tests.support.mirrors import Down, Files, Hangs, Mirror, evidence_of
from tests.support.s3_objects import S3Objects
from tests.support.stores import CountingStore, WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.store.port import Progress
    from tests.support.counters import Tally
    from tests.support.servers import S3Bucket
    from tests.support.stores import Result

Patch = pytest.MonkeyPatch
MIB = 1024 * 1024
TIMESTAMP = "channels/us/timestamp.json"


@pytest.fixture(params=["directory", "S3", "browser"])
def mirror(
    request: pytest.FixtureRequest,
    origin: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
) -> Mirror:
    tally(f"attacks with a mirror ({request.param})", 1)
    if request.param == "browser":  # both clients: each verdict must be the same
        node()
        monkeypatch.setattr("pe_dvc.trust.client.ChannelClient", BothClients)
    if request.param != "S3":
        found = Mirror(str(tmp_path / "mirror"), Files(tmp_path / "mirror"))
    else:
        bucket: S3Bucket = request.getfixturevalue("s3_bucket")
        for name, value in bucket.server.environment.items():
            monkeypatch.setenv(name, value)
        found = Mirror(bucket.url, S3Objects(bucket))
    found.copy(origin)
    return found


def _unheard(text: str) -> None:
    """Hear no note."""


def get(*stores: object) -> pe_dvc.Fetched:
    return pe_dvc.get(LATEST, store=[str(store) for store in stores])


def content(*stores: object) -> bytes:
    data: bytes = get(*stores).path.read_bytes()
    return data


NEW = b"the dataset as of today"


def test_mirror_a_week_behind(
    mirror: Mirror, origin: Path, country: Country, caplog: pytest.LogCaptureFixture
) -> None:
    """The highest timestamp counts, in whatever order they are listed."""
    country.publish({NAME: NEW})
    assert content(mirror.url, origin) == NEW
    assert not caplog.records, "a mirror that lags is no liar"


def test_mirror_that_is_ahead_of_a_frozen_origin(
    mirror: Mirror, origin: Path, country: Country, tmp_path: Path
) -> None:
    frozen = tmp_path / "frozen"
    Mirror(str(frozen), Files(frozen)).copy(origin)
    country.publish({NAME: NEW})
    mirror.copy(origin)
    assert content(frozen, mirror.url) == NEW


def test_mirror_frozen_after_the_origin_is_gone(
    mirror: Mirror, origin: Path, country: Country, tmp_path: Path
) -> None:
    """What one store has shown is a floor for all, also for one that is read alone later."""
    country.publish({NAME: NEW})
    assert content(origin, mirror.url) == NEW
    origin.rename(tmp_path / "gone")
    for stores in ([origin, mirror.url], [mirror.url]):
        with pytest.raises(RollbackError):
            pe_dvc.resolve(LATEST, store=[str(store) for store in stores])


def test_mirror_rolled_back(mirror: Mirror, origin: Path, country: Country, tmp_path: Path) -> None:
    before = {key: bytes(mirror.objects[key]) for key in [*mirror.objects]}
    country.publish({NAME: NEW})
    mirror.copy(origin)
    other = tmp_path / "other"
    Mirror(str(other), Files(other)).copy(origin)
    assert content(mirror.url, other) == NEW
    mirror.objects[TIMESTAMP] = before[TIMESTAMP]
    Files(other)[TIMESTAMP] = before[TIMESTAMP]
    with pytest.raises(RollbackError):
        pe_dvc.resolve(LATEST, store=[mirror.url, str(other)])


@pytest.mark.parametrize(
    "shown",
    [b"<html>It works!</html>", b'{"signed": {"version": 99999, "_type": "timestamp"}}', b""],
    ids=["HTML", "a version without signatures", "nothing"],
)
def test_mirror_that_answers_200_with(
    mirror: Mirror,
    origin: Path,
    payload: bytes,
    shown: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for key in [*mirror.objects]:
        mirror.objects[key] = shown
    assert content(mirror.url, origin) == payload
    assert any(mirror.url in record.message for record in caplog.records)


def test_mirror_of_the_root_chain_of_another_country(
    mirror: Mirror, origin: Path, payload: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = Country(tmp_path / "theirs", LocalStore(tmp_path / "their-bucket"))
    theirs.publish({NAME: b"evil"})
    theirs.publish({NAME: b"more evil"})
    mirror.copy(tmp_path / "their-bucket")
    assert content(mirror.url, origin) == payload
    assert any(mirror.url in record.message for record in caplog.records)


def test_mirror_that_hides_a_new_root(
    mirror: Mirror, origin: Path, country: Country, tmp_path: Path
) -> None:
    """A thief of the old keys goes on with them in a mirror, where the new root is not shown."""
    stolen = country.copy(tmp_path / "thief", LocalStore(tmp_path / "thief-bucket"))
    Mirror("", Files(tmp_path / "thief-bucket")).copy(origin)
    for evil in (b"evil", b"more evil", b"most evil"):
        stolen.publish({NAME: evil})
    mirror.copy(tmp_path / "thief-bucket")
    country.rotate("timestamp", "snapshot", "latest")
    country.publish({NAME: NEW})
    assert content(mirror.url, origin) == NEW
    with pytest.raises(PeDvcError):
        pe_dvc.resolve(LATEST, store=[mirror.url])


def test_wrong_bytes_in_1_chunk_of_256(
    country: Country, store: CountingStore, tmp_path: Path
) -> None:
    """One chunk is fetched twice, not the file."""
    data = b"".join(random.Random(n).randbytes(MIB) for n in range(256))
    (manifest,) = country.publish({NAME: data})
    lying = Lying(LocalStore(tmp_path / "bucket"), payload_of(manifest), at=100 * MIB)
    several = SeveralStores([lying, store], _unheard)
    reader = Reader("us", store=several)
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == data
    assert store.downloads == 0
    assert store.fetched == MIB


def test_wrong_bytes_of_an_open_file(
    mirror: Mirror, origin: Path, country: Country, payload: bytes
) -> None:
    key = next(key for key in [*mirror.objects] if "/files/md5/" in key)
    mirror.objects[key] = payload[: 5 * MIB] + b"?" + payload[5 * MIB + 1 :]
    with pe_dvc.open(LATEST, store=[mirror.url, str(origin)]) as file:
        assert file.read() == payload


@pytest.mark.parametrize("what", ["manifest.json", ".chunks", "files/md5"])
def test_mirror_that_alters_each_kind_of_object(
    mirror: Mirror, origin: Path, payload: bytes, what: str
) -> None:
    for key in [*mirror.objects]:
        if what in key:
            mirror.objects[key] = bytes(reversed(mirror.objects[key]))
    with pe_dvc.open(LATEST, store=[mirror.url, str(origin)]) as file:
        assert file.read() == payload


@pytest.mark.parametrize("what", ["manifest.json", ".chunks", "files/md5", "latest.json"])
def test_mirror_that_lacks_each_kind_of_object(
    mirror: Mirror, origin: Path, payload: bytes, what: str
) -> None:
    for key in [*mirror.objects]:
        if what in key:
            del mirror.objects[key]
    assert content(mirror.url, origin) == payload


def test_equivocation_of_the_timestamp(
    mirror: Mirror, origin: Path, country: Country, twin: Country, tmp_path: Path
) -> None:
    """Somebody with the online keys shows two histories; the proof is kept."""
    twin.publish({NAME: b"for some"})
    country.publish({NAME: b"for others"})
    mirror.copy(tmp_path / "twin-bucket")
    with pytest.raises(EquivocationError) as caught:
        get(origin, mirror.url)
    assert str(origin) in str(caught.value)
    assert mirror.url in str(caught.value)
    kept = {path.read_bytes() for path in evidence_of(tmp_path)}
    assert kept == {(origin / TIMESTAMP).read_bytes(), mirror.objects[TIMESTAMP]}


def test_equivocation_of_a_channel_under_a_higher_timestamp(
    mirror: Mirror, origin: Path, country: Country, twin: Country, tmp_path: Path
) -> None:
    twin.publish({NAME: b"for some"})
    twin.publish({NAME: b"for some", "other": b"more"}, channel="next")
    country.publish({NAME: b"for others"})
    mirror.copy(tmp_path / "twin-bucket")
    with pytest.raises(EquivocationError, match="of latest of us"):
        get(origin, mirror.url)
    assert len(evidence_of(tmp_path)) == 2


def test_all_down(tmp_path: Path, country: Country) -> None:
    down = [Down(LocalStore(tmp_path / name)) for name in ("one", "two")]
    with pytest.raises(StoreUnavailableError) as caught:
        Reader("us", store=SeveralStores(down, _unheard)).resolve(LATEST)
    assert all(str(tmp_path / name) in str(caught.value) for name in ("one", "two"))


def test_all_show_wrong_bytes(
    mirror: Mirror, origin: Path, country: Country, payload: bytes
) -> None:
    key = next(key for key in [*mirror.objects] if "/files/md5/" in key)
    mirror.objects[key] = bytes(len(payload))
    country.write(key, bytes(len(payload)))
    with pytest.raises(DigestMismatchError):
        get(mirror.url, origin)


def test_one_goes_down_at_half_of_a_download(
    country: Country, store: CountingStore, tmp_path: Path, payload: bytes
) -> None:
    (manifest,) = country.publish({NAME: payload})
    down = BreaksOff(LocalStore(tmp_path / "bucket"), payload_of(manifest), 5 * MIB)
    reader = Reader("us", store=SeveralStores([down, store], _unheard))
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    assert store.fetched <= len(payload) - 5 * MIB + 4 * MIB, "what came before is kept"


def test_a_mirror_that_hangs_holds_nobody_up(
    country: Country, store: CountingStore, tmp_path: Path, payload: bytes, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sources, "GRACE", 0.3)
    hanging = Hangs(LocalStore(tmp_path / "bucket"))
    reader = Reader("us", store=SeveralStores([hanging, store], _unheard))
    began = time.monotonic()
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    assert time.monotonic() - began < 20
    hanging.go_on.set()


def test_pin_that_a_mirror_lacks(
    mirror: Mirror, origin: Path, payload: bytes, tmp_path: Path
) -> None:
    pin = pe_dvc.resolve(LATEST, store=str(origin)).pin
    for key in [*mirror.objects]:
        del mirror.objects[key]
    assert pe_dvc.fetch(pin, store=[mirror.url, str(origin)]).read_bytes() == payload


def test_offline_after_reading_several(mirror: Mirror, origin: Path, payload: bytes) -> None:
    stores = [str(origin), mirror.url]
    assert pe_dvc.fetch(LATEST, store=stores).read_bytes() == payload
    assert pe_dvc.fetch(LATEST, store=stores, offline=True).read_bytes() == payload


def test_what_is_not_here_is_said_once_offline(
    mirror: Mirror, origin: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """No store is asked, so none of them failed."""
    stores = [str(origin), mirror.url]
    pe_dvc.ls("us", store=stores)
    with pytest.raises(StoreUnavailableError, match="not read offline") as caught:
        pe_dvc.fetch(LATEST, store=stores, offline=True)
    assert "failed" not in f"{caught.value.message} {caught.value.remedy}"
    assert not [one for one in caplog.records if "passed over" in one.getMessage()]


def test_what_a_bucket_showed_alone_counts_once_it_is_read_with_others(
    mirror: Mirror, origin: Path, country: Country, tmp_path: Path
) -> None:
    before = (origin / TIMESTAMP).read_bytes()
    country.publish({NAME: NEW})
    pe_dvc.resolve(LATEST, store=str(origin))
    (origin / TIMESTAMP).write_bytes(before)
    with pytest.raises(RollbackError):
        pe_dvc.resolve(LATEST, store=[str(origin), mirror.url])


def test_mirrors_that_the_root_names(tmp_path: Path, monkeypatch: Patch, payload: bytes) -> None:
    """Without a store named, the mirrors of the pinned root are read too."""
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PE_DVC_STORE", raising=False)
    monkeypatch.setattr("pe_dvc.project.directories.DEFAULT_STORE", str(tmp_path / "burnt"))
    bucket = tmp_path / "mirror"
    made = Country(tmp_path / "maintainer", LocalStore(bucket), mirrors=[str(bucket)])
    made.publish({NAME: payload})
    made.trust(tmp_path / "reader/config")
    assert pe_dvc.fetch(LATEST).read_bytes() == payload
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "burnt"))
    with pytest.raises(PeDvcError):
        pe_dvc.resolve(LATEST)


def test_variable_with_an_address_a_line(
    mirror: Mirror, origin: Path, payload: bytes, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("PE_DVC_STORE", f"{origin}-gone\n{mirror.url}\n")
    assert pe_dvc.fetch(LATEST).read_bytes() == payload


class Lying(WrappedStore):
    """Shows one wrong byte of a payload."""

    def __init__(self, inner: LocalStore, key: str, at: int) -> None:
        super().__init__(inner)
        data = bytearray(inner.read(key, limit=1024 * MIB)[0])
        data[at] ^= 1
        self._key, self._data = key, bytes(data)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        found = super().read_range(key, start, length)
        return self._data[start : start + length] if key == self._key else found

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        assert isinstance(path, OpenFile)
        os.pwrite(path.descriptor, self._data, 0)
        return sha256_bytes(self._data)


class BreaksOff(WrappedStore):
    """Goes down for good within the download of a payload."""

    def __init__(self, inner: LocalStore, key: str, after: int) -> None:
        super().__init__(inner)
        self._key, self._after, self._is_down = key, after, False

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        assert isinstance(path, OpenFile)
        os.pwrite(path.descriptor, self.inner.read_range(key, 0, self._after), 0)
        self._is_down = True
        raise StoreUnavailableError(f"{self.url} broke off", operation="download", key=key)

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if self._is_down:
            raise StoreUnavailableError(f"{self.url} is down", operation=operation, key=key)
        return work()
