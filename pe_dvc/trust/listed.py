"""A role's metadata, held to be what today's snapshot and targets say it is.

Sections are those of the TUF specification, https://theupdateframework.github.io/specification/v1.0.33/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import VerificationError
from pe_dvc.trust.role_entries import not_published
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse, verify_signed_by

if TYPE_CHECKING:
    from pe_dvc.trust.refresh import Refresh


def check_published(role: str, country: str, above: Refresh, url: str) -> None:
    """Raise NotPublishedError for a role of which the store at ``url`` shows no version yet."""
    if f"{role}.json" not in above.snapshot.meta and _delegates(above.targets, role, country):
        raise not_published(role, country, url)


def listed(channel: str, country: str, data: bytes | None, above: Refresh, url: str) -> Targets:
    """Return the role's metadata if tuf has just verified it: a delegation may be gone.

    Then the file would be an earlier refresh's, so it must be what today's snapshot names
    (5.6.2), signed by the keys that today's targets delegates to (5.6.3).
    """
    promised = above.snapshot.meta.get(f"{channel}.json")
    if data is None or promised is None or not _delegates(above.targets, channel, country):
        raise VerificationError(
            f"targets in {url} does not delegate {country}/{channel}/…: this "
            "is another country's metadata, or a channel that was removed",
            remedy=TAMPERED,
        )
    promised.verify_length_and_hashes(data)
    metadata = parse(Targets, data, where=channel)
    verify_signed_by(above.targets, channel, metadata, where=channel)
    return metadata.signed


def _delegates(delegator: Targets, channel: str, country: str) -> bool:
    roles = (delegator.delegations and delegator.delegations.roles) or {}
    return channel in roles and roles[channel].is_delegated_path(f"{country}/{channel}/any")
