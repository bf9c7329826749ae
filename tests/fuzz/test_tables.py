"""Fuzz targets: files of tables, as libraries write them and then damaged."""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from pe_dvc.adapters.tables.formats import format_of
from pe_dvc.adapters.tables.plain_pickle import unpickled
from tests.support.fuzzing import edited, fuzz
from tests.support.tables import check_key, describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAME = pd.DataFrame({"person_id": [1, 2], "age": [3.5, 4.0], "name": ["a", "b"]})
KEYS = {"person": "person_id"}


def core(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["person_id/2024"] = [1, 2]
        file["age/2024"] = [3.5, 4.0]


def database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        FRAME.to_sql("person", connection, index=False)
        connection.execute("create view v as select * from person")
        connection.commit()


FILES: dict[str, Callable[[Path], object]] = {
    "x.parquet": FRAME.to_parquet,
    "core.h5": core,
    "table.h5": lambda path: FRAME.to_hdf(path, key="person", format="table"),
    "fixed.h5": lambda path: FRAME.to_hdf(path, key="person", format="fixed"),
    "x.csv": lambda path: FRAME.to_csv(path, index=False),
    "x.csv.gz": lambda path: FRAME.to_csv(path, index=False),
    "x.npy": lambda path: np.save(path, FRAME["age"].to_numpy()),
    "x.npz": lambda path: np.savez(path, age=FRAME["age"].to_numpy()),
    "x.json": lambda path: FRAME.to_json(path),
    "x.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "x.db": database,
}


@pytest.mark.parametrize("name", FILES)
def test_table(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    FILES[name](path)
    true = path.read_bytes()

    def target(data: bytes) -> None:
        path.write_bytes(data)
        reader = format_of(path, name=name).reader()
        shape = describe(reader, path, keys=KEYS, columns={}, name="x")
        for table in shape.tables:
            check_key(reader, path, table.name or "person", "person_id", where="dvc.yaml", name="x")

    fuzz(target, edited([true]))


def test_pickles_of_column_names() -> None:
    names = [pickle.dumps(["a", "b"], protocol) for protocol in (0, 2, 4, 5)]

    def target(data: bytes) -> None:
        with suppress(pickle.UnpicklingError):
            assert isinstance(unpickled(data, list, tuple), (list, tuple))

    extra = st.sampled_from([b"\x96" + b"\xff" * 7 + b"\x7f", b"\x8a\xff", b"P1\n", b"\x81", b"2"])
    fuzz(target, edited(names) | st.tuples(extra, edited(names)).map(b"".join))
