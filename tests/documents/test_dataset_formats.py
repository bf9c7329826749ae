"""What others read of a dataset, held to the validators of others."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from pe_dvc.documents.codebook import EMPTY
from pe_dvc.documents.dataset_formats import as_format
from pe_dvc.documents.ddi import NAMESPACE
from pe_dvc.primitives.errors import NotFoundError
from tests.support.described import CODEBOOK, ONE_TABLE, TWO_TABLES, codebook, dataset, statistics
from tests.support.other_environments import FOLDER
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset

HDF5: dict[str, Any] = {"path": "data/x.h5", "media_type": "application/x-hdf5"}
HOSTILE = codebook(
    variables=CODEBOOK["variables"]
    | {"age": {"label": "</labl><!-- \x00\x1b[31m ]]> & \ud83d\ude00", "unit": '"'}},
    entities={"person": {"label": "}} \\input{x}", "description": "{{ % $ "}},
)
NOTHING: dict[str, Any] = {"format": "opaque", "tables": [], "entities": {}}
DATASETS: dict[str, Dataset] = {
    "one table": dataset(),
    "several tables": dataset(TWO_TABLES, **HDF5),
    "of a gated country": dataset(country="uk", known=codebook(access="gated")),
    "of a release": dataset(release="1.78.2"),
    "without a codebook": dataset(known=EMPTY),
    "with hostile texts": dataset(known=HOSTILE),
    "with statistics": dataset(profile=statistics()),
    "no tables": dataset(NOTHING, known=EMPTY, path="data/x.bin"),
}


def validate(
    python: Path, kind: str, texts: dict[str, str], folder: Path, **environment: str
) -> dict[str, list[str]]:
    """Return what the validator of a format says of documents, those that it objects to."""
    files = {str(folder / f"{n}.json"): name for n, name in enumerate(texts)}
    for file, name in files.items():
        Path(file).write_text(texts[name])
    done = subprocess.run(
        [python, FOLDER / "check.py", kind, *files],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    return {files[file]: faults for file, faults in said.items() if faults}


def ddi_schema() -> str:
    """Return the XSD of DDI-Codebook 2.6 (CC BY 4.0); no package registry has it."""
    (commit,) = re.findall("^DDI_COMMIT := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    place = ROOT / f".ddi-codebook/{commit}/schemas/codebook.xsd"
    if not place.exists():
        pytest.skip("!!! DDI is not validated against its schema: run `make ddi-schema`")
    return str(place)


WRONG = {
    "croissant": ('"cr:Field"', '"cr:Feld"'),
    "datapackage": ('"type": "number"', '"type": "nummer"'),
    "datacite": ('"titles"', '"title"'),
    "ddi": ("<abstract>", "<abstract><labl>"),
}
"""What to replace by what, for a document that a validator must object to."""


@pytest.mark.parametrize("kind", WRONG)
def test_validators_have_nothing_to_say(kind: str, validators: Path, tmp_path: Path) -> None:
    environment = {"DDI_SCHEMA": ddi_schema()} if kind == "ddi" else {}
    texts = {name: as_format(found, kind) for name, found in DATASETS.items()}
    right, wrong = WRONG[kind]
    assert right in texts["one table"]
    texts["wrong"] = texts["one table"].replace(right, wrong)
    if kind == "ddi":
        texts["wrong"] = texts["wrong"].replace("</abstract>", "</labl></abstract>")
    assert validate(validators, kind, texts, tmp_path, **environment).keys() == {"wrong"}


def test_croissant_without_a_licence_has_a_warning(validators: Path, tmp_path: Path) -> None:
    found = validate(
        validators, "croissant", {"none": as_format(dataset(about={}), "croissant")}, tmp_path
    )
    assert "license" in found["none"][0]


def test_ddi_has_what_archives_ask_for() -> None:
    """What the schema would not miss; and the order of elements, where the schema is not here."""
    root = ElementTree.fromstring(as_format(dataset(TWO_TABLES, **HDF5), "ddi"))
    name = f"{{{NAMESPACE}}}"
    ids = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(ids) == len(set(ids))
    groups = {group.get("rectype"): group for group in root.iter(f"{name}recGrp")}
    variables = {each.get("name"): each for each in root.iter(f"{name}var")}
    assert groups["person"].get("keyvar") == variables["person_id"].get("ID")
    assert variables["household_weight"].get("wgt") == "wgt"
    assert variables["age"].get("wgt-var") == variables["household_weight"].get("ID")
    assert [child.tag.removeprefix(name) for child in root] == ["stdyDscr", "fileDscr", "dataDscr"]
    order = ["labl", "anlysUnit", "txt", "catgry", "varFormat", "notes"]
    for variable in variables.values():
        tags = [child.tag.removeprefix(name) for child in variable]
        assert tags == sorted(tags, key=order.index)
    assert root.findtext(f".//{name}digitalFingerprintValue") == dataset().sha256


@pytest.mark.parametrize("country", ["uk", "uk-microcosm"])
def test_a_producer_is_of_its_nation(country: str) -> None:
    tree = ElementTree.fromstring(as_format(dataset(country=country), "ddi"))
    (nation,) = tree.iter(f"{{{NAMESPACE}}}nation")
    assert (nation.text, nation.get("abbr")) == ("UK", "UK")


@pytest.mark.parametrize("country", ["us", "uk"])
def test_a_gated_country_s_data_are_said_to_be_restricted(country: str) -> None:
    found = dataset(country=country)
    gated = country == "uk"
    assert ("restricted" in as_format(found, "ddi")) is gated
    assert ("restricted" in as_format(found, "datacite")) is gated
    assert ("restricted" in as_format(found, "croissant")) is gated


@pytest.mark.parametrize("kind", ["croissant", "datacite", "datapackage", "ddi", "jsonschema"])
def test_no_format_says_anything_that_was_computed_from_rows(kind: str) -> None:
    """Row counts and what people or the model wrote: nothing else is in manifest and codebook."""
    contents = ONE_TABLE | {"members": [{"name": "lowest_income", "type": "int64", "value": 4711}]}
    assert "4711" not in as_format(dataset(contents, country="uk"), kind)


def test_json_schema_is_one_and_takes_a_row() -> None:
    schema = json.loads(as_format(dataset(), "jsonschema"))
    Draft202012Validator.check_schema(schema)
    row: dict[str, Any] = {"person_id": 1, "age": 30, "employment_income": 1.5, "is_male": None}
    row |= {"filing_status": "SINGLE", "universal_credit": 0.0, "person_weight": 1.0}
    row["interviewed"] = "2026-01-31T12:00:00Z"
    validator = Draft202012Validator(schema)
    assert not list(validator.iter_errors({"person": [row]}))
    assert list(validator.iter_errors({"person": [row | {"person_id": None}]}))
    status = schema["properties"]["person"]["items"]["properties"]["filing_status"]
    assert status["x-values"][1] == {"const": "JOINT", "title": "Married filing jointly"}


def _citation(found: Dataset) -> str:
    return as_format(found, "citation")


def test_a_citation_ends_with_the_pin() -> None:
    found = dataset(release="1.78.2")
    assert _citation(found) == (
        "Woodruff & Ghenis (2026), Enhanced microdata. enhanced_cps_2024 [Data set]. "
        f"Release 1.78.2. Built 2026-04-20. {found.pin}"
    )
    assert _citation(dataset(about={})).startswith("PolicyEngine (2026). enhanced_cps_2024 [Data")


def test_bibtex_is_escaped() -> None:
    text = as_format(dataset(about={"citation": "100% of {us} & #1_x~^\\"}), "bibtex")
    assert r"100\% of \{us\} \& \#1\_x\textasciitilde{}\textasciicircum{}\textbackslash{}" in text
    assert text.startswith("@misc{us_enhanced_cps_2024_")
    assert dataset().sha256 in text


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="no format 'dii'") as caught:
        as_format(dataset(), "dii")
    assert "ddi" in str(caught.value.remedy)
