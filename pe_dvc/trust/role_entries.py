"""What a role below targets signed, as pe_dvc's documents: pointers, releases, withdrawals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import (
    FormatError,
    NotPublishedError,
    ReleaseError,
    VerificationError,
)
from pe_dvc.trust.roles import TAMPERED

if TYPE_CHECKING:
    from datetime import datetime


class RoleEntries(NamedTuple):
    """A version of a role, until when it counts (UTC), and what it says."""

    version: int
    expires: datetime
    entries: dict[Any, Any]


def entries_of(
    role: str, country: str, targets: dict[str, dict[str, object]], *, where: str
) -> dict[Any, Any]:
    """Read a role's targets. Raises VerificationError: that they are signed does not make them
    this role's.
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
