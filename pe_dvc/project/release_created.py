"""What ``pe-dvc release create`` made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pe_dvc.adapters.git.tag_signatures import TagSignature
    from pe_dvc.usecases.release.derive import Release
    from pe_dvc.usecases.release.register import RoleUpdate


@dataclass(frozen=True, kw_only=True)
class Created:
    """A release that was registered, and what git says of its tag's signature."""

    release: Release
    update: RoleUpdate
    signature: TagSignature

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**self.update.to_json(), "tag_signature": self.signature.to_json()}
