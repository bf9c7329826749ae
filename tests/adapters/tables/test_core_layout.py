"""PolicyEngine core's layout, and any other arrays of HDF5."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from pe_dvc.adapters.tables import hdf5
from pe_dvc.documents.places import Place
from pe_dvc.primitives.errors import FormatError
from tests.support.tables import describe, values

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Column
    from pe_dvc.documents.table_schema import FileShape

KEYS = {"person": "person_id", "household": "household_id"}
YEAR: dict[str, Any] = {
    "person_id": np.arange(5),
    "household_id": np.arange(3),
    "household_weight": np.array([1.0, 2, 3]),
    "age": np.arange(5.0),
}


def save(path: Path, years: dict[str, dict[str, Any]]) -> Path:
    with h5py.File(path, "w") as file:
        for year, variables in years.items():
            for name, array in variables.items():
                file[f"{name}/{year}"] = array
    return path


def described(shape: FileShape) -> dict[str, Column]:
    return {f"{t.name}.{c.name}": c for t in shape.tables for c in t.columns}


def test_every_period_is_described(tmp_path: Path) -> None:
    months = {"rent": np.ones(3)}
    path = save(tmp_path / "x.h5", {"2024": YEAR, "2025": {"age": np.arange(5.0)}})
    with h5py.File(path, "a") as file:
        file["rent/2024-01"] = months["rent"]
        file["rent/2024-02"] = months["rent"]
        file["sex/ETERNITY"] = np.array([b"MALE"] * 5)
        file["flat"] = np.arange(5)
    shape = describe(hdf5, path, keys=KEYS)
    person, household = shape.tables
    assert person.periods == {"2024": 5, "2025": 5, "ETERNITY": 5}
    assert household.periods == {"2024": 3, "2024-01": 3, "2024-02": 3}
    found = described(shape)
    assert found["person.age"].periods == ("2024", "2025")
    assert found["person.sex"].periods == ("ETERNITY",)
    assert found["person.flat"].periods == ()
    assert found["household.rent"].periods == ("2024-01", "2024-02")
    assert shape.members == ()


def test_periods_that_begin_with_a_letter_for_pytables(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"_2024": YEAR, "y2025": {"age": np.arange(5.0)}})
    (person, _) = describe(hdf5, path, keys=KEYS).tables
    assert person.periods == {"2024": 5, "2025": 5}
    assert values(hdf5, path, Place(table="person", column="age", period="2025"))[0][1] == 1.0


def test_one_period_is_named(tmp_path: Path) -> None:
    shape = describe(hdf5, save(tmp_path / "x.h5", {"2024": YEAR}), keys=KEYS)
    assert [t.periods for t in shape.tables] == [{"2024": 5}, {"2024": 3}]
    assert all(column.periods is None for column in described(shape).values())


def test_a_second_year_that_is_empty_or_short_is_seen(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"2024": YEAR, "2025": {"age": [], "household_id": [7, 8]}})
    with h5py.File(path, "a") as file:
        file.create_group("lost")
        file["nothing/2025"] = h5py.Empty("f8")
    shape = describe(hdf5, path, keys=KEYS)
    assert {m.name: m.reason for m in shape.members} == {
        "age/2025": "0 values, and the units are person 5, household 2",
        "lost": "an empty group",
        "nothing/2025": "an array without a shape and values",
    }
    assert shape.tables[1].periods == {"2024": 3, "2025": 2}


def test_a_type_that_changes_from_year_to_year_is_seen(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"2024": YEAR, "2025": {"age": np.arange(5)}})
    (person, _) = describe(hdf5, path, keys=KEYS).tables
    assert [(c.type, c.periods) for c in person.columns if c.name == "age"] == [
        ("double", ("2024",)),
        ("int64", ("2025",)),
    ]


def test_values_are_of_the_period_that_is_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"2025": {"age": np.arange(5.0) + 9}, "2024": YEAR})
    for period, first in (("2024", 0.0), ("2025", 9.0), (None, 0.0)):
        place = Place(table="person", column="age", period=period)
        assert values(hdf5, path, place)[0][0] == first
    with pytest.raises(FormatError, match="no column 'age' in the period 2026"):
        values(hdf5, path, Place(table="person", column="age", period="2026"))


def test_arrays_of_no_entity_are_members_with_the_reason(tmp_path: Path) -> None:
    odd = {"odd": np.arange(4), "records": np.zeros(3, [("a", "i4"), ("b", "f8")])}
    path = save(tmp_path / "x.h5", {"2024": {**YEAR, **odd}})
    with h5py.File(path, "a") as file:
        file.create_dataset("refs/2024", (3,), h5py.ref_dtype)
        file["enum/2024"] = np.array([True, False, True])
        file[b"a\xf1o/2024"] = np.ones(3)
    shape = describe(hdf5, path, keys=KEYS)
    assert {m.name: (m.shape, m.reason) for m in shape.members} == {
        "odd/2024": ((4,), "4 values, and the units are person 5, household 3"),
        "records/2024": ((3,), "its values are neither numbers nor text"),
        "refs/2024": ((3,), "its values are neither numbers nor text"),
    }
    assert {c.name: c.type for c in shape.tables[1].columns} == {
        "a\\xf1o": "double",
        "enum": "bool",
        "household_id": "int64",
        "household_weight": "double",
    }


def test_a_matrix_of_weights_has_a_shape_and_a_type(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("2025", (650, 100_180), "float32")
    (matrix,) = describe(hdf5, path).members
    assert (matrix.name, matrix.type, matrix.shape) == ("2025", "float", (650, 100_180))
    assert describe(hdf5, path).tables == ()


def test_arrays_without_declared_keys_are_members_and_keys_are_asked_for(tmp_path: Path) -> None:
    shape = describe(hdf5, save(tmp_path / "x.h5", {"2024": YEAR}))
    assert (shape.tables, shape.needs_keys) == ((), True)
    assert [m.name for m in shape.members] == [f"{name}/2024" for name in sorted(YEAR)]


def test_a_file_that_another_program_has_open_says_so(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"2024": YEAR})
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'a'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(FormatError, match="is open in another program") as caught:
            describe(hdf5, path, keys=KEYS)
        other.communicate("\n", timeout=30)
    assert "dvc repro" not in str(caught.value.remedy)
    describe(hdf5, path, keys=KEYS)


def test_a_file_whose_writer_was_stopped_says_so(tmp_path: Path) -> None:
    code = (
        "import h5py, os, sys; f = h5py.File(sys.argv[1], 'w', libver='latest');"
        "f['age/2024'] = [1]; f.flush(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.h5")], check=True)
    with pytest.raises(FormatError, match="was not closed by the program that wrote it"):
        describe(hdf5, tmp_path / "x.h5", keys=KEYS)


FILTERS = [(305, "lzo", "complib='zlib' or 'blosc'"), (32099, "filter 32099", "complib='zlib'")]


@pytest.mark.parametrize(("code", "name", "remedy"), FILTERS)
def test_a_filter_that_is_not_here_is_named(
    code: int, name: str, remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((5,))
        plan.set_filter(code, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((5,))
        for column in (b"person_id", b"age"):
            made = h5py.h5d.create(file.id, column, h5py.h5t.NATIVE_INT64, space, plan)
            made.write_direct_chunk((0,), np.arange(5).tobytes(), filter_mask=column == b"age")
    assert describe(hdf5, path, keys={"person": "person_id"}).tables[0].rows == 5
    with pytest.raises(FormatError, match=f"'person_id' is compressed with {name}") as caught:
        values(hdf5, path, Place(table="person", column="person_id"))
    assert remedy in str(caught.value.remedy)
    assert values(hdf5, path, Place(table="person", column="age")) == [list(range(5))]


def test_an_absurd_number_of_values_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "x.h5", {"2024": {"household_id": np.arange(3)}})
    with h5py.File(path, "a") as file:
        file.create_dataset("person_id/2024", (2**50,), "int64", chunks=(2**16,))
        file.create_dataset("age/2024", (2**20,), "int64", chunks=(2**20,))
        file.create_dataset("big/2024", (2**27,), "int64", chunks=(2**27,))
    began = time.process_time()
    assert describe(hdf5, path, keys=KEYS).tables[0].rows == 2**50
    with pytest.raises(FormatError, match="claims to hold"):
        values(hdf5, path, Place(table="person", column="person_id"))
    with pytest.raises(FormatError, match="has chunks of"):
        values(hdf5, path, Place(table="person", column="big"))
    assert time.process_time() - began < 5
    assert path.stat().st_size < 1_000_000
