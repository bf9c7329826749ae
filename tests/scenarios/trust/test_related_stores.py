"""A country's bucket and its mirrors, read one at a time: what one has shown is a floor for all."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import RevokedError, RollbackError
from pe_dvc.project import directories
from pe_dvc.project.notes import _said
from pe_dvc.project.reader import Reader
from pe_dvc.project.reader_trust import related_stores
from pe_dvc.trust import client_state
from pe_dvc.trust.bucket_identity import place_name
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.usecases.publish.seen import read_back
from tests.support.country import LATEST, NAME, Country, reader_at
from tests.support.mirrors import Files, Mirror
from tests.support.s3_objects import S3Objects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket

Patch = pytest.MonkeyPatch
OLD, NEW = b"old", b"new"


class Case:
    """A country in the bucket ``full``, whose mirror ``old`` holds what was before."""

    def __init__(self, base: Path, mirror: Mirror, patch: Patch) -> None:
        self.base, self.mirror, self._patch = base, mirror, patch
        self.full, self.old = str(base / "full"), mirror.url
        self.country = Country(base / "maintainer", LocalStore(base / "full"), mirrors=[self.old])
        (self.withdrawn,) = self.country.publish({NAME: OLD})
        mirror.copy(base / "full")
        _said.clear()
        reader_at(base / "reader", patch)
        patch.delenv("PE_DVC_STORE", raising=False)
        patch.chdir(base)

    def pin(self) -> None:
        self.country.trust(directories.config_dir())

    def clone(self, *, declares: bool = True) -> None:
        """Stand in a clone, as it is after a ``git pull``."""
        clone = self.base / "clone"
        (clone / ".dvc").mkdir(parents=True, exist_ok=True)
        (clone / ".dvc/config").write_text("")
        (clone / "dvc.yaml").write_text("")
        declared = f'[tool.pe_dvc.mirrors.old]\nurl = "{self.old}"\n' if declares else ""
        (clone / "pyproject.toml").write_text(
            f'[tool.pe_dvc]\ncountry = "us"\nstore = "{self.full}"\n{declared}'
        )
        folder = self.country.signed.files.directory
        shutil.copytree(folder, clone / "channels/us", dirs_exist_ok=True)
        self._patch.chdir(clone)

    def withdraw(self) -> None:
        self.country.revoke(self.withdrawn)

    def content(self, store: str) -> bytes:
        found: bytes = pe_dvc.fetch(LATEST, store=store).read_bytes()
        return found


@pytest.fixture(params=["directory", "S3"])
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Patch) -> Case:
    if request.param == "directory":
        mirror = Mirror(str(tmp_path / "old"), Files(tmp_path / "old"))
    else:
        bucket: S3Bucket = request.getfixturevalue("s3_bucket")
        for name, value in bucket.server.environment.items():
            monkeypatch.setenv(name, value)
        mirror = Mirror(bucket.url, S3Objects(bucket))
    return Case(tmp_path, mirror, monkeypatch)


def _refuses(case: Case) -> None:
    for _ in range(2):
        with pytest.raises(RollbackError) as caught:
            pe_dvc.ls("us", store=case.old)
    assert "mirror" in str(caught.value.remedy)
    with pytest.raises(RollbackError):
        pe_dvc.fetch(case.withdrawn.reference, store=case.old)


def test_withdrawn_data_at_a_mirror_that_the_clone_declares(case: Case) -> None:
    """``pe-dvc ls us --store full``, then ``pe-dvc ls us --store old``."""
    case.clone()
    case.withdraw()
    with pytest.raises(RevokedError):
        case.content(case.full)
    _refuses(case)


def test_withdrawn_data_at_a_mirror_that_the_root_names(case: Case, monkeypatch: Patch) -> None:
    """Without a clone: the bucket is the one that is read by default."""
    monkeypatch.setattr(directories, "DEFAULT_STORE", case.full)
    case.pin()
    named = set(related_stores("us", None))
    assert named == {place_name(case.full), place_name(case.old)}
    case.withdraw()
    with pytest.raises(RevokedError):
        case.content(case.full)
    _refuses(case)


def test_withdrawn_data_at_a_mirror_that_the_pin_names(case: Case) -> None:
    """What was published last comes with the names of the bucket and its mirrors."""
    names = [place_name(case.full), place_name(case.old)]
    seen = read_back(bucket_of(case.country.store, case.country.signed.metadata), names)
    assert seen is not None
    folder = case.country.signed.files.directory
    (folder / "seen").mkdir()
    (folder / "seen" / seen.file_name).write_bytes(seen.to_bytes())
    pe_dvc.TrustedRoots().add("us", folder / "root.json")
    case.withdraw()
    with pytest.raises(RevokedError):
        case.content(case.full)
    _refuses(case)


def test_what_a_mirror_has_shown_is_a_floor_for_the_bucket(case: Case) -> None:
    case.clone()
    before = case.base / "before"
    shutil.copytree(case.full, before)
    case.country.publish({NAME: NEW})
    case.mirror.copy(case.base / "full")
    assert case.content(case.old) == NEW
    shutil.rmtree(case.full)
    before.rename(case.full)
    with pytest.raises(RollbackError):
        case.content(case.full)
    case.mirror.copy(case.base / "full")


def test_a_git_pull_that_brings_the_mirror(case: Case) -> None:
    """The bucket was read alone before: what it showed is not forgotten."""
    case.clone(declares=False)
    case.withdraw()
    with pytest.raises(RevokedError):
        case.content(case.full)
    case.clone()
    _refuses(case)


def test_outside_of_the_clone_it_is_remembered(case: Case, monkeypatch: Patch) -> None:
    case.clone()
    case.withdraw()
    with pytest.raises(RevokedError):
        case.content(case.full)
    monkeypatch.chdir(case.base)
    case.pin()
    _refuses(case)


def test_a_mirror_that_is_synced_is_read_again(case: Case) -> None:
    case.clone()
    case.country.publish({NAME: NEW})
    assert case.content(case.full) == NEW
    with pytest.raises(RollbackError):
        case.content(case.old)
    case.mirror.copy(case.base / "full")
    assert case.content(case.old) == NEW


def test_a_store_that_nothing_names_is_not_held_to_it(case: Case) -> None:
    """A trial bucket of the same keys, and a mirror that nobody declared: a known limit."""
    case.clone()
    trial = case.base / "trial"
    shutil.copytree(case.full, trial)
    case.withdraw()
    with pytest.raises(RevokedError):
        case.content(case.full)
    assert case.content(str(trial)) == OLD
    with pytest.raises(RollbackError):  # once both were read together, it is known
        pe_dvc.ls("us", store=[case.old, str(trial)])
    with pytest.raises(RollbackError):
        case.content(str(trial))


def test_names_of_stores_that_lead_out_of_the_state(case: Case) -> None:
    """They are not signed: who hands on the file may write anything there."""
    loot = case.base / "reader/loot/9880a192df6f9227"
    loot.mkdir(parents=True)
    (loot / "timestamp.json").write_bytes(b"{}")
    place = directories.state_dir() / "channels/us-x"
    place.mkdir(parents=True, mode=0o700)
    out = f"directory:x/{os.path.relpath(loot.parent, place)}"
    many = [f"s3://mirror-{number}" for number in range(1000)]
    names = [place_name(case.old), out, "directory:", "", "/", "..", *many]
    seen = read_back(bucket_of(case.country.store, case.country.signed.metadata), names)
    assert seen is not None
    file = case.base / "seen.json"
    file.write_bytes(seen.to_bytes())
    pe_dvc.TrustedRoots().add("us", case.country.signed.files.directory / "root.json", seen=file)
    assert case.content(case.old) == OLD
    state = directories.state_dir() / "channels/us"
    assert len([*state.glob("*.member")]) < 50
    assert {len(path.name) for path in state.glob("*.member")} == {len(".member") + 16}
    assert len([path for path in state.iterdir() if path.is_dir()]) == 1


def test_an_image_whose_state_may_only_be_read(case: Case, monkeypatch: Patch) -> None:
    """It was filled before the clone declared mirrors, and answers offline all the same."""
    case.clone(declares=False)
    assert case.content(case.full) == OLD
    case.clone()
    monkeypatch.setattr(client_state, "_is_read_only", lambda directory: directory.is_dir())
    channels = Reader("us", store=case.full, offline=True).channels
    assert [pointer.name for pointer in channels.pointers("latest")] == [NAME]
