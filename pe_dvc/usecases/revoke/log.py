"""The log of the role ``revoked``: what was withdrawn, and what was taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse
from pe_dvc.usecases.channel.log import Step
from pe_dvc.usecases.revoke.withdrawn import withdrawn_of

if TYPE_CHECKING:
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.usecases.channel.version import Version


def withdrawal_step(country: str, before: Version | None, after: Version) -> Step:
    """Return what a version of the role withdrew, with why, and what it took back.

    Raises FormatError for an entry that is malformed.
    """
    old, new = _entries(country, before), _entries(country, after)
    return Step(
        added=tuple(
            f"{new[path].what}  {new[path].text}" for path in sorted(new.keys() - old.keys())
        ),
        removed=tuple(f"{old[path].what}, taken back" for path in sorted(old.keys() - new.keys())),
        replaced=tuple(
            f"{new[path].what}  {new[path].text}"
            for path in sorted(new.keys() & old.keys())
            if new[path] != old[path]
        ),
    )


def _entries(country: str, version: Version | None) -> dict[str, Revocation]:
    if version is None:
        return {}
    where = f"revoked version {version.version}"
    found = withdrawn_of(
        parse(Targets, version.data, where=where).signed, country=country, where=where
    )
    return {one.target_path: one for one in (*found.artifacts.values(), *found.inputs.values())}
