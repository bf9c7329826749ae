"""The table of formats: which file is of which, and that every row can be used."""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.tables import formats
from pe_dvc.adapters.tables.formats import (
    FORMATS,
    OPAQUE,
    Format,
    format_named,
    format_of,
    media_type_of,
)
from pe_dvc.documents.table_schema import FileShape
from pe_dvc.primitives.errors import FormatError, NotFoundError
from tests.support.paths import ROOT
from tests.support.tables import describe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_every_row_can_be_found_and_used(row: Format, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"?")
    for suffix in row.suffixes:
        for name in (f"data/x{suffix}", f"data/X.2024{suffix.upper()}"):
            assert format_of(path, name=name) is row
    assert format_named(row.name, where="x") is row
    for function in ("describe", "read_columns"):
        asked = inspect.signature(getattr(formats.TableReader, function)).parameters
        offered = inspect.signature(getattr(row.reader(), function)).parameters
        assert list(offered) == list(asked)[1:]


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_every_row_is_documented(row: Format) -> None:
    page = (ROOT / "docs/formats.md").read_text()
    assert not [suffix for suffix in row.suffixes if f"`{suffix}`" not in page]


def test_no_two_rows_claim_the_same_file() -> None:
    for one, other in itertools.combinations(FORMATS, 2):
        assert one.name != other.name
        assert not any(a.endswith(b) or b.endswith(a) for a in one.suffixes for b in other.suffixes)
        both = one.magic and other.magic and not (one.by_suffix or other.by_suffix)
        assert not (both and (one.magic.startswith(other.magic) or other.magic in one.magic))


@pytest.mark.parametrize(
    "row", [f for f in FORMATS if f.magic and not f.by_suffix], ids=lambda row: row.name
)
def test_how_a_file_begins_counts_before_its_suffix(row: Format, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(row.magic + b"rest")
    for name in ("data/x", "data/x.csv", "data/x.parquet", "data/x.h5"):
        assert format_of(path, name=name) is row


@pytest.mark.parametrize("name", ["data/x.docx", "data/parquet", "data.parquet/x", "data/x.h5x"])
def test_any_other_format_is_bytes_of_which_nothing_is_said(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"anything")
    found = format_of(path, name=name)
    assert found is OPAQUE
    assert describe(found.reader(), path) == FileShape(format="opaque")
    with pytest.raises(NotFoundError, match="is not there"):
        describe(found.reader(), tmp_path / "missing")


def test_a_manifest_of_a_format_of_a_newer_pe_dvc_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match="which this version of pe_dvc does not read"):
        format_named("holograms", where="x")


def test_the_media_type_of_files_that_are_not_described_is_by_their_suffix() -> None:
    assert media_type_of(OPAQUE, "data/README.TXT") == "text/plain"
    assert media_type_of(OPAQUE, "data/x.pkl") == "application/octet-stream"
    assert media_type_of(FORMATS[0], "data/x.txt") == FORMATS[0].media_type
