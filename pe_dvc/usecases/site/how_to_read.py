"""How a dataset is read, in the languages of those who read it: lines to copy."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset
    from pe_dvc.documents.manifest import Table


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """Lines for one language or program."""

    title: str
    lines: tuple[str, ...]


def how_to_read(
    dataset: Dataset, reference: str, bucket_url: str | None = None
) -> tuple[Snippet, ...]:
    """Return the ways to read a dataset by a reference, such as one of a channel or a pin."""
    found = [_shell(reference), _python(reference)]
    if dataset.manifest.table.format == "parquet" and not dataset.manifest.artifact.is_directory:
        found += [_pandas(reference), _polars(reference), _duckdb(reference)]
    if dataset.manifest.table.tables:
        found += [_r(dataset, reference), _stata(dataset, reference)]
    found.append(_dvc(dataset))
    if bucket_url is not None and not dataset.manifest.artifact.is_directory:
        found.append(_curl(dataset, bucket_url))
    return tuple(found)


def _shell(reference: str) -> Snippet:
    return Snippet(title="Command line", lines=(f"pe-dvc get {reference}",))


def _python(reference: str) -> Snippet:
    lines = ("import pe_dvc", "", f'path = pe_dvc.fetch("{reference}")')
    return Snippet(title="Python", lines=lines)


def _pandas(reference: str) -> Snippet:
    lines = ("import pandas as pd", "", f'frame = pd.read_parquet("{reference}")')
    return Snippet(title="pandas", lines=lines)


def _polars(reference: str) -> Snippet:
    lines = (
        "import pe_dvc",
        "import polars as pl",
        "",
        f'frame = pl.scan_parquet(pe_dvc.fetch("{reference}"))',
    )
    return Snippet(title="polars", lines=lines)


def _duckdb(reference: str) -> Snippet:
    lines = (
        "import duckdb",
        "import fsspec",
        "",
        'duckdb.register_filesystem(fsspec.filesystem("pe-data"))',
        f"duckdb.sql(\"SELECT * FROM read_parquet('{reference}') LIMIT 10\")",
    )
    return Snippet(title="DuckDB", lines=lines)


def _r(dataset: Dataset, reference: str) -> Snippet:
    options = "".join(f", {key} = {json.dumps(value)}" for key, value in _which(dataset))
    lines = ('source("pe_data.R")', f'data <- pe_data("{reference}"{options})')
    return Snippet(title="R", lines=lines)


def _stata(dataset: Dataset, reference: str) -> Snippet:
    options = "".join(f" --{key} {shlex.quote(value)}" for key, value in _which(dataset))
    lines = (
        f"pe-dvc export {reference}{options} --to data.dta",
        "use data.dta, clear   // in Stata",
    )
    return Snippet(title="Stata", lines=lines)


def _which(dataset: Dataset) -> list[tuple[str, str]]:
    """Return what must be said of a dataset with several tables or periods: the first of each."""
    tables: tuple[Table, ...] = dataset.manifest.table.tables
    periods = list(tables[0].periods)
    several = [("table", tables[0].name)] if len(tables) > 1 else []
    return several + ([("period", periods[0])] if len(periods) > 1 else [])


def _dvc(dataset: Dataset) -> Snippet:
    lines = (
        "# in a clone of the data repo, at the commit that you want",
        f"dvc pull {shlex.quote(dataset.manifest.artifact.path)}",
        f"pe-dvc verify {dataset.name}",
    )
    return Snippet(title="DVC", lines=lines)


def _curl(dataset: Dataset, bucket_url: str) -> Snippet:
    artifact, name = dataset.manifest.artifact, shlex.quote(dataset.file_name)
    lines = (
        f"curl --fail --output {name} {shlex.quote(f'{bucket_url}/{artifact.key}')}",
        f"echo '{artifact.sha256}  '{name} | sha256sum --check",
    )
    return Snippet(title="curl", lines=lines)
