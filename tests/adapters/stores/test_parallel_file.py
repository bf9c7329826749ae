"""A file filled by one connection or by many: its digest is that of what it holds."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pe_dvc.adapters.stores import parallel_file
from pe_dvc.adapters.stores.parallel_file import fill_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256

RANGE = 64 * 1024
DATA = random.Random(7).randbytes(40 * RANGE + 123)


class BrokenOffError(Exception):
    """What a store raises in the middle of a body."""


class Server:
    """Gives ranges of ``data``, after ``latency`` seconds and with ``pause`` before each block."""

    def __init__(self, data: bytes, *, latency: float = 0, pause: float = 0) -> None:
        self.data, self.latency, self.pause = data, latency, pause
        self.asked: list[tuple[int, int]] = []
        self.threads: set[int] = set()
        self.fails_at: int | None = None

    def fetch(self, start: int, length: int) -> Iterator[bytes]:
        self.asked.append((start, length))
        self.threads.add(threading.get_ident())
        time.sleep(self.latency)
        return self.blocks(start, length)

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        for at in range(start, start + length, 10_000):
            time.sleep(self.pause)
            if self.fails_at is not None and at <= self.fails_at < at + 10_000:
                raise BrokenOffError(at)
            yield self.data[at : min(at + 10_000, start + length)]


def fill(server: Server, path: Path, *, in_flight: int = 4) -> Sha256:
    size = len(server.data)
    return fill_file(path, size, server.fetch, range_size=RANGE, in_flight=in_flight, progress=None)


def check(server: Server, path: Path, digest: str) -> None:
    assert path.read_bytes() == server.data
    assert digest == hashlib.sha256(server.data).hexdigest()
    covered = sorted(server.asked)
    assert covered[0][0] == 0
    assert [s + n for s, n in covered] == [s for s, _ in covered[1:]] + [len(server.data)]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every server for a near and fast one, however loaded this machine is."""
    monkeypatch.setattr(parallel_file, "FIRST_BYTE_WAIT_SECONDS", 60)
    monkeypatch.setattr(parallel_file, "FAST", 0)


@pytest.mark.usefixtures("fast")
def test_a_fast_connection_is_the_only_one_and_is_asked_for_ever_more(tmp_path: Path) -> None:
    server = Server(DATA)
    check(server, tmp_path / "file", fill(server, tmp_path / "file"))
    assert len(server.threads) == 1
    assert [length for _, length in server.asked] == [
        *(RANGE, 4 * RANGE, 16 * RANGE),
        len(DATA) - 21 * RANGE,
    ]


@pytest.mark.usefixtures("fast")
def test_a_connection_is_never_asked_for_more_than_the_longest_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_file, "LONGEST", 3 * RANGE)
    server = Server(DATA)
    check(server, tmp_path / "file", fill(server, tmp_path / "file"))
    assert max(length for _, length in server.asked) == 3 * RANGE


def test_a_far_server_is_asked_by_many_at_once(tmp_path: Path) -> None:
    server = Server(DATA, latency=5 * parallel_file.FIRST_BYTE_WAIT_SECONDS)
    check(server, tmp_path / "file", fill(server, tmp_path / "file"))
    assert len(server.threads) == 4


def test_a_near_server_with_slow_connections_is_asked_by_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_file, "FIRST_BYTE_WAIT_SECONDS", 60)
    server = Server(DATA, pause=0.001)
    check(server, tmp_path / "file", fill(server, tmp_path / "file"))
    assert len(server.threads) == 4
    assert max(length for _, length in server.asked) == RANGE


@pytest.mark.parametrize("size", [0, 1, RANGE - 1, RANGE, RANGE + 1])
def test_files_of_about_one_range(tmp_path: Path, size: int) -> None:
    server = Server(DATA[:size])
    digest = fill(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == server.data
    assert digest == hashlib.sha256(server.data).hexdigest()


@given(
    size=st.integers(1, len(DATA)),
    in_flight=st.integers(2, 9),
    latency=st.sampled_from([0, 0.002]),
    near=st.sampled_from([0, 0.001, 60]),
    fast=st.sampled_from([0, 2**27, 2**60]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_brings_what_the_digest_is_the_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    in_flight: int,
    latency: float,
    near: float,
    fast: float,
) -> None:
    monkeypatch.setattr(parallel_file, "FIRST_BYTE_WAIT_SECONDS", near)
    monkeypatch.setattr(parallel_file, "FAST", fast)
    server = Server(DATA[:size], latency=latency)
    digest = fill(server, tmp_path / "file", in_flight=in_flight)
    check(server, tmp_path / "file", digest)


@pytest.mark.parametrize("fails_at", [0, RANGE + 1, 30 * RANGE, len(DATA) - 1])
@pytest.mark.parametrize("latency", [0, 0.02])
def test_a_failure_is_raised_and_ends_the_transfer(
    tmp_path: Path, fails_at: int, latency: float
) -> None:
    server = Server(DATA, latency=latency)
    server.fails_at = fails_at
    with pytest.raises(BrokenOffError):
        fill(server, tmp_path / "file")
    asked = len(server.asked)
    time.sleep(2 * latency)
    assert len(server.asked) == asked


def test_after_a_failure_no_more_ranges_are_asked_for(tmp_path: Path) -> None:
    server = Server(DATA, latency=0.02)
    server.fails_at = 5
    with pytest.raises(BrokenOffError):
        fill(server, tmp_path / "file")
    assert len(server.asked) < 12


def test_a_body_that_ends_early_does_not_pass_for_the_file(tmp_path: Path) -> None:
    server = Server(DATA)
    whole = server.fetch

    def cut(start: int, length: int) -> Iterator[bytes]:
        return whole(start, length - 1 if start else length)

    digest = fill_file(
        tmp_path / "file", len(DATA), cut, range_size=RANGE, in_flight=4, progress=None
    )
    assert digest != hashlib.sha256(DATA).hexdigest()


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    moved: list[int] = []
    server = Server(DATA, latency=0.02)
    fill_file(
        tmp_path / "file",
        len(DATA),
        server.fetch,
        range_size=RANGE,
        in_flight=4,
        progress=moved.append,
    )
    assert sum(moved) == len(DATA)
