"""Small artifacts of PolicyEngine's producers, in the layouts that their libraries write."""

from __future__ import annotations

import gzip
import json
import pickle
import sqlite3
import warnings
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

US_ENTITIES = ("household", "tax_unit", "spm_unit", "family", "marital_unit")
UK_ENTITIES = ("household", "benunit")
PERSONS = 6


@dataclass(frozen=True)
class TheirArtifact:
    """``make`` writes the file; ``kind`` is the producer's word, None for what is guessed."""

    country: str
    producer: str
    path: str
    layout: str
    make: Callable[[Path], None]
    kind: str | None = None


def _persons(groups: tuple[str, ...]) -> dict[str, Any]:
    """Return the columns of persons, two in each of three groups of every kind."""
    ids = np.repeat([1, 2, 3], 2)
    return {
        "person_id": np.arange(1, PERSONS + 1),
        **{f"person_{group}_id": ids for group in groups},
        "age": np.array([30, 4, 50, 51, 70, 19]),
        "employment_income": np.array([30e3, 0, 12e3, 41e3, 0, 8e3]),
    }


def _group(name: str) -> dict[str, Any]:
    columns: dict[str, Any] = {f"{name}_id": np.array([1, 2, 3])}
    if name == "household":
        columns |= {"household_weight": np.array([900.0, 1100.5, 20.0]), "region": ["A", "B", "A"]}
    return columns


def _frames(groups: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    return {
        "person": pd.DataFrame(_persons(groups)),
        **{name: pd.DataFrame(_group(name)) for name in groups},
    }


def core(*, years: tuple[str, ...] = (), scale: float = 1.0) -> Callable[[Path], None]:
    """Return what policyengine-core writes: ``/variable``, or ``/variable/YEAR``."""

    def make(path: Path) -> None:
        columns = {k: v for g in US_ENTITIES for k, v in _group(g).items() if k != "region"}
        columns |= _persons(US_ENTITIES)
        columns["household_weight"] = columns["household_weight"] * scale
        with h5py.File(path, "w") as file:
            for name, values in columns.items():
                for place in [f"{name}/{year}" for year in years] or [name]:
                    file[place] = values

    return make


def single_year(
    groups: tuple[str, ...],
    period: str | None,
    form: Any = "table",
    more: Callable[[pd.HDFStore], None] = lambda _: None,
) -> Callable[[Path], None]:
    """Return what ``USSingleYearDataset`` and ``UKSingleYearDataset`` save: a table an entity."""

    def make(path: Path) -> None:
        with _quiet(), pd.HDFStore(path, "w") as store:
            for name, frame in _frames(groups).items():
                if form == "fixed":
                    frame["note"] = pd.array(["x", pd.NA, "y"] * (len(frame) // 3), dtype=object)
                store.put(name, frame, format=form, **_data_columns(form))
            if period is not None:
                store.put(period, pd.Series([2024]), format="table")
            more(store)

    return make


def _data_columns(form: str) -> dict[str, Any]:
    return {"data_columns": True} if form == "table" else {}


def multi_year(path: Path) -> None:
    with _quiet(), pd.HDFStore(path, "w") as store:
        for year in (2025, 2026):
            for name, frame in _frames(UK_ENTITIES).items():
                store.put(f"{name}/{year}", frame, format="table", data_columns=True)
            store.put(f"time_period/{year}", pd.Series([year]), format="table")


def _staging(store: pd.HDFStore) -> None:
    text = json.dumps({"base_pool": "acs", "rows": PERSONS})
    store.put("_populace_staging_metadata", pd.Series([text]), format="table")


def _weight_attributes(store: pd.HDFStore) -> None:
    store.root._v_attrs["weight_metadata"] = json.dumps({"entity": "household"})


def calibration(path: Path) -> None:
    names = np.array(["snap", "ssi"], dtype=object)
    np.savez(path, weights=np.ones(7), target_names=names, loss=np.float64(0.25))


def matrix(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["2025"] = np.ones((5, 40), np.float32)


def database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("create table strata (stratum_id integer primary key, name text)")
        db.execute("create table targets (target_id integer, stratum_id integer, value real)")
        db.execute("insert into targets values (1, 1, 2.5)")
        db.execute("create view active as select * from targets")


def csv_gz(path: Path) -> None:
    rows = "area_code,household_id,weight\nE06000001,1,0.25\nE06000002,2,1.5\n"
    path.write_bytes(gzip.compress(rows.encode(), mtime=0))


def text(content: str) -> Callable[[Path], None]:
    """Return what writes a text file."""

    def make(path: Path) -> None:
        path.write_text(content)

    return make


def document(**content: Any) -> Callable[[Path], None]:
    """Return what writes a JSON object."""
    return text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def _npy(path: Path) -> None:
    np.save(path, np.ones(40, np.float32))


def _blocks(path: Path) -> None:
    np.save(path, np.array([["a", "b"]], dtype="U15"))


def _geography(path: Path) -> None:
    np.savez(path, block_geoid=np.array(["01"], dtype="U15"), cd_geoid=np.array([101]))


def _pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"matrix": [1, 2], "targets": ["snap"]}))


def _quiet() -> Any:
    return warnings.catch_warnings(action="ignore")


DATA, US, UK = "us-data", "microcosm", "uk-data"
ARTIFACTS = (
    TheirArtifact("us", DATA, "cps_2024.h5", "core: `/variable`", core()),
    TheirArtifact(
        "us", DATA, "enhanced_cps_2024.h5", "core: `/variable/2024`", core(years=("2024",))
    ),
    TheirArtifact("us", DATA, "extended_cps.h5", "core, two years", core(years=("2024", "2025"))),
    TheirArtifact("us", DATA, "states/AK.h5", "core", core(years=("2024",), scale=0.5)),
    TheirArtifact(
        "us", DATA, "districts/AK-01.h5", "the same bytes", core(years=("2024",), scale=0.5)
    ),
    TheirArtifact("us", DATA, "policy_data.db", "SQLite", database, "database"),
    TheirArtifact("us", DATA, "calibration_weights.npy", "npy", _npy, "weights"),
    TheirArtifact("us", DATA, "stacked_blocks.npy", "npy of texts", _blocks, "geography"),
    TheirArtifact("us", DATA, "geography_assignment.npz", "npz", _geography, "geography"),
    TheirArtifact("us", DATA, "calibration_package.pkl", "pickle", _pickle, "auxiliary"),
    TheirArtifact(
        "us", DATA, "calibration_log.csv", "csv", text("epoch,loss\n1,0.5\n2,0.25\n"), "diagnostics"
    ),
    TheirArtifact(
        "us", DATA, "unified_run_config.json", "JSON", document(epochs=2, seed=7), "auxiliary"
    ),
    TheirArtifact(
        "us", DATA, "version_manifest.json", "JSON", document(versions=[{"v": "1.0"}]), "auxiliary"
    ),
    TheirArtifact(
        "us",
        US,
        "populace_us_2024.h5",
        "HDFStore, `table`, `_time_period`",
        single_year(US_ENTITIES, "_time_period"),
    ),
    TheirArtifact(
        "us",
        US,
        "populace_us_2024_acs_local.h5",
        "HDFStore, `fixed`, `pd.NA`",
        single_year(US_ENTITIES, "_time_period", "fixed", _staging),
    ),
    TheirArtifact(
        "us",
        US,
        "populace_us_2024_calibration.npz",
        "npz with an array of objects",
        calibration,
        "calibration",
    ),
    TheirArtifact(
        "us",
        US,
        "calibration_diagnostics.json",
        "JSON",
        document(schema_version=6, targets=[], passed=True),
        "diagnostics",
    ),
    TheirArtifact("us", US, "us_source_coverage.json", "JSON, `{}`", text("{}"), "evidence"),
    TheirArtifact("us", US, "us_ssi_take_up.json", "the same bytes", text("{}"), "evidence"),
    TheirArtifact(
        "us",
        US,
        "source_spm_person_independence.csv",
        "csv",
        text("spm_unit,share\nA,0.5\nB,0.25\n"),
        "evidence",
    ),
    TheirArtifact("us", US, "sha256sums.txt", "text", text(f"{'0' * 64}  a\n"), "evidence"),
    TheirArtifact(
        "uk",
        US,
        "microcosm_uk_2024_25.h5",
        "HDFStore, `time_period`, attributes",
        single_year(UK_ENTITIES, "time_period", more=_weight_attributes),
    ),
    TheirArtifact(
        "uk", US, "terminal_gates.json", "JSON", document(passed=True, gates={}), "evidence"
    ),
    TheirArtifact(
        "uk",
        UK,
        "enhanced_frs_2024_25.h5",
        "HDFStore, `time_period`",
        single_year(UK_ENTITIES, "time_period"),
    ),
    TheirArtifact("uk", UK, "frs_multi_year.h5", "HDFStore, `/person/2025`", multi_year),
    TheirArtifact(
        "uk",
        UK,
        "parliamentary_constituency_weights.h5",
        "HDF5, one matrix `/2025`",
        matrix,
        "weights",
    ),
    TheirArtifact("uk", UK, "local_geography_weights.csv.gz", "csv.gz", csv_gz, "weights"),
    TheirArtifact(
        "uk",
        "any",
        "trace.tro.jsonld",
        "JSON-LD",
        document(**{"@context": {}, "@graph": []}),
        "evidence",
    ),
)
