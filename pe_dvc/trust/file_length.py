"""Metadata that readers would refuse for its length is refused before it is signed.

Once a longer file is signed and committed, it cannot be read to be corrected either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import FormatError
from pe_dvc.trust.roles import DELEGATED, max_length
from pe_dvc.trust.tuf_api import Targets

if TYPE_CHECKING:
    from pe_dvc.trust.tuf_api import Metadata

SIGNATURES = 32_768
"""Bytes that the files of roles below targets keep free for signatures that are still to come:
enough for a hundred of Ed25519. Signatures that are there already count as well."""

_REMEDIES = {
    "latest": "Declare files that are read together as one dataset, a directory, or move datasets "
    "to another country's repo.",
    "next": "Nominate fewer datasets.",
    "revoked": "Withdraw by raw input, or name fewer subjects in one withdrawal.",
}


def check_readable(role: str, metadata: Metadata[Any]) -> None:
    """Raise FormatError if a role's file would be longer than readers read."""
    length = len(readable_json(metadata.to_dict()))
    limit = max_length(role) - (SIGNATURES if role in DELEGATED else 0)
    if length <= limit:
        return
    signed = metadata.signed
    entries = f" with {len(signed.targets)} entries" if isinstance(signed, Targets) else ""
    raise FormatError(
        f"{role} version {signed.version}{entries} would be a file of {length} bytes, and no "
        f"reader would read it: {limit} are the most",
        remedy=f"Nothing was signed or written. {_REMEDIES.get(role, '')}".rstrip(),
    )
