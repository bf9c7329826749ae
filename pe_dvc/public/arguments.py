"""Arguments as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def names_of(names: Sequence[str]) -> Sequence[str]:
    """Return a list of names where one was given as text, which is a sequence of letters."""
    return [names] if isinstance(names, str) else names
