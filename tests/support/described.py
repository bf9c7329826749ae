"""Datasets with codebooks, as formats and commands describe them."""

from __future__ import annotations

import json
from typing import Any

from pe_dvc.documents.codebook import Codebook
from pe_dvc.documents.dataset import Dataset
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.profile import Profile
from tests.support.factories import manifest_of

CODEBOOK: dict[str, Any] = {
    "schema_version": 1,
    "sources": [{"name": "policyengine-us", "version": "2.68.0"}],
    "entities": {
        "person": {"label": "Person", "plural": "people", "description": "An individual."},
        "household": {"label": "Household", "plural": "households"},
    },
    "variables": {
        "age": {"label": "Age", "unit": "year", "entity": "person", "period": "year"},
        "employment_income": {
            "label": "Employment income",
            "unit": "currency-USD",
            "description": "Wages & salaries, including <tips>.",
            "references": ["https://www.law.cornell.edu/uscode/text/26/3401#a"],
            "entity": "person",
            "period": "year",
            "quantity": "flow",
        },
        "filing_status": {
            "label": "Filing status",
            "values": [
                {"value": "SINGLE", "label": "Single"},
                {"value": "JOINT", "label": "Married filing jointly"},
            ],
        },
        "is_male": {"label": "Male\u0001", "values": [{"value": 1, "label": "Yes"}]},
        "universal_credit": {"label": "Universal Credit", "unit": "currency-GBP"},
    },
}

PROFILE: dict[str, Any] = {
    "schema_version": 1,
    "access": "public",
    "minimum_carriers": 10,
    "tables": [
        {
            "name": "person",
            "rows": 3,
            "weight": {"column": "person_weight", "sum": 30.0},
            "columns": {
                "age": {"nulls": 1, "mean": 41.5, "sd": 3.25, "quantiles": {"p50": 42.0}},
                "employment_income": {"suppressed": ["nulls", "mean"], "total": 5.0},
                "filing_status": {
                    "nulls": 0,
                    "categories": [
                        {"value": "JOINT", "rows": 2, "share": 0.75},
                        {"value": "<ODD>", "rows": 1, "share": 0.25},
                    ],
                },
                "person_weight": {"nulls": 0, "mean": 10.0},
            },
        }
    ],
}


def statistics(values: dict[str, Any] = PROFILE) -> Profile:
    """Return a profile of the dataset of one table."""
    return Profile.from_bytes(json.dumps(values).encode())


ONE_TABLE: dict[str, Any] = {
    "format": "parquet",
    "tables": [
        {
            "name": "person",
            "rows": 3,
            "entity": "person",
            "columns": [
                {"name": "person_id", "type": "int64", "nullable": False},
                {"name": "age", "type": "int32"},
                {"name": "employment_income", "type": "double"},
                {"name": "is_male", "type": "int8"},
                {
                    "name": "filing_status",
                    "type": "dictionary<values=string, indices=int32, ordered=0>",
                },
                {"name": "universal_credit", "type": "float"},
                {"name": "interviewed", "type": "timestamp[ns]"},
                {"name": "person_weight", "type": "double"},
            ],
        }
    ],
    "entities": {"person": {"key": "person_id"}},
    "weight": "person_weight",
}

TWO_TABLES: dict[str, Any] = {
    "format": "hdf5",
    "tables": [
        {
            "name": "person",
            "rows": 3,
            "entity": "person",
            "columns": [
                {"name": "person_id", "type": "int64", "nullable": False},
                {"name": "person_household_id", "type": "int64"},
                {"name": "age", "type": "int32", "periods": ["2024"]},
            ],
            "periods": {"2024": 3, "2025": 3},
        },
        {
            "name": "household",
            "rows": 2,
            "entity": "household",
            "columns": [
                {"name": "household_id", "type": "int64"},
                {"name": "household_weight", "type": "float"},
            ],
        },
    ],
    "entities": {
        "person": {"key": "person_id", "references": {"household": "person_household_id"}},
        "household": {"key": "household_id"},
    },
    "weight": "household_weight",
}

ABOUT = {
    "description": "The Current Population Survey, enhanced.\nWith imputed wealth.",
    "licence": "https://creativecommons.org/licenses/by/4.0/",
    "citation": "Woodruff & Ghenis (2026), Enhanced microdata",
}


def codebook(**changes: Any) -> Codebook:
    """Return the codebook of a model; ``changes`` replace its fields."""
    return Codebook.from_bytes(json.dumps(CODEBOOK | changes).encode())


def described_manifest(
    contents: dict[str, Any], *, about: dict[str, str] | None = None, **artifact: Any
) -> Manifest:
    """Return the manifest of a dataset with these contents."""
    whole = manifest_of(b"bytes", **artifact).to_json()
    return Manifest.from_bytes(
        json.dumps(whole | {"table": contents, "about": ABOUT if about is None else about}).encode()
    )


def dataset(
    contents: dict[str, Any] = ONE_TABLE,
    *,
    known: Codebook | None = None,
    release: str | None = None,
    about: dict[str, str] | None = None,
    profile: Profile | None = None,
    **artifact: Any,
) -> Dataset:
    """Return a dataset with these contents; ``artifact`` replaces fields of its artifact."""
    manifest = described_manifest(contents, about=about, **artifact)
    return Dataset(
        manifest=manifest,
        codebook=codebook() if known is None else known,
        pin=manifest.reference,
        release=release,
        profile=profile,
    )
