"""Numbers of versions of a role: which are taken in a bucket, and which the next one gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAP = 10_000
"""How far a version may lie above the one before: the name of a file further on means nothing."""


def versions_of(files: Iterable[tuple[str, int]], role: str) -> list[int]:
    """Return the versions of a role among names of files, in order."""
    return sorted(version for name, version in files if name == role)


def next_free(at_least: int, taken: Iterable[int]) -> int:
    """Return the first version from ``at_least`` on that is above those that are ``taken``.

    What lies more than a ``LEAP`` above the one before it is no publisher's, and would make
    all later ones absurd.
    """
    last = at_least - 1
    for version in sorted(taken):
        if version - last > LEAP:
            break
        last = max(last, version)
    return last + 1
