"""The tombstone beside a withdrawn artifact's manifest: for people, proxies and dashboards.

It repeats what the signed role ``revoked`` says. It is unsigned, and decides nothing: ADR 0008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pe_dvc.documents.revocation import Revocation
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

TOMBSTONE_LIMIT = 64 * 1024
"""Bytes beyond which no object is read as a tombstone."""

_WHAT = "a tombstone"


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """``revocation`` as version ``role_version`` of the role ``revoked`` has it."""

    revocation: Revocation
    role_version: int

    def to_bytes(self) -> bytes:
        """Return the tombstone as the object in the bucket."""
        said = self.revocation.to_json()
        return readable_json({"schema_version": 1, "role_version": self.role_version, **said})

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> Self:
        """Read a tombstone; fields that this version does not know are ignored.

        Raises FormatError.
        """
        document = read_json(data, what=_WHAT, where=where, fractions=False)
        if not isinstance(document, dict):
            raise FormatError(f"not {_WHAT}: expected a JSON object", where=where)
        version = document.get("role_version")
        if type(version) is not int or version < 1:
            raise FormatError("role_version is missing or is no version", where=where)
        return cls(revocation=_revocation(document, where), role_version=version)


def _revocation(document: Mapping[str, Any], where: str) -> Revocation:
    country, sha256 = document.get("country"), document.get("sha256")
    if not isinstance(country, str) or not isinstance(sha256, str):
        raise FormatError("country or sha256 is missing or is not text", where=where)
    below = "raw-input/" if document.get("is_input") else ""
    target = {
        "length": document.get("size", -1),
        "hashes": {"sha256": Sha256(sha256)},
        "custom": document,
    }
    return Revocation.from_target(f"{country}/revoked/{below}{sha256}", target)
