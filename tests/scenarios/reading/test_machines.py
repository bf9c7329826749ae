"""Machines with less than the usual: a cache in a read-only image, no home, no locks."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.project import directories
from pe_dvc.store import cache_directory
from tests.support.commands import run, run_pe_dvc
from tests.support.country import LATEST, NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.country import Country

as_a_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write to what is read-only")


@pytest.fixture
def baked(country: Country, tmp_path: Path) -> Iterator[str]:
    """A cache and a state that hold one dataset and may only be read; its pinned reference."""
    pinned = str(pe_dvc.resolve(LATEST).pinned)
    run_pe_dvc("get", LATEST)
    folders = [tmp_path / "reader", *(p for p in (tmp_path / "reader").rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    yield pinned
    for folder in folders:
        folder.chmod(0o700)


@as_a_user
@pytest.mark.parametrize("altered", [False, True], ids=["as baked", "copied into an image"])
def test_what_a_read_only_cache_holds_is_served(
    baked: str, tmp_path: Path, payload: bytes, altered: bool
) -> None:
    """In an image files have other inodes than when they verified: they are hashed again."""
    (record,) = (tmp_path / "reader/cache").rglob("*.verified")
    if altered:
        record.parent.chmod(0o700)
        record.unlink()
        record.parent.chmod(0o500)
    for reference in (LATEST, baked):
        got = run_pe_dvc("get", reference, "--offline").stdout.strip()
        assert open(got, "rb").read() == payload  # noqa: SIM115, PTH123
    assert NAME in run_pe_dvc("ls", "us", "--offline").stdout
    run_pe_dvc("show", LATEST, "--offline")
    read = "import pe_dvc; print(pe_dvc.open('{}', offline=True).read(4))"
    run("python", "-c", read.format(LATEST))


@as_a_user
def test_what_a_read_only_cache_lacks_names_the_variable(baked: str, tmp_path: Path) -> None:
    (held,) = (
        p for p in (tmp_path / "reader/cache").rglob("artifacts/*/*") if ".ver" not in p.name
    )
    held.parent.chmod(0o700)
    held.unlink()
    held.parent.chmod(0o500)
    said = run_pe_dvc("get", baked, code=1).stderr
    assert "cannot be written to" in said
    assert "Set PE_DVC_CACHE_DIR to a directory that you can write to." in said
    said = run_pe_dvc("get", LATEST, code=1).stderr
    assert "Set PE_DVC_STATE_DIR to a directory that you can write to." in said


def test_without_a_home_directory_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def nobody(uid: int) -> object:
        raise KeyError(uid)

    for name in ("HOME", "PE_DVC_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(pe_dvc.PeDvcError, match="no home directory") as caught:
        directories.cache_dir()
    assert caught.value.remedy == "Set HOME, or PE_DVC_CACHE_DIR to a directory."


def test_a_sandbox_without_range_locks_reads_and_removes_nothing(
    country: Country, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gVisor, on which Modal runs, answers EINVAL."""
    cache_directory._leases_of.cache_clear()

    def no_locks(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", no_locks)
    with pe_dvc.open(LATEST) as file:
        assert file.read(10) == payload[:10]
    path = pe_dvc.fetch(LATEST)
    assert path.read_bytes() == payload
    assert pe_dvc.Cache().prune(0) == []
    assert path.exists()


def test_a_file_system_without_locks_is_named(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(pe_dvc.PeDvcError, match=r"^the file system of .+ has no locks") as caught:
        pe_dvc.fetch(LATEST)
    assert "PE_DVC_CACHE_DIR and PE_DVC_STATE_DIR" in str(caught.value.remedy)
