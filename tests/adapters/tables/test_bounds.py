"""Small files that stand for much: each ends in a description or an error, in little memory."""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEMORY = 150 * 1024
"""Kilobytes by which a reader may let its process grow, whatever the file says of itself."""

# Describes a file, then reads a column "c" of a table "t", and prints what was said and how much
# memory the most was beyond what it takes to read a small file of the same format.
PROGRAM = """
import resource, sys
from pathlib import Path
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.formats import format_of
from tests.support.disclosure import PUBLIC
from pe_dvc.documents.places import Place
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.errors import PeDvcError

def attempt(name):
    file = DataFile(path=Path(name), label="x", rule=PUBLIC, hints=Hints(keys={"t": "c"}))
    reader = format_of(file.path, name=name).reader()
    try:
        shape = reader.describe(file)
        print(len(shape.tables), "tables,", [m.reason for m in shape.members if m.reason][:1])
        if shape.tables:
            place = Place(table=shape.tables[0].name or "t", column="c")
            print(sum(len(batch[0]) for batch in reader.read_columns(file, [place])), "rows")
    except PeDvcError as error:
        print("error:", error)

attempt(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
attempt(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, "KB")
"""


def gzip_bomb(path: Path) -> None:
    block = gzip.compress(b"1\n" * 8_000_000, 9)
    path.write_bytes(gzip.compress(b"c\n") + block * 200)


def gzip_without_lines(path: Path) -> None:
    path.write_bytes(gzip.compress(bytes(64) * 4_000_000, 9))


def npz_of_much(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        header = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
        text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (40000000,), }"
        archive.writestr("a.npy", header + text.ljust(118) + bytes(320_000_000))


def npz_of_a_header_of_much(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        header = b"\x93NUMPY\x02\x00" + struct.pack("<I", 400_000_000)
        archive.writestr("a.npy", header + b" " * 400_000_000)


def npz_of_many_members(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000):
            archive.writestr(f"{number}", b"")


def hdf5_of_much(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("c/2024", (2**50,), "int64", chunks=(2**16,), compression="gzip")


def hdf5_of_one_chunk(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("c/2024", (2**27,), "int64", chunks=(2**27,), compression="gzip")
        file["c/2024"][0] = 1


def json_without_end(path: Path) -> None:
    path.write_text('{"a": "' + "x" * 200_000_000)


def json_nested(path: Path) -> None:
    path.write_text("[" * 20_000_000)


def json_of_many_keys(path: Path) -> None:
    path.write_text("{" + ",".join(f'"{i}":[]' for i in range(2_000_000)) + "}")


def line_without_end(path: Path) -> None:
    path.write_text('{"c": "' + "x" * 200_000_000)


def sqlite_of_a_large_value(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("create table t (c)")
    database.execute("insert into t values (zeroblob(300000000))")
    database.commit()
    database.close()


BOMBS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a.csv.gz": (gzip_bomb, "error: x: claims to hold"),
    "b.csv.gz": (gzip_without_lines, "no table"),
    "a.npz": (npz_of_much, "0 tables, []"),
    "b.npz": (npz_of_a_header_of_much, "a header of 400000000 bytes"),
    "c.npz": (npz_of_many_members, "its list of members is longer than is read"),
    "a.h5": (hdf5_of_much, "error: x: claims to hold"),
    "b.h5": (hdf5_of_one_chunk, "has chunks of 1,073,741,824 bytes"),
    "a.json": (json_without_end, "a text in it does not end"),
    "b.json": (json_nested, "nested more than 1000 deep"),
    "c.json": (json_of_many_keys, "1,999,800 more keys"),
    "a.jsonl": (line_without_end, "a line has more than 16777216 bytes"),
    "a.db": (sqlite_of_a_large_value, "error: x: is not a complete SQLite database"),
}


def small(path: Path) -> None:
    suffix = path.name.partition(".")[2]
    if suffix == "csv.gz":
        path.write_bytes(gzip.compress(b"c\n1\n"))
    elif suffix == "npz":
        np.savez(path, c=[1])
    elif suffix == "h5":
        with h5py.File(path, "w") as file:
            file["c/2024"] = [1]
    elif suffix == "db":
        database = sqlite3.connect(path)
        database.execute("create table t (c)")
        database.commit()
        database.close()
    else:
        path.write_text(json.dumps({"c": 1}))


@pytest.mark.parametrize("name", BOMBS)
def test_small_files_that_stand_for_much(name: str, tmp_path: Path) -> None:
    make, expected = BOMBS[name]
    (tmp_path / "small").mkdir()
    make(tmp_path / name)
    small(tmp_path / "small" / name)
    files = [str(tmp_path / "small" / name), str(tmp_path / name)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert expected in done.stdout
    assert int(done.stdout.split()[-2]) < MEMORY, done.stdout
