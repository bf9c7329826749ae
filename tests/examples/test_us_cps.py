"""The example data repo: its arithmetic by hand, its scripts, and the whole demo for real."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyreadstat
import pytest
from pyarrow import csv, parquet

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.codebook_declaration import FILE, read_declared_codebook
from tests.support.commands import run
from tests.support.paths import ROOT
from tests.support.printed import follow, section
from tests.support.us_cps import SHA256, US_CPS, VERSION

if TYPE_CHECKING:
    from types import ModuleType

BUILD = US_CPS / "build"
PLACES = ("config", "state", "cache")
ROOT_OF_SDIST = f"taxcalc-{VERSION}/taxcalc"
READ = ("records_variables.json", "cps.csv.gz")


@pytest.fixture(scope="module")
def ageing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ageing", BUILD / "ageing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def factors(ageing: ModuleType, **given: list[float]) -> pa.Table:
    """Factors of 2014 to 2016; those of 2014, from 2013, must never be used."""
    names = [*ageing.AMOUNTS, ageing.PROFITS, ageing.LOSSES]
    columns = {name: given.get(name, [99.0, 1.0, 1.0]) for name in names}
    return pa.table({"YEAR": [2014, 2015, 2016], **columns})


def units(ageing: ModuleType, **given: list[int]) -> pa.Table:
    amounts = [column for columns in ageing.AMOUNTS.values() for column in columns]
    names = ["RECID", "XTOT", *amounts, *ageing.EARNERS, ageing.TOTAL]
    return pa.table({name: given.get(name, [0, 0]) for name in names})


def test_growth_is_the_product_of_the_years_after_the_first(ageing: ModuleType) -> None:
    table = factors(ageing, AWAGE=[9.0, 1.1, 1.2])
    assert ageing.growth(table, "AWAGE", 2014, 2016) == pytest.approx(1.32)
    assert ageing.growth(table, "AWAGE", 2014, 2015) == 1.1
    assert ageing.growth(table, "AWAGE", 2014, 2014) == 1


def test_growth_beyond_the_factors_is_refused_by_the_year(ageing: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"AWAGE for \[2017\]"):
        ageing.growth(factors(ageing), "AWAGE", 2014, 2017)


def test_each_amount_grows_by_its_own_factor(ageing: ModuleType) -> None:
    grown = ageing.aged(
        units(ageing, e00200=[1000, 0], e02300=[500, 100], e18400=[10, 20], XTOT=[1, 4]),
        factors(ageing, AWAGE=[9, 1.1, 1.2], AUCOMP=[9, 0.5, 0.5], ATXPY=[9, 1.5, 2.0]),
        2014,
        2016,
    )
    assert grown["e00200"].to_pylist() == pytest.approx([1320, 0])
    assert grown["e02300"].to_pylist() == [125, 25]
    assert grown["e18400"].to_pylist() == [30, 60]
    assert grown["XTOT"].to_pylist() == [1, 4]
    assert grown.schema.field("XTOT").type == pa.int64()
    assert grown.schema.field("e00200").type == pa.float64()


def test_profits_and_losses_grow_apart_and_the_total_is_their_sum(ageing: ModuleType) -> None:
    grown = ageing.aged(
        units(ageing, e00900p=[100, -100], e00900s=[-10, 40], e00900=[90, -60]),
        factors(ageing, ASCHCI=[9, 2, 1], ASCHCL=[9, 3, 1]),
        2014,
        2016,
    )
    assert grown["e00900p"].to_pylist() == [200, -300]
    assert grown["e00900s"].to_pylist() == [-30, 80]
    assert grown["e00900"].to_pylist() == [170, -220]


def test_no_amount_is_aged_twice(ageing: ModuleType) -> None:
    amounts = [column for columns in ageing.AMOUNTS.values() for column in columns]
    amounts += [*ageing.EARNERS, ageing.TOTAL]
    assert len(amounts) == len(set(amounts))


def test_scripts_give_the_same_bytes_each_time(tmp_path: Path, ageing: ModuleType) -> None:
    survey = units(ageing, e00200=[1000, 3], RECID=[1, 2])
    for name, values in {"s006": [20500, 19700], "FLPDYR": [2012, 2013], "h_seq": [3, 3]}.items():
        survey = survey.append_column(name, [values])
    csv.write_csv(survey, tmp_path / "cps.csv")
    csv.write_csv(pa.table({"WT2016": [30001, 2]}), tmp_path / "weights.csv")
    csv.write_csv(factors(ageing), tmp_path / "factors.csv")
    digests = set()
    for attempt in ("one", "two"):
        cps, enhanced = tmp_path / f"{attempt}/cps.parquet", tmp_path / f"{attempt}/e.parquet"
        run(sys.executable, BUILD / "cps.py", "cps.csv", cps, cwd=tmp_path)
        built = ["weights.csv", "factors.csv", "2014", "2016", str(enhanced)]
        run(sys.executable, BUILD / "enhanced_cps.py", cps, *built, cwd=tmp_path)
        digests.add((cps.read_bytes(), enhanced.read_bytes()))
    assert len(digests) == 1
    assert parquet.read_table(cps)["household_weight"].to_pylist() == [205, 197]
    households = parquet.read_table(cps)["household_id"].to_pylist()
    assert households == [201200003, 201300003], "h_seq starts anew in each survey year"
    table = parquet.read_table(enhanced)
    assert table["household_weight"].to_pylist() == [300.01, 0.02]
    assert table["s006"].to_pylist() == [30001, 2]


def test_weights_of_another_survey_are_refused(tmp_path: Path, ageing: ModuleType) -> None:
    parquet.write_table(units(ageing), tmp_path / "cps.parquet")
    csv.write_csv(pa.table({"WT2016": [1, 2, 3]}), tmp_path / "weights.csv")
    built = ["cps.parquet", "weights.csv", "factors.csv", "2014", "2016", "out.parquet"]
    done = run(sys.executable, BUILD / "enhanced_cps.py", *built, cwd=tmp_path, code=1)
    assert "3 weights for 2 tax units" in done.stderr


def test_download_refuses_a_file_that_is_not_the_pinned_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.tar.gz"
    other.write_bytes(b"not it")
    monkeypatch.setenv("US_CPS_SDIST", str(other))
    command = (BUILD / "download.py", VERSION, SHA256, "raw/out.tar.gz")
    done = run(sys.executable, *command, cwd=tmp_path, code=1)
    assert str(other) in done.stderr
    assert f"expected sha256 {SHA256}" in done.stderr
    assert hashlib.sha256(b"not it").hexdigest() in done.stderr
    assert not (tmp_path / "raw").exists()


def test_extract_says_what_a_distribution_lacks(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "sdist.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("taxcalc-0/taxcalc/growfactors.csv")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"YEAR\n"))
    done = run(sys.executable, BUILD / "extract.py", "sdist.tar.gz", ".", cwd=tmp_path, code=1)
    assert (tmp_path / "growfactors.csv").read_bytes() == b"YEAR\n"
    assert "lacks taxcalc/cps.csv.gz, taxcalc/cps_weights.csv.gz" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_demo(
    tmp_path: Path, sdist: Path, ageing: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("US_CPS_SDIST", str(sdist))
    home = Path(os.environ["HOME"])
    before = sorted(home.rglob("*"))
    kept = tmp_path / "kept"
    done = run(sys.executable, US_CPS / "demo.py", "--keep", kept, cwd=tmp_path)

    assert "All six steps worked" in done.stdout
    assert done.stdout.count("step ") >= 6
    assert sorted(home.rglob("*")) == before
    _check_datasets(kept / "us-cps", ageing)
    _check_labels(kept)


def _check_labels(kept: Path) -> None:
    """The page about codebooks shows what the commands print of the demo's datasets."""
    places = {f"PE_DVC_{what.upper()}_DIR": str(kept / "pe_dvc" / what) for what in PLACES}
    environment = os.environ | places | {"PE_DVC_STORE": str(kept / "store")}
    text = section((ROOT / "docs/codebook.md").read_text(), "On the CPS of the example")
    follow(text, lambda command: run(*command, cwd=kept / "consumer", environment=environment))
    labels = pyreadstat.read_dta(kept / "consumer/cps.dta", metadataonly=True)[1]
    assert labels.column_names_to_labels["e00200"] == "Wages and salaries [currency-USD]"
    assert labels.variable_value_labels["MARS"][4] == "Head of household"


def test_the_codebook_says_of_every_column_what_tax_calculator_says(sdist: Path) -> None:
    declared = read_declared_codebook(read_yaml((US_CPS / FILE).read_bytes(), FILE))
    with tarfile.open(sdist) as archive:
        variables, cps = (archive.extractfile(f"{ROOT_OF_SDIST}/{name}") for name in READ)
        assert variables is not None
        assert cps is not None
        said = json.load(variables)["read"]
        columns = gzip.decompress(cps.read()).partition(b"\n")[0].decode().split(",")
    assert set(declared.columns) == {*columns, "household_weight", "household_id"}
    assert all(column.label for column in declared.columns.values())
    amounts = {name for name in columns if said[name]["type"] == "float"} - {"s006"}
    dollars = {name for name, one in declared.columns.items() if one.unit == "currency-USD"}
    assert dollars == amounts
    for name in set(columns) - {"FLPDYR"}:  # which the example leaves as it is surveyed
        assert declared.columns[name].description == said[name]["desc"], name


def _check_datasets(repo: Path, ageing: ModuleType) -> None:
    cps = parquet.read_table(repo / "data/cps_2014.parquet")
    enhanced = parquet.read_table(repo / "data/enhanced_cps_2024.parquet")
    assert cps.num_rows == enhanced.num_rows == 280_005
    assert cps.column_names == enhanced.column_names
    assert len(cps.column_names) == 68 + 2
    changed = {column for columns in ageing.AMOUNTS.values() for column in columns}
    changed |= {*ageing.EARNERS, ageing.TOTAL, "s006", "household_weight"}
    for column in set(cps.column_names) - changed:
        assert cps[column].equals(enhanced[column]), column
    assert pc.sum(enhanced["household_weight"]).as_py() == pytest.approx(214_875_995.16)
    # By hand from growfactors.csv: the wages of 2015 to 2024, then unemployment compensation.
    wages = 1.024119 * 1.006659 * 1.040577 * 1.041821 * 1.039292
    wages *= 1.006381 * 1.08209 * 1.069673 * 1.047498 * 1.048019
    unemployment = 0.81793 * 0.933831 * 0.94186 * 0.92284 * 0.940635
    unemployment *= 1.034222 * 8.619252 * 0.152665 * 0.748857 * 1.257741
    for column, growth in {"e00200": wages, "e00200p": wages, "e02300": unemployment}.items():
        ratio = pc.sum(enhanced[column]).as_py() / pc.sum(cps[column]).as_py()
        assert ratio == pytest.approx(growth)
