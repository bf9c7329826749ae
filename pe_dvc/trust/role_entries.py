"""What a role below targets signed, as pe_dvc's documents: pointers, releases, withdrawals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.documents.bins import bins_of
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import (
    FormatError,
    NotPublishedError,
    ReleaseError,
    VerificationError,
)
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.trust.roles import TAMPERED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pe_dvc.documents.bins import Bins


class RoleEntries(NamedTuple):
    """A version of a role, until when it counts (UTC), and what it says.

    A channel whose pointers are in ``bins`` has no entries of its own (``trust.bin_reader``).
    """

    version: int
    expires: datetime
    entries: dict[Any, Any]
    bins: Bins | None = None


def role_entries(
    role: str,
    country: str,
    version: int,
    expires: datetime,
    targets: dict[str, dict[str, object]],
    fields: Mapping[str, Any],
    *,
    where: str,
) -> RoleEntries:
    """Return what a role says; ``fields`` are those of its metadata that TUF does not know.

    Raises VerificationError as ``entries_of``.
    """
    try:
        bins = bins_of(fields, targets, where=where) if role in CHANNELS else None
    except FormatError as error:
        raise VerificationError(error.message, remedy=TAMPERED) from error
    if bins is not None:
        return RoleEntries(version, expires, {}, bins)
    return RoleEntries(version, expires, entries_of(role, country, targets, where=where))


def entries_of(
    role: str, country: str, targets: dict[str, dict[str, object]], *, where: str
) -> dict[Any, Any]:
    """Read a role's targets.

    Raises VerificationError for what is not this role's: that it is signed does not make it so.
    """
    if not targets:
        return {}
    try:
        if role == "releases":
            from pe_dvc.documents.release_target import releases_of

            return dict(releases_of(targets, country=country, where=where))
        if role == "revoked":
            from pe_dvc.documents.revocation import revocations_of

            return {**revocations_of(targets, country=country, where=where)}
        return dict(pointers_of(targets, country=country, channel=role, where=where))
    except (FormatError, ReleaseError) as error:
        raise VerificationError(error.message, remedy=TAMPERED) from error


def not_published(role: str, country: str, url: str) -> NotPublishedError:
    """Return the error for a role of which the store at ``url`` shows no version yet."""
    return NotPublishedError(f"{role} of {country} was not published in {url} yet")
