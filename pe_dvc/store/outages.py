"""Which stores could not be reached: what one reader of this process learns, all know.

It decides in which order stores are asked and which are waited for, never what is believed.
"""

from __future__ import annotations

_unreachable: set[str] = set()


def note_outage(url: str) -> None:
    """Keep in mind that the store at ``url`` could not be reached, or did not answer in time."""
    _unreachable.add(url)


def note_answer(url: str) -> None:
    """Keep in mind that the store at ``url`` answers, rightly or wrongly."""
    _unreachable.discard(url)


def is_out(url: str) -> bool:
    """Tell whether the store at ``url`` could not be reached when it was last heard of."""
    return url in _unreachable
