"""A full disk is said to be one, by the file that it had no room for."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import DiskFullError
from pe_dvc.store.cache import Cache
from pe_dvc.store.disk import writing_to
from pe_dvc.store.local_copies import copy_out

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_names_the_file(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFullError) as caught, writing_to(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path / "x") in caught.value.message
    assert os.strerror(number) in caught.value.message


def test_another_failure_stays_what_it_is_and_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output") as caught, writing_to(tmp_path / "x"):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.filename == str(tmp_path / "x")


def full(*_: Any) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_while_writing_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, data = Cache(tmp_path / "cache"), b"x" * 100
    slot = cache.slot(sha256_bytes(data), len(data), ".parquet")
    with slot.admission():
        monkeypatch.setattr("os.write", full)
        with pytest.raises(DiskFullError, match=str(slot.final)):
            slot.keep(data)
        monkeypatch.undo()
        monkeypatch.setattr("os.pwrite", full)
        partial = tmp_path / "cache/partial"
        with pytest.raises(DiskFullError, match=str(partial)), slot.filling() as file:
            file.write(0, data)
    assert not slot.final.exists()


def test_a_full_disk_while_downloading_and_copying_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path / "store")
    store.create("x", b"data")
    monkeypatch.setattr("pe_dvc.adapters.stores.local_store.hashed_copy", full)
    with pytest.raises(DiskFullError, match=str(tmp_path / "target")):
        store.download("x", tmp_path / "target", size=4)
    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(DiskFullError, match=str(tmp_path / "copy")):
        copy_out(tmp_path / "store/x", tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []
