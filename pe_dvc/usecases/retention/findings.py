"""What a check of a whole bucket has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pe_dvc.primitives.digest import Sha256

Fault = Literal[
    "missing",
    "corrupt",
    "wrong size",
    "unchecked",
    "not removed",
    "no tombstone",
    "forged",
    "orphaned",
]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it should be; ``what`` is the dataset, path or hash concerned.

    ``sha256`` or ``md5`` is what the object's bytes must have, where that is known. ``orphaned``
    objects do no harm, as nothing names them, nor do ``forged`` tombstones. ``unchecked`` is
    what lies elsewhere, where it could not be read now.
    """

    fault: Fault
    key: str
    what: str
    detail: str
    sha256: Sha256 | None = None
    md5: str | None = None

    @property
    def is_harmless(self) -> bool:
        """Whether every reader still gets what was promised."""
        return self.fault in ("orphaned", "forged")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"fault": self.fault, "key": self.key, "what": self.what, "detail": self.detail}


@dataclass(kw_only=True)
class Report:
    """What a check found. ``resumed`` objects were found good by a run that was cut off."""

    findings: list[Finding] = field(default_factory=list)
    manifests: int = 0
    hashed: int = 0
    hashed_bytes: int = 0
    resumed: int = 0
    elsewhere: int = 0
    """Payloads that the bucket lacks, and that lie where their manifests say."""

    @property
    def ok(self) -> bool:
        """Whether nothing harmful was found."""
        return all(finding.is_harmless for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "manifests": self.manifests,
            "hashed": self.hashed,
            "hashed_bytes": self.hashed_bytes,
            "resumed": self.resumed,
            "elsewhere": self.elsewhere,
        }
