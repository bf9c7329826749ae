"""What PolicyEngine's producers publish is accepted, and docs/formats.md says as what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.artifact_table import table, written

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = re.compile(r" ([0-9,]+) \|$", re.MULTILINE)
VARYING = 200
"""Bytes that versions of Python and of libraries may add to a manifest."""


def test_each_of_their_artifacts_is_described_as_the_page_says(tmp_path: Path) -> None:
    made, said = table(tmp_path), written()
    assert _BYTES.sub("", made) == _BYTES.sub("", said)
    for now, then in zip(_sizes(made), _sizes(said), strict=True):
        assert abs(now - then) < VARYING


def _sizes(text: str) -> list[int]:
    return [int(size.replace(",", "")) for size in _BYTES.findall(text)]
