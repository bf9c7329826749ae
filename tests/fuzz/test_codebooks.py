"""Fuzz targets: codebooks, what people declare in codebook.yaml, and what others read of both."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.codebook import Codebook
from pe_dvc.documents.codebook_declaration import read_declared_codebook
from pe_dvc.documents.dataset import Dataset
from pe_dvc.documents.dataset_formats import as_format
from pe_dvc.documents.export_names import SPSS, STATA, cut, fitting_names
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.printable import printable
from tests.support.described import ONE_TABLE, TWO_TABLES, codebook, described_manifest
from tests.support.fuzzing import edited, fuzz, hostile

CODEBOOK = codebook().to_bytes()
MANIFEST = described_manifest(ONE_TABLE)
DECLARED = b"""
model: model.json
entities:
  person: {label: Person, plural: people}
columns:
  age: {label: Age, unit: year, references: [https://example.org], values: {0: baby, x: unknown}}
"""


def check_formats(dataset: Dataset) -> None:
    """Hold what others read to being of its format, and fit for a terminal."""
    for name in ("croissant", "datacite", "datapackage", "jsonschema"):
        json.loads(as_format(dataset, name))
    ElementTree.fromstring(as_format(dataset, "ddi"))
    for name in ("croissant", "ddi", "jsonschema"):
        lines = as_format(dataset, name).split("\n")
        assert [printable(line) for line in lines] == lines
    assert as_format(dataset, "bibtex").startswith("@misc{")
    assert as_format(dataset, "citation").endswith(dataset.pin)


def test_codebook() -> None:
    def target(data: bytes) -> None:
        found = Codebook.from_bytes(data, where="x.codebook.json")
        written = found.to_bytes()
        assert Codebook.from_bytes(written).to_bytes() == written
        assert found.overlaid(found).variables.keys() == found.variables.keys()
        check_formats(Dataset(manifest=MANIFEST, codebook=found, pin=MANIFEST.reference))

    fuzz(target, hostile(CODEBOOK))


def test_formats_of_hostile_manifests() -> None:
    def target(data: bytes) -> None:
        manifest = Manifest.from_bytes(data, where="m.json")
        found = Dataset(manifest=manifest, codebook=codebook(), pin=manifest.reference)
        check_formats(found)
        assert len(found.entity_tree) == len(manifest.table.entities)
        names = {column.name for column in found.columns}
        for rule in (STATA, SPSS):
            fitting = fitting_names(names, rule)
            assert len(set(fitting.values())) == len(names)
            assert all(rule.fits(name) for name in fitting.values())
        assert all(len(cut(name, 80).encode()) <= 80 for name in names)

    fuzz(target, hostile(MANIFEST.to_bytes(), described_manifest(TWO_TABLES).to_bytes()))


def test_codebook_yaml() -> None:
    def target(data: bytes) -> None:
        found = read_declared_codebook(read_yaml(data, "codebook.yaml")).codebook()
        assert Codebook.from_bytes(found.to_bytes()) == found

    fuzz(target, edited((DECLARED,)))
