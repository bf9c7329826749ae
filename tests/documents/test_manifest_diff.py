"""What changed between two releases: the values of a table, or only the bytes that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.cli.release_output import print_diff
from pe_dvc.documents.manifest_diff import diff_releases
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest

OLD, NEW = "a" * 64, "b" * 64


def manifest(payload: bytes, digest: str | None) -> Manifest:
    made = manifest_of(payload)
    digests = {} if digest is None else {"tax_unit": digest}
    return made.model_copy(update={"table": made.table.with_digests(digests)})


@pytest.mark.parametrize(
    ("later", "contents", "said"),
    [
        (manifest(b"again", OLD), {"tax_unit": (OLD, OLD)}, "the same, in other bytes"),
        (manifest(b"again", NEW), {"tax_unit": (OLD, NEW)}, "others"),
        (manifest(b"again", None), {}, None),
    ],
    ids=["same values", "other values", "a manifest without digests"],
)
def test_values_are_told_from_bytes(
    later: Manifest, contents: object, said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    found = diff_releases("1.0.0", {"cps": manifest(b"first", OLD)}, "1.1.0", {"cps": later})
    (changed,) = found.changed
    assert changed.contents == contents
    print_diff(found)
    printed = capsys.readouterr().out
    assert ("values tax_unit" in printed) == (said is not None)
    assert said is None or f"    values tax_unit: {said}\n" in printed


def test_the_same_bytes_say_nothing_of_values() -> None:
    """An older manifest of the same bytes has no digest, or the scheme has changed."""
    before, after = manifest(b"first", OLD), manifest(b"first", NEW)
    (changed,) = diff_releases("1", {"cps": before}, "2", {"cps": after}).changed
    assert changed.contents == {}
