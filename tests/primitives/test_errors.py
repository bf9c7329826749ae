"""Errors carry what happened to wherever they are read: a traceback, another process."""

from __future__ import annotations

import pickle
import traceback

import pytest

from pe_dvc.primitives.errors import (
    DigestMismatchError,
    DiskFullError,
    FormatError,
    GateError,
    PeDvcError,
    RevokedError,
    StorePermissionError,
)

ERRORS: list[PeDvcError] = [
    PeDvcError("it failed"),
    FormatError("is 3", where="dvc.yaml: stages", remedy="Correct it."),
    DigestMismatchError(what="x", expected="a", actual="b", source="s3://b/k", remedy="Tell them."),
    RevokedError("withdrawn", reference="us/x@latest"),
    GateError("too few", failures=("rows",), remedy="Look."),
    StorePermissionError("refused", operation="read", key="k", remedy="Ask."),
    DiskFullError("/tmp/x", "No space left on device"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_in_another_process(error: PeDvcError) -> None:
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_a_traceback_shows_the_remedy() -> None:
    shown = "".join(traceback.format_exception_only(ERRORS[1]))
    assert shown.endswith("FormatError: dvc.yaml: stages: is 3\nCorrect it.\n")
    assert not hasattr(ERRORS[0], "__notes__")
