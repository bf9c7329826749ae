"""When rows are compared, and what is said where they are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.diff import Described
from pe_dvc.documents.disclosure import GATED, PUBLIC
from pe_dvc.documents.manifest import Contents
from pe_dvc.project.diff import Asked, compare_datasets
from pe_dvc.project.diff_sides import Dataset

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
