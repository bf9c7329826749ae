"""What a reader's references mean: channels, releases, and pins, online and offline."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project.unsigned_pins import signed_pin
from pe_dvc.usecases.read.resolve import resolve

if TYPE_CHECKING:
    from pe_dvc.primitives.reference import Reference
    from pe_dvc.project.revocations import Revocations
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.client import ChannelClient
    from pe_dvc.usecases.read.resolve import Resolved


class Resolves(Protocol):
    """A reader (``pe_dvc.project.reader``)."""

    offline: bool
    cache: Cache

    @property
    def store(self) -> ReadableStore:
        """What it reads."""
        ...

    @property
    def channels(self) -> ChannelClient:
        """The signed pointers."""
        ...

    @property
    def revocations(self) -> Revocations:
        """What is withdrawn."""
        ...

    def resolve(self, reference: Reference, *, for_bytes: bool) -> Resolved:
        """Return what a reference means."""
        ...


def resolve_asked(reader: Resolves, asked: Reference, *, for_bytes: bool) -> Resolved:
    """Return what a reference means, of a file in a directory the directory. Raises as ``resolve``.

    Offline, a pin whose manifest was never read here is found by a channel that points to it.
    """
    try:
        return resolve(
            asked,
            store=reader.store,
            channels=None if asked.sha256 else reader.channels,
            cache=reader.cache,
            refuse=reader.revocations.refuse,
            offline=reader.offline,
            for_bytes=for_bytes and asked.member is None,
        )
    except NotFoundError:
        if not (reader.offline and asked.sha256) or asked.member is not None:
            raise
        signed = signed_pin(asked, asked.sha256, partial(reader.resolve, for_bytes=True))
        if signed is None:
            raise
        return signed
