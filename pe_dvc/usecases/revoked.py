"""The error for an artifact that the signed role ``revoked`` names: one for all who meet it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import RevokedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256


@dataclass(frozen=True)
class Known:
    """The withdrawn artifacts, as verified at ``as_of`` (UTC); None where that was not possible.

    ``version`` is the role's, 0 where it was never published, and ``expires`` (UTC) its end.
    """

    revocations: Mapping[Sha256, Revocation] = field(default_factory=dict)
    as_of: datetime | None = None
    version: int = 0
    expires: datetime | None = None


def refuse_revoked(
    revocations: Mapping[Sha256, Revocation], digests: Iterable[Sha256], *, asked: str
) -> None:
    """Raise RevokedError for the first of ``digests`` that was withdrawn.

    ``asked`` is what was asked for: a reference, a dataset of a clone or of a release.
    """
    for digest in digests:
        if digest in revocations:
            raise revoked_error(revocations[digest], asked=asked)


def revoked_error(found: Revocation, *, asked: str) -> RevokedError:
    """Return the error that says of ``asked`` that it was withdrawn, with the stewards' words."""
    return withdrawn_error(
        found,
        subject=f"{asked}, sha256:{found.sha256},",
        reference=asked,
        remedy=f"{found.advice} Copies on this machine go by: pe-dvc cache prune --revoked",
    )


def why_withdrawn(error: RevokedError) -> str:
    """Return in a few words why something was withdrawn, for a list of what is."""
    return f"withdrawn on {error.revoked:%Y-%m-%d} by {error.authority}: {error.reason}"


def withdrawn_error(
    found: Revocation, *, subject: str, reference: str, remedy: str
) -> RevokedError:
    """Return the error that says of ``subject`` why it was withdrawn, the entry as its data."""
    return RevokedError(
        f"{subject} was {found.text}",
        reference=reference,
        remedy=remedy,
        sha256=found.sha256,
        reason=found.reason,
        authority=found.authority,
        contact=found.contact,
        revoked=found.revoked.astimezone(UTC),
        replacement=str(found.replacement) if found.replacement else None,
    )
