"""What a reader should know although nothing has failed."""

from __future__ import annotations


class DeprecatedReleaseWarning(UserWarning):
    """A dataset was read through a release that its maintainers deprecated; says why."""
