"""Where a program stands does not matter to what it reads, even if it may not look around there."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.errors import NotFoundError
from pe_dvc.project.root import find_root
from tests.support.country import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.country import Country

NOBODY = 65534


@pytest.fixture
def removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory that someone removed, as a cleaned job's is."""
    here = tmp_path / "job"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()


@pytest.mark.usefixtures("removed")
def test_data_is_read_from_a_directory_that_was_removed(country: Country, payload: bytes) -> None:
    resolved = pe_dvc.resolve(LATEST)
    assert pe_dvc.fetch(LATEST).read_bytes() == payload
    with pe_dvc.open(resolved) as file:
        assert file.read() == payload


@pytest.mark.usefixtures("removed")
def test_a_clone_is_looked_for_in_vain_where_the_directory_was_removed() -> None:
    with pytest.raises(NotFoundError, match="the working directory was removed"):
        pe_dvc.Repo()


def test_no_clone_is_looked_for_where_one_may_not_look(tmp_path: Path) -> None:
    """As from root's home by ``sudo -u``: every read failed with "Permission denied"."""
    theirs = tmp_path / "theirs"
    (theirs / "folder").mkdir(parents=True)
    theirs.chmod(0)
    with _not_as_root(), pytest.raises(NotFoundError, match="no DVC repo at"):
        find_root(theirs / "folder")
    theirs.chmod(0o700)


@contextmanager
def _not_as_root() -> Iterator[None]:
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
