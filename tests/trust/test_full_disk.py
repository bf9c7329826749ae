"""A disk that is full when verified metadata is to be kept: the message says where."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from pe_dvc.primitives.errors import DiskFullError
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path


def test_a_full_disk_while_metadata_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = Simulator(tmp_path)
    sim.update(pointer("cps_2024", "data"))
    sim.publish()

    def full(**_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("tuf.ngclient.updater.tempfile.NamedTemporaryFile", full)
        with pytest.raises(DiskFullError, match=str(tmp_path)):
            sim.client("new").pointers("latest")
    assert sim.client("new").pointers("latest")
