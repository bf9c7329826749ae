"""Signed entries of releases whose fields are not what they should be."""

from __future__ import annotations

from typing import Any

import pytest

from pe_dvc.documents.release_target import Released
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError

DIGEST = sha256_bytes(b"a release manifest")
RELEASED = Released(
    country="us",
    tag="1.78.2",
    sha256=DIGEST,
    size=7,
    tro_sha256=DIGEST,
    commit="0" * 40,
    channel="next",
)


@pytest.mark.parametrize("custom", [None, True, "tro_sha256", ["tro_sha256"], {}])
def test_a_release_whose_custom_fields_are_missing_or_none(custom: Any) -> None:
    target = {**RELEASED.to_target(), "custom": custom}
    with pytest.raises(FormatError, match=r"us/releases/1\.78\.2: "):
        Released.from_target(RELEASED.target_path, target)


def test_fields_of_a_newer_version_are_ignored() -> None:
    target = RELEASED.to_target()
    target["custom"]["of a newer version"] = {"x": 1}
    assert Released.from_target(RELEASED.target_path, target) == RELEASED
