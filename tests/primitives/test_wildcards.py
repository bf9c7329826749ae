"""Texts with gaps: as a regular expression would have it, but in no time."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.primitives.wildcards import fits

_texts = st.text("ab/", max_size=4)


@given(st.lists(_texts, min_size=1, max_size=4), st.text("ab/", max_size=12), st.integers(0, 2))
def test_fits_as_a_regular_expression_does(literals: list[str], text: str, least: int) -> None:
    pattern = f".{{{least},}}".join(map(re.escape, literals))
    assert fits(text, literals, least=least) == bool(re.fullmatch(pattern, text))


def test_many_gaps_take_no_time() -> None:
    start = time.process_time()
    assert not fits("a" * 100_000 + "b", ["a"] * 1000 + ["c"])
    assert time.process_time() - start < 5
