"""What a pinned root brings along: a reader without a clone refuses what is older."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import FormatError, NotFoundError, RollbackError
from pe_dvc.project.notes import _said
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.usecases.publish.seen import read_back
from tests.support.country import LATEST, NAME, Country, reader_at
from tests.support.s3_objects import S3Objects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket

Patch = pytest.MonkeyPatch
OLD, NEW = b"old", b"new"


class Case:
    """A bucket as it was before, and a data repo's ``channels/us`` of today."""

    def __init__(self, base: Path, url: str, patch: Patch) -> None:
        self.base, self.url, self._patch = base, url, patch
        self.country = Country(base / "maintainer", LocalStore(base / "local"))
        self.country.publish({NAME: OLD})
        shutil.copytree(base / "local", base / "before")
        self.country.publish({NAME: NEW})
        self.folder = self.country.signed.files.directory
        self.root = self.folder / "root.json"
        self.note([url])

    def note(self, urls: list[str]) -> Path:
        """Keep what is published as a push does."""
        names = [place_name(url) for url in urls]
        seen = read_back(bucket_of(self.country.store, self.country.signed.metadata), names)
        assert seen is not None
        file = self.folder / "seen" / seen.file_name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(seen.to_bytes())
        return file

    def show(self, state: str, bucket: Path | S3Objects) -> None:
        """Let the bucket hold what it held once."""
        for path in (self.base / state).rglob("*"):
            if path.is_file():
                key = path.relative_to(self.base / state).as_posix()
                if isinstance(bucket, S3Objects):
                    bucket[key] = path.read_bytes()
                else:
                    (bucket / key).parent.mkdir(parents=True, exist_ok=True)
                    (bucket / key).write_bytes(path.read_bytes())

    def machine(self, name: str) -> None:
        """Go on as somebody else."""
        _said.clear()
        reader_at(self.base / name, self._patch)


@pytest.fixture(params=["directory", "S3"])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Patch
) -> tuple[Case, Path | S3Objects]:
    if request.param == "directory":
        url, bucket = str(tmp_path / "bucket"), tmp_path / "bucket"
        made: tuple[Case, Path | S3Objects] = (Case(tmp_path, url, monkeypatch), bucket)
    else:
        s3: S3Bucket = request.getfixturevalue("s3_bucket")
        for name, value in s3.server.environment.items():
            monkeypatch.setenv(name, value)
        made = (Case(tmp_path, s3.url, monkeypatch), S3Objects(s3))
    monkeypatch.setenv("PE_DVC_STORE", made[0].url)
    monkeypatch.chdir(tmp_path)
    made[0].machine("reader")
    return made


def content() -> bytes:
    found: bytes = pe_dvc.fetch(LATEST).read_bytes()
    return found


def test_a_pin_from_a_clone_brings_the_floor(case: tuple[Case, Path | S3Objects]) -> None:
    made, bucket = case
    made.show("before", bucket)
    pinned = pe_dvc.TrustedRoots().add("us", made.root)
    assert pinned.seen == 2
    with pytest.raises(RollbackError, match="timestamp version 1") as caught:
        content()
    assert "us.seen.json" in str(caught.value.remedy)
    made.show("local", bucket)
    assert content() == NEW


def test_a_pin_of_the_root_alone_has_none_but_what_is_named(
    case: tuple[Case, Path | S3Objects], tmp_path: Path
) -> None:
    made, bucket = case
    made.show("before", bucket)
    alone = tmp_path / "alone/root.json"
    alone.parent.mkdir()
    shutil.copy(made.root, alone)
    assert pe_dvc.TrustedRoots().add("us", alone).seen is None
    assert content() == OLD
    (file,) = (made.folder / "seen").iterdir()
    assert pe_dvc.TrustedRoots().add("us", alone, seen=file).seen == 2
    with pytest.raises(RollbackError):
        content()


def test_from_the_store_begins_the_state(case: tuple[Case, Path | S3Objects]) -> None:
    """Before the first read the bucket is set back."""
    made, bucket = case
    made.show("local", bucket)
    pe_dvc.TrustedRoots().add("us")
    made.show("before", bucket)
    with pytest.raises(RollbackError):
        content()


def test_taken_to_another_machine(case: tuple[Case, Path | S3Objects], tmp_path: Path) -> None:
    made, bucket = case
    shutil.rmtree(made.folder / "seen")
    made.show("local", bucket)
    roots = pe_dvc.TrustedRoots()
    roots.add("us", made.root)
    assert roots.show("us").seen is None
    assert content() == NEW
    shown = roots.show("us", export=tmp_path / "image")
    assert shown.seen == 2
    made.machine("image-reader")
    made.show("before", bucket)
    assert roots.add("us", tmp_path / "image/root.json").seen == 2
    with pytest.raises(RollbackError):
        content()
    made.show("local", bucket)
    assert content() == NEW


def test_an_earlier_file_takes_the_place_of_no_later_one(
    case: tuple[Case, Path | S3Objects],
) -> None:
    made, _ = case
    roots = pe_dvc.TrustedRoots()
    (older,) = (made.folder / "seen").iterdir()
    made.country.publish({NAME: b"newest"})
    made.note([made.url])
    assert roots.add("us", made.root).seen == 3
    assert roots.add("us", made.root, seen=older).seen == 3


def test_a_pin_that_is_removed_leaves_nothing(case: tuple[Case, Path | S3Objects]) -> None:
    made, bucket = case
    made.show("before", bucket)
    roots = pe_dvc.TrustedRoots()
    roots.add("us", made.root)
    roots.remove("us")
    shutil.rmtree(made.folder / "seen")
    assert roots.add("us", made.root).seen is None
    assert content() == OLD


def test_another_bucket_is_not_held_to_it(case: tuple[Case, Path | S3Objects]) -> None:
    made, bucket = case
    made.show("before", bucket)
    shutil.rmtree(made.folder / "seen")
    made.note(["s3://the-bucket-before"])
    pe_dvc.TrustedRoots().add("us", made.root)
    assert content() == OLD


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"country": "us"}', b"[]"])
def test_a_file_that_is_none(
    case: tuple[Case, Path | S3Objects], tmp_path: Path, data: bytes
) -> None:
    made, bucket = case
    made.show("before", bucket)
    roots, file = pe_dvc.TrustedRoots(), tmp_path / "seen.json"
    file.write_bytes(data)
    with pytest.raises(FormatError, match=r"seen\.json"):
        roots.add("us", made.root, seen=file)
    with pytest.raises(NotFoundError):
        roots.add("us", made.root, seen=tmp_path / "nowhere.json")
    assert roots.fingerprints() == {}, "nothing is pinned"
    (there,) = (made.folder / "seen").iterdir()
    there.write_bytes(data)
    assert roots.add("us", made.root).seen is None
    assert content() == OLD


def test_of_another_country(case: tuple[Case, Path | S3Objects]) -> None:
    made, _ = case
    (file,) = (made.folder / "seen").iterdir()
    with pytest.raises(FormatError, match="of us, not of uk"):
        pe_dvc.TrustedRoots().add("uk", made.root, seen=file)


def test_a_kept_file_that_was_damaged_is_passed_over(
    case: tuple[Case, Path | S3Objects], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made, bucket = case
    made.show("before", bucket)
    pe_dvc.TrustedRoots().add("us", made.root)
    (tmp_path / "reader/config/trust/us.seen.json").write_bytes(b"{")
    assert content() == OLD
    assert "it is passed over" in caplog.text


def test_a_store_whose_channels_do_not_verify_is_pinned_with_a_note(
    case: tuple[Case, Path | S3Objects], caplog: pytest.LogCaptureFixture
) -> None:
    made, bucket = case
    made.show("local", bucket)
    if isinstance(bucket, S3Objects):
        bucket["channels/us/timestamp.json"] = b"<html>"
    else:
        (bucket / "channels/us/timestamp.json").write_bytes(b"<html>")
    pe_dvc.TrustedRoots().add("us")
    assert "do not verify yet" in caplog.text
    made.show("local", bucket)
    assert content() == NEW


def test_several_stores_that_are_all_set_back(
    case: tuple[Case, Path | S3Objects], tmp_path: Path
) -> None:
    """None of them need be trusted, and none is newer than what the pin says."""
    made, bucket = case
    made.show("before", bucket)
    shutil.copytree(tmp_path / "before", tmp_path / "mirror")
    stores = [made.url, str(tmp_path / "mirror")]
    pe_dvc.TrustedRoots().add("us", made.root)
    for _ in range(2):
        with pytest.raises(RollbackError, match="timestamp version 1"):
            pe_dvc.fetch(LATEST, store=stores)
    shutil.copytree(tmp_path / "local", tmp_path / "mirror", dirs_exist_ok=True)
    assert pe_dvc.fetch(LATEST, store=stores).read_bytes() == NEW
