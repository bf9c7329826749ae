"""A clone that wants files of the machine in its author's bucket: by a push, or by a repair."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.errors import DigestMismatchError, FormatError
from tests.support.hostile_clone import CONFIG, HostileClone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = b"unit records of another country\n"
MD5 = hashlib.md5(SECRET).hexdigest()
"""Public: it stands in a .dvc file of the other country's data repo."""
OBJECT = f"files/md5/{MD5[:2]}/{MD5[2:]}"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileClone:
    made = HostileClone(tmp_path)
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PE_DVC_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("PE_DVC_STATE_DIR", str(tmp_path / "state"))
    place = made.home / "uk-data/.dvc/cache" / OBJECT
    place.parent.mkdir(parents=True)
    place.write_bytes(SECRET)
    made.track("raw.csv", MD5, file="raw.csv.dvc")
    made.made.ignore("raw.csv")
    made.made.update_latest()
    return made


def object_that_is_a_link(clone: HostileClone) -> None:
    clone.link(f".dvc/cache/{OBJECT}", clone.home / "uk-data/.dvc/cache" / OBJECT)


def folder_of_objects_that_is_a_link(clone: HostileClone) -> None:
    clone.link(
        f".dvc/cache/files/md5/{MD5[:2]}", clone.home / "uk-data/.dvc/cache/files/md5" / MD5[:2]
    )


def cache_that_is_a_link(clone: HostileClone) -> None:
    shutil.rmtree(clone.root / ".dvc/cache")
    clone.link(".dvc/cache", clone.home / "uk-data/.dvc/cache")


def cache_of_another_project(clone: HostileClone) -> None:
    config = CONFIG.format(url=clone.bucket / "us")
    clone.write(".dvc/config", f"{config}[cache]\n    dir = ../../uk-data/.dvc/cache\n")


ATTACKS = (
    object_that_is_a_link,
    folder_of_objects_that_is_a_link,
    cache_that_is_a_link,
    cache_of_another_project,
)


def stolen(clone: HostileClone) -> list[Path]:
    files = [path for path in clone.bucket.rglob("*") if path.is_file()]
    return [path for path in files if SECRET in path.read_bytes()]


@pytest.mark.parametrize("attack", ATTACKS)
def test_push_uploads_nothing_from_elsewhere(
    clone: HostileClone, attack: Callable[[HostileClone], None]
) -> None:
    attack(clone)
    with pytest.raises(FormatError, match=r"symbolic link|outside this repo"):
        clone.repo.push(uncommitted=True)
    assert not stolen(clone)


@pytest.mark.parametrize("attack", ATTACKS[1:])
def test_a_repair_uploads_nothing_from_elsewhere(
    clone: HostileClone, attack: Callable[[HostileClone], None]
) -> None:
    attack(clone)
    clone.commit("raw.csv.dvc")
    with pytest.raises(FormatError, match=r"symbolic link|outside this repo"):
        clone.repo.fsck(repair=True)
    assert not stolen(clone)


def test_push_uploads_no_object_of_another_md5_than_its_name(clone: HostileClone) -> None:
    """No manifest has the sha256 of what was added by ``dvc add`` and is no dataset."""
    place = clone.root / ".dvc/cache" / OBJECT
    place.parent.mkdir(parents=True)
    place.write_bytes(SECRET + b"altered\n")
    with pytest.raises(DigestMismatchError, match=r"raw\.csv"):
        clone.repo.push(uncommitted=True)
    assert not stolen(clone)
