"""A thief has the keys of latest, snapshot and timestamp; then new keys count, by a new root.

A reader that has seen the new root takes nothing of the thief's again, whatever it had seen
before, whichever way it reads, and whatever the bucket shows.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.trust.pins import pin_root
from pe_dvc.usecases.channel.keys import KeyRing
from tests.support.country import reader_at
from tests.support.new_keys import new_key
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


FIRST, EVIL, RECOVERED = b"the first\n", b"the thief's\n", b"after the theft\n"
CPS = "pe-data://us/cps@latest"
STOLEN = ("latest", "snapshot", "timestamp")


def fetched(offline: bool) -> str:
    return str(sha256_bytes(pe_dvc.fetch(CPS, offline=offline).read_bytes()))


def opened(offline: bool) -> str:
    with pe_dvc.open(CPS, offline=offline) as file:
        return str(sha256_bytes(file.read()))


def shown(offline: bool) -> str:
    return pe_dvc.manifest(CPS, offline=offline).artifact.sha256


def listed(offline: bool) -> str:
    (one,) = pe_dvc.ls("us", offline=offline)
    return str(one.sha256)


def read_by_fsspec(offline: bool) -> str:
    PeDataFileSystem.clear_instance_cache()
    with fsspec.open(CPS, offline=offline) as file:
        return str(sha256_bytes(file.read()))


WAYS = [fetched, opened, shown, listed, read_by_fsspec]


def _replace(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)  # it may be read-only
    return str(shutil.copy2(source, target))


@dataclass(frozen=True)
class Theft:
    """Maintainers, a thief with a copy of their repo, and the bucket as it was at each time."""

    base: Path
    monkeypatch: pytest.MonkeyPatch

    def show(self, *times: str) -> None:
        """Let the bucket show what it held then, later times over earlier ones."""
        shutil.rmtree(self.base / "bucket", ignore_errors=True)
        for time in times:
            shutil.copytree(
                self.base / time,
                self.base / "bucket",
                dirs_exist_ok=True,
                copy_function=_replace,
            )

    def keep(self, time: str) -> None:
        shutil.copytree(self.base / "bucket", self.base / time)

    @contextmanager
    def reader(self, name: str) -> Iterator[None]:
        """Read as this person, who has pinned the first root."""
        home, place = self.base / "readers" / name, self.base / "nowhere"
        place.mkdir(exist_ok=True)
        with self.monkeypatch.context() as patched:
            reader_at(home, patched)
            patched.setenv("PE_DVC_STORE", str(self.base / "bucket"))
            patched.chdir(place)
            pin_root(home / "config", "us", (self.base / "first.root.json").read_bytes())
            yield

    @contextmanager
    def reader_in_an_old_clone(self, name: str) -> Iterator[None]:
        """Read as a person who has pinned nothing, and whose clone has the first root."""
        with self.reader(name), self.monkeypatch.context() as patched:
            patched.chdir(self.base / "old-clone")
            shutil.rmtree(self.base / "readers" / name / "config")
            yield


def publish(repo: HandMadeRepo, bucket: Path, content: bytes) -> None:
    repo.build("cps", content)
    repo.update_latest()
    repo.push(LocalStore(bucket))


def replace_stolen_keys(repo: HandMadeRepo, *, is_logged: bool) -> None:
    channels = repo.channels
    ring = KeyRing(channels.directory, "us", channels.signers, now=datetime.now(UTC))
    for role in STOLEN:
        ring.rotate(role, new_key(channels.keys_dir, "us", role), stolen=True)
    if is_logged:  # of the thief's data, which readers have seen, nothing will be in the log
        channels.begin_new_log()


@pytest.fixture
def theft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Theft:
    """The bucket at four times: ``first``, ``stolen``, ``rotated`` and ``recovered``.

    ``rotated`` has the thief's data and the new roots, and nothing that the new keys signed.
    """
    theft, bucket = Theft(tmp_path, monkeypatch), tmp_path / "bucket"
    repo = HandMadeRepo(tmp_path / "repo", tmp_path / "keys")
    repo.create("cps")
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    publish(repo, bucket, FIRST)
    (tmp_path / "first.root.json").write_bytes(repo.root_of_trust)
    clone = shutil.copytree(repo.root, tmp_path / "old-clone")
    remote = f"['remote \"policyengine\"']\n    url = {bucket}/us\n"
    (clone / ".dvc/config.local").write_text(remote)
    theft.keep("first")
    shutil.copytree(tmp_path / "keys", tmp_path / "stolen-keys")
    thief = HandMadeRepo(tmp_path / "thief", tmp_path / "stolen-keys")
    shutil.copytree(repo.root, thief.root)
    with monkeypatch.context() as patched:
        patched.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "stolen-keys"))
        publish(thief, bucket, EVIL)
    theft.keep("stolen")
    is_logged = LOG_FIELD.encode() in (bucket / "channels/us/timestamp.json").read_bytes()
    replace_stolen_keys(repo, is_logged=is_logged)
    theft.show("first")  # the bucket's history brings back what the thief overwrote
    publish(repo, bucket, RECOVERED)
    theft.keep("recovered")
    theft.show("stolen")
    for root in (tmp_path / "recovered/channels/us").glob("*.root.json"):
        shutil.copy(root, bucket / "channels/us")
    theft.keep("rotated")
    return theft


def refuses(read: Callable[[bool], str]) -> None:
    """Check that nothing of the thief's is served, and nothing else but what was verified."""
    with pytest.raises(VerificationError):
        read(False)
    try:
        found = read(True)
    except (VerificationError, NotFoundError, FileNotFoundError):  # fsspec's
        return
    assert found in (sha256_bytes(FIRST), sha256_bytes(RECOVERED)), "offline, the thief's"


@pytest.fixture(params=["thief's-data", "neither", "first", "rotation"])
def aged(request: pytest.FixtureRequest, theft: Theft) -> Theft:
    """What the readers had seen, before they all meet the new root."""
    for name in ("pinned", "in-clone"):
        with theft.reader(name) if name == "pinned" else theft.reader_in_an_old_clone(name):
            if request.param == "thief's-data":
                theft.show("stolen")
                assert fetched(False) == sha256_bytes(EVIL), "the known limit"
            elif request.param != "neither":
                theft.show("first" if request.param == "first" else "recovered")
                fetched(False)
            theft.show("rotated")
            refuses(fetched)
    return theft


@pytest.mark.parametrize("shows", [("stolen",), ("rotated",), ("recovered", "stolen")])
def test_who_has_seen_the_new_root_takes_nothing_of_the_thief(
    aged: Theft, shows: tuple[str, ...]
) -> None:
    """The thief hides the new roots, shows all, or overwrites what the new keys have signed."""
    aged.show(*shows)
    for way in WAYS:
        with aged.reader("pinned"):
            refuses(way)
        with aged.reader_in_an_old_clone("in-clone"):
            refuses(way)
    aged.show("recovered")
    for way in WAYS:
        with aged.reader("pinned"):
            assert way(False) == way(True) == sha256_bytes(RECOVERED)
        with aged.reader_in_an_old_clone("in-clone"):
            assert way(False) == way(True) == sha256_bytes(RECOVERED)


def test_pull_and_verify_in_a_clone_take_nothing_of_the_thief(aged: Theft) -> None:
    """What the bucket says is withdrawn cannot be verified there, so nothing is taken of it."""
    aged.show("stolen")
    with aged.reader_in_an_old_clone("in-clone"):
        clone = aged.base / "old-clone"
        (clone / "data/cps.parquet").unlink()
        shutil.rmtree(clone / ".dvc/cache")
        with pytest.raises(VerificationError):
            pe_dvc.Repo().pull()
        assert not (clone / "data/cps.parquet").exists()
