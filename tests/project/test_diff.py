"""When rows are compared, and what is said where they are not."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.diff import Described
from pe_dvc.documents.disclosure import GATED
from pe_dvc.documents.manifest import Column, Contents, Entity, Table
from pe_dvc.documents.profile import Profile
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.project.diff import Asked, compare_datasets
from pe_dvc.project.diff_profiles import rule_with
from pe_dvc.project.diff_sides import Dataset
from tests.support.disclosure import PUBLIC

if TYPE_CHECKING:
    from pathlib import Path

EMPTY = Contents(format="opaque", tables=(), entities={})


def side(sha256: str, *, is_directory: bool = False) -> Dataset:
    described = Described(
        name="cps",
        label=f"latest:{sha256[0]}",
        contents=EMPTY,
        sha256=sha256,
        size=1,
        rule=PUBLIC,
        is_directory=is_directory,
    )
    return Dataset(described=described, payload=not_here)


def not_here(download: bool) -> Path | None:
    return None


@pytest.mark.parametrize(
    ("is_directory", "asked", "note"),
    [
        (False, Asked(), "the data of latest:1 are not on this machine (--rows downloads them)"),
        (False, Asked(rows=True), "the data of latest:1 are not on this machine"),
        (True, Asked(), "it is a directory of files"),
    ],
)
def test_what_is_said_of_rows_that_are_not_compared(
    is_directory: bool, asked: Asked, note: str
) -> None:
    found = compare_datasets(side("1"), side("2", is_directory=is_directory), asked)
    assert found.notes == (f"rows are not compared: {note}",)
    assert not found.is_same


def test_no_payload_is_asked_for_where_bytes_are_the_same_or_rows_are_not_wanted() -> None:
    def refused(download: bool) -> Path | None:
        raise AssertionError

    one = replace(side("1"), payload=refused)
    assert compare_datasets(one, one, Asked()).verdict == "same bytes"
    assert compare_datasets(one, side("2"), Asked(rows=False)).notes == ()
    gated = replace(one.described, rule=GATED)
    assert compare_datasets(replace(one, described=gated), one, Asked(rows=True)).is_same


def test_a_missing_duckdb_is_a_note_unless_rows_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(name="t", rows=1, entity="t", columns=(Column(name="id", type="int64"),))
    contents = Contents(format="parquet", tables=(table,), entities={"t": Entity(key="id")})

    def there(sha256: str) -> Dataset:
        one = side(sha256)
        return Dataset(
            described=replace(one.described, contents=contents), payload=lambda _: tmp_path / "x"
        )

    monkeypatch.setitem(sys.modules, "duckdb", None)
    (note,) = compare_datasets(there("1"), there("2"), Asked()).notes
    assert "needs the Python package duckdb" in note
    with pytest.raises(PeDvcError, match="duckdb"):
        compare_datasets(there("1"), there("2"), Asked(rows=True))


@pytest.mark.parametrize(("access", "gated"), [("gated", True), ("public", False), ("other", True)])
def test_a_profile_says_that_data_are_gated_where_no_settings_do(access: str, gated: bool) -> None:
    """A reader without a clone knows no settings, and ``be`` is not gated by its name."""
    profile = Profile(access=access, minimum_carriers=30, tables=())
    rule = rule_with(profile, PUBLIC)
    assert (rule.is_gated, rule.minimum_carriers) == (gated, 30 if gated else 10)
    assert rule_with(None, GATED) == GATED
    assert rule_with(Profile(access="public", minimum_carriers=1, tables=()), GATED) == GATED
