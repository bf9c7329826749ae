"""Making the next version of targets or of a role below it: number, ancestors, expiry."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pe_dvc.documents.bins import bits_for
from pe_dvc.documents.metadata_fields import COUNTRY_FIELD
from pe_dvc.trust.ancestry import PlainTargets, add_ancestor
from pe_dvc.trust.binned import BinnedTargets, unbinned
from pe_dvc.trust.country_and_role import write_country_and_role
from pe_dvc.trust.roles import utc
from pe_dvc.trust.tuf_api import TargetFile
from pe_dvc.trust.verify import expiry_days

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.trust.tuf_api import Metadata, Root, Targets


def next_version(
    metadata: Metadata[Targets],
    delegator: Root | Targets,
    role: str,
    *,
    now: datetime,
    seen: bool = True,
) -> None:
    """Make ``metadata`` its own next version, unsigned. Call it before anything else changes.

    One that was not ``seen`` elsewhere is no version yet, and keeps its number.
    """
    if seen:
        add_ancestor(metadata)
        metadata.signed.version += 1
    metadata.signed.expires = utc(now) + lifetime(delegator, role)
    if country := delegator.unrecognized_fields.get(COUNTRY_FIELD):
        write_country_and_role(metadata.signed, country, role)  # an older pe_dvc made it without
    metadata.signatures.clear()


def set_targets(signed: Targets, wanted: PlainTargets) -> None:
    """Make ``wanted`` the whole content of a channel, in as many bins as that needs."""
    signed.targets = {
        path: TargetFile.from_dict(dict(target), path) for path, target in wanted.items()
    }
    if isinstance(signed, BinnedTargets):
        signed.rebin()


def in_bins(signed: Targets, bins: bool | None) -> Targets:
    """Return a channel's metadata with its pointers in bins, or not; None leaves it as it is."""
    is_binned = isinstance(signed, BinnedTargets)
    if bins is None or bins == is_binned:
        return signed
    return BinnedTargets.of(signed, bits_for(len(signed.targets))) if bins else unbinned(signed)


def lifetime(delegator: Root | Targets, role: str) -> timedelta:
    """Return how long a role's metadata is good for, as its delegator says."""
    return timedelta(days=expiry_days(delegator, role))
