"""Fuzz targets: files of tables, as libraries write them and then damaged."""

from __future__ import annotations

import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h5py
import pandas as pd
import pytest
from hypothesis import strategies as st

from pe_dvc.adapters.tables import hdf5, parquet
from pe_dvc.adapters.tables.formats import format_of
from pe_dvc.adapters.tables.plain_pickle import unpickled
from tests.support.fuzzing import edited, fuzz
from tests.support.tables import check_key, describe

if TYPE_CHECKING:
    from pathlib import Path

FRAME = pd.DataFrame({"person_id": [1, 2], "age": [3.5, 4.0], "name": ["a", "b"]})
KEYS = {"person": "person_id"}


@pytest.mark.parametrize("kind", ["parquet", "core", "table", "fixed"])
def test_table(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("x.parquet" if kind == "parquet" else "x.h5")
    if kind == "parquet":
        FRAME.to_parquet(path)
    elif kind == "core":
        with h5py.File(path, "w") as file:
            file["person_id/2024"] = [1, 2]
            file["age/2024"] = [3.5, 4.0]
    else:
        FRAME.to_hdf(path, key="person", format=kind)  # type: ignore[arg-type]
    true = path.read_bytes()
    reader: Any = parquet if kind == "parquet" else hdf5

    def target(data: bytes) -> None:
        path.write_bytes(data)
        format_of(path, name=path.name)
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
