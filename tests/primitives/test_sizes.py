"""Numbers as people write them."""

from __future__ import annotations

from pe_dvc.primitives.sizes import counted


def test_one_thing_is_no_plural() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
