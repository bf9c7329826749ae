"""Metadata that readers would refuse for its length is refused before it is signed.

Once a longer file is signed and committed, it cannot be read to be corrected either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from pe_dvc.documents.bins import BIN_LIMIT
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import FormatError
from pe_dvc.trust.binned import WHOLE_LIMIT, BinnedTargets, git_form
from pe_dvc.trust.roles import DELEGATED, max_length
from pe_dvc.trust.tuf_api import Targets

if TYPE_CHECKING:
    from pe_dvc.trust.tuf_api import Metadata

SIGNATURES = 32_768
"""Bytes that the files of roles below targets keep free for signatures that are still to come:
enough for a hundred of Ed25519. Signatures that are there already count as well."""

_FEWER = (
    "Declare files that are read together as one dataset, a directory, or move datasets to a repo "
    "of their own."
)
_BINS = (
    "Set bins = true in [tool.pe_dvc.channel] of pyproject.toml, and have readers upgrade pe_dvc "
    "first: see docs/channels.md on thousands of datasets."
)
_REMEDIES = {
    "latest": _BINS,
    "next": _BINS,
    "revoked": "Withdraw by raw input, or name fewer subjects in one withdrawal.",
}


def check_readable(role: str, metadata: Metadata[Any]) -> None:
    """Raise FormatError if a role's file would be longer than readers read."""
    check_whole(role, metadata)
    length = len(readable_json(metadata.to_dict()))
    limit = max_length(role) - (SIGNATURES if role in DELEGATED else 0)
    if length <= limit:
        return
    _refuse(role, metadata, length, limit)


def check_whole(role: str, metadata: Metadata[Any]) -> None:
    """Raise FormatError if git's file of a channel in bins, or a bin, would be too long."""
    if not isinstance(metadata.signed, BinnedTargets):
        return
    if (length := len(git_form(metadata)) + SIGNATURES) > WHOLE_LIMIT:
        _refuse(role, metadata, length, WHOLE_LIMIT)
    if (longest := max(map(len, metadata.signed.bins.values()), default=0)) > BIN_LIMIT:
        _refuse(role, metadata, longest, BIN_LIMIT)


def _refuse(role: str, metadata: Metadata[Any], length: int, limit: int) -> NoReturn:
    signed = metadata.signed
    remedy = _FEWER if isinstance(signed, BinnedTargets) else _REMEDIES.get(role, "")
    entries = f" with {len(signed.targets)} entries" if isinstance(signed, Targets) else ""
    raise FormatError(
        f"{role} version {signed.version}{entries} would be a file of {length} bytes, and no "
        f"reader would read it: {limit} are the most",
        remedy=f"Nothing was signed or written. {remedy}".rstrip(),
    )
