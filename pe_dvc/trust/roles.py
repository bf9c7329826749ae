"""The roles of a country's channels: who signs what, for how long, under which names.

The layout is the same for every country and complete from the start, so that later work needs
no change of format. ADR 0003.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import MAX_NAME_SEGMENTS

TOP_LEVEL = ("root", "targets", "snapshot", "timestamp")
DELEGATED = ("latest", "next", "revoked", "releases")
ALL = (*TOP_LEVEL, *DELEGATED)
TARGETS_LIKE = ("targets", *DELEGATED)
"""The roles that git holds and snapshots list."""

EXPIRY_DAYS = {
    "root": 365,
    "targets": 365,
    "latest": 365,
    "next": 365,
    "revoked": 365,
    "releases": 365,
    "snapshot": 30,
    "timestamp": 14,
}
"""Days from signing to expiry, written into the metadata by ``init`` and read from there."""

ROLE_OWNERS = {
    "root": "the holders of the offline root keys",
    "targets": "the holders of the offline targets key",
    "latest": "a maintainer or CI job that has its key",
    "next": "the reviewers of `next` (`pe-dvc channel sign next`)",
    "revoked": "the data stewards",
    "releases": "the release managers",
    "snapshot": "the scheduled CI job (`pe-dvc channel refresh`)",
    "timestamp": "the scheduled CI job (`pe-dvc channel refresh`)",
}
"""Whose job it is to keep a role's metadata fresh, for messages."""

TAMPERED = "This was not written with the signing keys: tell the maintainers of the data."

MAX_LENGTH = {"root": 512_000, "timestamp": 16_384, "snapshot": 2_000_000, "targets": 5_000_000}
"""Most bytes of a metadata file that are ever read; delegated roles have that of targets."""


def max_length(role: str) -> int:
    """Return the most bytes that are ever read of ``role``'s metadata."""
    return MAX_LENGTH.get(role, MAX_LENGTH["targets"])


def check_role(role: str) -> str:
    """Return ``role`` if there is one of that name, else raise FormatError."""
    if role not in ALL:
        raise FormatError(f"{role!r} is not a role: expected one of {', '.join(ALL)}")
    return role


def path_patterns(country: str, role: str) -> list[str]:
    """Return the patterns of the target paths that a delegated role may speak for.

    A ``*`` does not cross a slash in TUF, hence one pattern for each number of segments.
    """
    return [f"{country}/{role}" + "/*" * count for count in range(1, MAX_NAME_SEGMENTS + 1)]


def utc(moment: datetime) -> datetime:
    """Return an aware ``moment`` in UTC, to the second, as metadata writes it."""
    if moment.tzinfo is None:
        raise ValueError("expected a time with a time zone")
    return moment.astimezone(UTC).replace(microsecond=0)
