"""A command whose reader goes away ends quietly, by the exit code that shells know for that."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pe_dvc.cli.signals import UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def unread() -> Iterator[int]:
    """What is written to a pipe that nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    yield writes
    os.close(writes)


def test_no_reader_of_results_is_no_failed_check(unread: int) -> None:
    """Code 1 would say that a check failed, 0 that the command came to its end."""
    ended = _pe_dvc("get", "--help", stdout=unread, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (UNREAD, b"")


def test_no_reader_of_messages_is_no_failed_check(unread: int) -> None:
    ended = _pe_dvc("get", "no reference", stdout=subprocess.PIPE, stderr=unread)
    assert (ended.returncode, ended.stdout) == (UNREAD, b"")


def _pe_dvc(*words: str, stdout: int, stderr: int) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pe_dvc", *words]
    return subprocess.run(command, stdout=stdout, stderr=stderr, check=False)
