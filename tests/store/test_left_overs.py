"""What a process that was killed (``kill -9``) left halfway goes at the next write there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from pe_dvc.adapters.dvc.objects import DvcObjects
from pe_dvc.adapters.stores.local_names import INCOMING
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.store.cache import Cache
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.left_overs import is_temporary, temporary_name
from pe_dvc.store.local_copies import copy_out
from pe_dvc.store.process_identity import ProcessIdentity
from pe_dvc.store.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATA = b"x" * 1000
SHA256 = sha256_bytes(DATA)
MD5 = "ab" + "c" * 30
HALFWAY = """
import sys, tempfile
from pathlib import Path
from pe_dvc.adapters.dvc.objects import DvcObjects
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.store import local_copies, slot
from pe_dvc.store.scratch import scratch_directory
from pe_dvc.store.atomic_write import write_new
from pe_dvc.store.cache import Cache
from pe_dvc.store.local_copies import LocalCopy

top = Path(sys.argv[2])
(top / "file").write_bytes(b"x" * 1000)

def halfway(*_, **__):
    print("halfway", flush=True)
    sys.stdin.read()

def bucket():
    LocalStore(top / "bucket").upload("us/x", top / "file", progress=halfway)

def dvc_cache():
    with DvcObjects(top / "dvc", root=top / "clone").incoming("ab" + "c" * 30):
        halfway()

def cache():
    slot._sha256 = halfway
    copies = [LocalCopy(path=top / "file", immutable=False)]
    Cache(top / "cache").slot(sys.argv[3], 1000, ".parquet").find(copies)

def output():
    local_copies.copy_bytes = lambda source, target, folder: halfway(
        write_new(target, b"half", folder=folder)
    )
    local_copies.try_link = lambda *_: False
    local_copies.copy_out(top / "file", top / "out/file")

def scratch():
    tempfile.tempdir = str(top)
    with scratch_directory() as place:
        (place / "copy").write_bytes(b"half")
        halfway()

globals()[sys.argv[1]]()
"""


@contextmanager
def halfway(what: str, top: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HALFWAY, what, str(top), SHA256]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        yield process
        process.kill()


def temporary_files(top: Path) -> list[Path]:
    return [path for path in top.rglob("*") if is_temporary(path.name)]


def write_into_bucket(top: Path) -> None:
    LocalStore(top / "bucket").create(f"us/{time.monotonic_ns()}", b"y")


def write_into_dvc_cache(top: Path) -> None:
    DvcObjects(top / "dvc", root=top / "clone").write(MD5, DATA)


def write_into_cache(top: Path) -> None:
    slot = Cache(top / "cache").slot(SHA256, len(DATA), ".parquet")
    if not slot.final.exists():
        slot.keep(DATA)


def write_output(top: Path) -> None:
    copy_out(top / "file", top / "out/file")


def take_scratch(top: Path) -> None:
    with mock.patch("tempfile.tempdir", str(top)), scratch_directory():
        pass


WRITERS = {
    "scratch": take_scratch,
    "bucket": write_into_bucket,
    "dvc_cache": write_into_dvc_cache,
    "cache": write_into_cache,
    "output": write_output,
}


@pytest.mark.parametrize("what", WRITERS)
def test_left_overs_of_a_killed_process_go_and_those_of_a_running_one_stay(
    tmp_path: Path, what: str
) -> None:
    write: Callable[[Path], None] = WRITERS[what]
    with halfway(what, tmp_path) as process:
        assert len(temporary_files(tmp_path)) == 1
        write(tmp_path)
        assert len(temporary_files(tmp_path)) == 1, "its writer runs"
        process.kill()
        process.wait()
    if what == "cache":
        (tmp_path / "cache" / "artifacts" / SHA256[:2] / f"{SHA256}.parquet").unlink()
    write(tmp_path)
    assert temporary_files(tmp_path) == []


@pytest.mark.parametrize(("age", "stays"), [(23, True), (25, False)])
def test_left_overs_of_another_machine_go_by_age(tmp_path: Path, age: int, stays: bool) -> None:
    ours = temporary_name("x")
    theirs = tmp_path / ours.replace(ProcessIdentity.own().place, "0" * 8)
    theirs.write_bytes(b"half")
    then = time.time() - age * 3600
    os.utime(theirs, (then, then))
    ConfinedTree(tmp_path).write("y", b"whole")
    assert theirs.exists() is stays


@pytest.mark.parametrize(
    "name", ["data.tmp", "x.0-0-0-0.tmp", "a.b.c.tmp", f"{'0' * 8}-1-1-{'0' * 17}.tmp", ".x.tmp"]
)
def test_other_files_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    os.utime(tmp_path / name, (1, 1))
    ConfinedTree(tmp_path).write("y", b"whole")
    assert (tmp_path / name).exists()


def test_a_name_says_what_it_becomes_and_whose_it_is() -> None:
    name = temporary_name("enhanced_cps_2024.parquet")
    assert name.startswith("enhanced_cps_2024.parquet.")
    assert is_temporary(name)
    assert is_temporary(temporary_name("x" * 300))
    assert is_temporary(temporary_name())
    assert INCOMING.startswith(".pe_dvc/")
