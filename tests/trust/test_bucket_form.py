"""What the bucket has of a file in git: an error names the file that was asked for."""

from __future__ import annotations

import pytest

from pe_dvc.primitives.errors import FormatError
from pe_dvc.trust.binned import MARK
from pe_dvc.trust.bucket_form import bucket_form


def test_the_same_damage_in_two_places_is_told_of_each() -> None:
    """What is remembered of the bytes must not tell of the file that they were first read from."""
    damaged = b'{"signed": {' + MARK
    for where in ("channels/us/latest.json", "channels/us/next.json"):
        with pytest.raises(FormatError) as caught:
            bucket_form(damaged, where=where)
        assert where in str(caught.value)


def test_what_has_no_bins_is_the_same_in_the_bucket() -> None:
    assert bucket_form(b"{}", where="x") == (b"{}", {})
