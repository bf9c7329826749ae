"""Texts with gaps, compared in time that grows with their length alone.

A regular expression of many gaps takes years on a text that almost fits, and who writes the
one may write the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def fits(text: str, literals: Sequence[str], *, least: int = 0) -> bool:
    """Tell whether ``text`` is the ``literals`` in order, with a gap between each two.

    A gap holds at least so many characters; what it holds does not matter.
    """
    first, *middle = literals
    if not middle:
        return text == first
    if not text.startswith(first):
        return False
    at, last = len(first), middle.pop()
    for literal in middle:
        # The first place is the best: it leaves the most to those that follow.
        found = text.find(literal, at + least)
        if found < 0:
            return False
        at = found + len(literal)
    return text.endswith(last) and len(text) - len(last) >= at + least
