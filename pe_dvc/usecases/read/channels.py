"""What reading asks of a country's signed metadata (``pe_dvc.trust.client``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.digest import Sha256


class Refuse(Protocol):
    """Raises RevokedError for a withdrawn artifact (``pe_dvc.project.revocations``)."""

    def __call__(self, asked: str, *digests: Sha256) -> datetime | None:
        """Return when it was verified that none of ``digests`` was (UTC), None if unknown."""
        ...


class Channels(Protocol):
    """The signed pointers of one country, verified (``pe_dvc.trust.client``)."""

    def lookup(self, channel: str, name: str) -> Pointer | None:
        """Return a dataset's pointer, None if the channel does not have that dataset."""
        ...

    def pointers(self, channel: str) -> list[Pointer]:
        """Return every pointer of a channel, by name."""
        ...

    def releases(self) -> dict[str, Released]:
        """Return every published release, by tag."""
        ...
