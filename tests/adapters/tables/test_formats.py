"""The table of formats: which file is of which, and that every row can be used."""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.tables import formats
from pe_dvc.adapters.tables.formats import FORMATS, Format, format_named, format_of
from pe_dvc.primitives.errors import FormatError
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WHERE = "dvc.yaml: artifacts.x.path"


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_every_row_can_be_found_and_used(row: Format, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"?")
    for suffix in row.suffixes:
        for name in (f"data/x{suffix}", f"data/X.2024{suffix.upper()}"):
            assert format_of(path, name=name, where=WHERE) is row
    assert format_named(row.name, where="x") is row
    for function in ("describe", "check_key", "read_columns"):
        asked = inspect.signature(getattr(formats.TableReader, function)).parameters
        offered = inspect.signature(getattr(row.reader(), function)).parameters
        assert list(offered) == list(asked)[1:]


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_every_row_is_documented(row: Format) -> None:
    page = (ROOT / "docs/data-repo.md").read_text()
    assert not [suffix for suffix in row.suffixes if f"`{suffix}`" not in page]


def test_no_two_rows_claim_the_same_file() -> None:
    for one, other in itertools.combinations(FORMATS, 2):
        assert one.name != other.name
        assert not set(one.suffixes) & set(other.suffixes)
        both = one.magic and other.magic
        assert not (both and (one.magic.startswith(other.magic) or other.magic in one.magic))


@pytest.mark.parametrize("row", [f for f in FORMATS if f.magic], ids=lambda row: row.name)
def test_how_a_file_begins_counts_before_its_suffix(row: Format, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(row.magic + b"rest")
    for name in ("data/x", "data/x.csv", "data/x.parquet", "data/x.h5"):
        assert format_of(path, name=name, where=WHERE) is row


@pytest.mark.parametrize("name", ["data/x.csv", "data/parquet", "data.parquet/x", "data/x.h5x"])
def test_another_format_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=rf"{WHERE}: {name} is not in a format") as caught:
        format_of(tmp_path / "missing", name=name, where=WHERE)
    assert ".parquet, .h5" in str(caught.value.remedy)
    with pytest.raises(FormatError, match="which this version of pe_dvc does not read"):
        format_named("csv", where=name)
