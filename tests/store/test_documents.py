"""What lies in the place of a document: nothing is waited for, and nothing is read without end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.plain_files import open_to_read, read_document

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dvc.lock")
    with pytest.raises(FormatError, match=r"dvc\.lock: is a named pipe, and a file was expected"):
        read_document(tmp_path / "dvc.lock")


def test_a_link_to_a_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").symlink_to("/dev/zero")
    with pytest.raises(FormatError, match=r"dvc\.yaml: is a device"):
        read_document(tmp_path / "dvc.yaml")


def test_a_link_to_a_file_of_the_kernel_ends(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").symlink_to("/proc/self/pagemap")  # it has no size, and no end
    with pytest.raises(FormatError, match="more than the 1000000 bytes"):
        read_document(tmp_path / "dvc.yaml", limit=1_000_000)


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "m.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(FormatError, match="more than the 1000 bytes"):
        read_document(tmp_path / "m.json", limit=1000)


def test_a_directory_and_a_missing_file_are_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_document(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_to_read(tmp_path / "none")


def test_a_plain_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(b"x" * 1000)
    assert read_document(str(tmp_path / "m.json"), limit=1000) == b"x" * 1000
