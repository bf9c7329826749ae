"""A dataset's table for Stata, SPSS and others: the values that were published, with labels."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

import pe_dvc
from pe_dvc.primitives.errors import FormatError, NotFoundError
from tests.support.commands import run_pe_dvc
from tests.support.country import LATEST, Country
from tests.support.described import ONE_TABLE
from tests.support.labelled_data import SCHEMA, parquet_of, publish

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("suffix", ["dta", "sav"])
def test_stata_and_spss_get_values_and_labels(
    labelled: Country, suffix: str, any_store: str, tmp_path: Path
) -> None:
    done = run_pe_dvc("export", LATEST, "--to", f"cps.{suffix}", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["rows"] == 3
    read = pyreadstat.read_dta if suffix == "dta" else pyreadstat.read_sav
    frame, meta = read(str(tmp_path / f"cps.{suffix}"))
    labels = meta.column_names_to_labels
    assert labels["employment_income"] == "Employment income [currency-USD]"
    assert meta.variable_value_labels["filing_status"] == {
        1: "Single",
        2: "Married filing jointly",
    }
    assert meta.variable_value_labels["is_male"] == {1: "Yes"}
    assert frame.person_id.tolist() == [1, 2, 3]
    assert frame.age.tolist()[:2] == [30, 41]
    assert np.isnan(frame.age[2])
    assert frame.employment_income.tolist()[:2] == [0.0, 12500.5]
    assert frame.filing_status.tolist()[:2] == [1, 2]
    assert frame.universal_credit.tolist() == [0.5, 0.25, 0.0]
    assert str(frame.interviewed[0]).startswith("2024-01-31")
    assert frame.person_weight.sum() == 7.5


def test_parquet_and_csv_have_the_published_values(labelled: Country, tmp_path: Path) -> None:
    pe_dvc.export(LATEST, tmp_path / "x.parquet")
    pe_dvc.export(LATEST, tmp_path / "x.csv")
    table = pq.read_table(tmp_path / "x.parquet")
    before = pq.read_table(pe_dvc.fetch(LATEST))
    for name in SCHEMA.names:
        expected = before[name]
        if pa.types.is_dictionary(expected.type):
            expected = expected.cast(pa.string())
        # What is no number is missing in both.
        assert table[name].to_pylist() == [
            None if value is None or value != value else value for value in expected.to_pylist()
        ]
        assert table.schema.field(name).type == expected.type
    assert table.schema.field("employment_income").metadata[b"unit"] == b"currency-USD"
    assert table.schema.metadata[b"pe_data_reference"].decode() == pe_dvc.resolve(LATEST).pin
    frame = pd.read_csv(tmp_path / "x.csv")
    assert list(frame.columns) == SCHEMA.names
    assert frame.employment_income[1] == 12500.5


def test_only_the_columns_that_were_named(labelled: Country, tmp_path: Path) -> None:
    found = pe_dvc.export(LATEST, tmp_path / "x.csv", columns=["age", "person_id", "age"])
    assert found.columns == 2
    assert (tmp_path / "x.csv").read_text().splitlines()[0] == '"age","person_id"'
    with pytest.raises(NotFoundError, match="no column 'agee'"):
        pe_dvc.export(LATEST, tmp_path / "x.csv", columns=["agee"])


def test_names_that_stata_does_not_take_are_changed_and_said(
    country: Country, tmp_path: Path
) -> None:
    name = "household_net_income_after_housing_costs"
    schema = pa.schema({name: pa.float64()})
    columns = [{"name": name, "type": "double"}]
    contents = ONE_TABLE | {
        "tables": [{"name": "t", "rows": 1, "columns": columns}],
        "entities": {},
        "weight": None,
    }
    publish(country, parquet_of({name: [1.0]}, schema), contents)
    done = run_pe_dvc("export", LATEST, "--to", "x.dta", cwd=tmp_path)
    assert f"{name} is called {name[:32]} there" in done.stderr
    _, meta = pyreadstat.read_dta(str(tmp_path / "x.dta"))
    assert meta.column_names_to_labels == {name[:32]: name}


def numbers(country: Country, values: list[int | None]) -> None:
    schema = pa.schema({"n": pa.int64()})
    contents = ONE_TABLE | {
        "tables": [{"name": "t", "rows": 2, "columns": [{"name": "n", "type": "int64"}]}],
        "entities": {},
        "weight": None,
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table({"n": pa.array(values, pa.int64())}, schema), buffer)
    publish(country, buffer.getvalue(), contents)


def test_numbers_beyond_32_bits_are_exact_or_refused(country: Country, tmp_path: Path) -> None:
    numbers(country, [2**40 + 1, 1])
    pe_dvc.export(LATEST, tmp_path / "x.dta")
    assert pyreadstat.read_dta(str(tmp_path / "x.dta"))[0].n.tolist() == [2**40 + 1, 1]
    numbers(country, [2**60 + 1, 1])
    with pytest.raises(FormatError, match="'n' has whole numbers beyond") as caught:
        pe_dvc.export(LATEST, tmp_path / "y.dta")
    assert str(2**60 + 1) not in str(caught.value)
    assert not (tmp_path / "y.dta").exists()
    pe_dvc.export(LATEST, tmp_path / "y.csv")
    assert str(2**60 + 1) in (tmp_path / "y.csv").read_text()


def test_large_numbers_beside_nulls_are_not_rounded_in_silence(
    country: Country, tmp_path: Path
) -> None:
    numbers(country, [2**60 + 1, None])
    for suffix in ("csv", "parquet", "dta"):
        with pytest.raises(FormatError, match="would not come out exactly"):
            pe_dvc.export(LATEST, tmp_path / f"x.{suffix}")
        assert not (tmp_path / f"x.{suffix}").exists()


CORE: dict[str, Any] = {
    "format": "hdf5",
    "tables": [
        {
            "name": name,
            "rows": rows,
            "entity": name,
            "periods": {"2024": rows, "2025": rows},
            "columns": [
                {"name": f"{name}_id", "type": "int64"},
                {"name": value, "type": kind, "periods": ["2024"]},
            ],
        }
        for name, rows, value, kind in (
            ("person", 3, "filing_status", "string"),
            ("household", 2, "rent", "float"),
        )
    ],
    "entities": {"person": {"key": "person_id"}, "household": {"key": "household_id"}},
}


def core_file(path: Path) -> bytes:
    with h5py.File(path, "w") as file:
        for year in ("2024", "2025"):
            file[f"person_id/{year}"] = np.array([1, 2, 3])
            file[f"household_id/{year}"] = np.array([1, 2])
        file["filing_status/2024"] = np.array([b"JOINT", b"OTHER", b"JOINT"])
        file["rent/2024"] = np.array([1.5, 2.5], "float32")
    return path.read_bytes()


def test_of_several_tables_and_periods_one_is_named(country: Country, tmp_path: Path) -> None:
    publish(country, core_file(tmp_path / "core.h5"), CORE, path="data/x.h5")
    with pytest.raises(FormatError, match="has 2 tables") as caught:
        pe_dvc.export(LATEST, tmp_path / "x.dta")
    assert "--table: person, household" in str(caught.value.remedy)
    with pytest.raises(FormatError, match="several periods") as caught:
        pe_dvc.export(LATEST, tmp_path / "x.dta", table="person")
    assert "2024, 2025" in str(caught.value.remedy)
    pe_dvc.export(LATEST, tmp_path / "x.dta", table="person", period="2024")
    frame, meta = pyreadstat.read_dta(str(tmp_path / "x.dta"))
    assert frame.person_id.tolist() == [1, 2, 3]
    assert frame.filing_status.tolist() == [2, 3, 2]
    assert meta.variable_value_labels["filing_status"][3] == "OTHER"
    found = pe_dvc.export(LATEST, tmp_path / "y.csv", table="household", period="2025")
    assert (found.columns, found.rows) == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--to", "x.xlsx"], 1, ".dta, .sav, .csv, .parquet"),
        (["--to", "x.csv", "--table", "persn"], 3, "person"),
        (["--to", "x.csv", "--period", "2024"], 3, "no period '2024'"),
        (["--to", "folder.csv"], 1, "is a directory"),
        ([], 2, "--to"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_downloaded(
    labelled: Country, arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    done = run_pe_dvc("export", LATEST, *arguments, cwd=tmp_path, code=None)
    assert said in done.stderr
    assert done.returncode == code, done.stderr


def test_a_link_at_the_output_is_replaced_and_not_followed(
    labelled: Country, tmp_path: Path
) -> None:
    (tmp_path / "other").write_text("mine")
    (tmp_path / "x.dta").symlink_to(tmp_path / "other")
    pe_dvc.export(LATEST, tmp_path / "x.dta")
    assert (tmp_path / "other").read_text() == "mine"
    assert not (tmp_path / "x.dta").is_symlink()
