"""List: which datasets a country's channels have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.reference import CHANNELS, ChannelName, Reference
from pe_dvc.primitives.result import Result

if TYPE_CHECKING:
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.read.resolve import Channels


@dataclass(frozen=True, kw_only=True)
class Listed(Result):
    """A dataset in a channel: the artifact that it means now, and its size in bytes."""

    reference: str
    name: str
    channel: ChannelName
    sha256: Sha256
    size: int

    @property
    def pinned(self) -> str:
        """The pinned reference: it always means these bytes."""
        country = Reference.parse(self.reference).country
        return str(Reference.pinned(country, self.name, self.sha256))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**super().to_json(), "pinned": self.pinned}


def list_datasets(country: str, channels: Channels) -> list[Listed]:
    """Return what there is in each channel, by channel and name.

    A channel that a country does not have yet counts as empty; a country without any raises
    NotFoundError. Raises VerificationError and StoreError.
    """
    found, missing = [], []
    for channel in CHANNELS:
        try:
            pointers = channels.pointers(channel)
        except NotFoundError as error:
            missing.append(error)
            continue
        for pointer in pointers:
            reference = Reference(country=country, name=pointer.name, channel=channel)
            found.append(
                Listed(
                    reference=str(reference),
                    name=pointer.name,
                    channel=channel,
                    sha256=pointer.sha256,
                    size=pointer.size,
                )
            )
    if len(missing) == len(CHANNELS):
        raise missing[0]
    return found
