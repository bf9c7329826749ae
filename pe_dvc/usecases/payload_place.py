"""Where a payload is read: in the bucket, or where its manifest says that it lies as well."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError
from pe_dvc.store.key_mapped_store import KeyMappedStore
from pe_dvc.store.several import SeveralStores, beside
from pe_dvc.usecases.mirror_hint import mirror_hint

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.store.port import ObjectSource, ReadableStore

log = logging.getLogger(__name__)


class PayloadPlace(NamedTuple):
    """A place that payloads are read from, and the key of one there.

    ``is_bucket`` is False of a place elsewhere, such as a hub, and of a bucket with one beside it.
    """

    source: ObjectSource
    key: str
    is_bucket: bool = True

    @property
    def url(self) -> str:
        """Its address, or its addresses."""
        if isinstance(self.source, SeveralStores):
            return ", ".join(self.at(one).url for one in self.source.stores)
        if isinstance(self.source, KeyMappedStore):
            return self.source.address(self.key)
        return f"{self.source.url}/{self.key}"

    def at(self, source: ObjectSource) -> PayloadPlace:
        """Return the place in ``source``, one of several that it is read from."""
        if source is self.source:
            return self
        return self._replace(source=source, is_bucket=not isinstance(source, KeyMappedStore))

    @property
    def advice_if_missing(self) -> str:
        """What to do if the payload is not there."""
        if self.is_bucket:
            if self.url.startswith(("https://", "http://")):
                return (
                    "A gateway has what is published, and no raw inputs: name the files you need."
                )
            said = mirror_hint(self.source, self.key.partition("/")[0])
            return said or "Ask the maintainers of the data to run pe-dvc push."
        return (
            "It was moved or removed there. Ask the maintainers of the data to import it without "
            "--no-copy, and to run pe-dvc push."
        )

    @property
    def advice_if_altered(self) -> str:
        """What to do if other bytes are there."""
        if self.is_bucket:
            return (
                "The payload was altered or damaged in the bucket: tell the maintainers of the "
                "data."
            )
        return "The file there is not what was published: tell the maintainers of the data."


OpenLocation = Callable[[str], PayloadPlace]
"""Opens the place that a manifest's ``location`` names. Raises FormatError."""


def find_place(
    key: str,
    location: str | None,
    bucket: ReadableStore,
    open_location: OpenLocation | None,
    note: Callable[[str], None] = log.info,
) -> PayloadPlace:
    """Return where a payload is read: the bucket, and its location where the bucket fails.

    ``key`` is its key in the bucket, ``location`` where its manifest says that it lies as well.
    A bucket fails that lacks it, that may not be read, that does not answer, or that shows other
    bytes to who reads by ``first_good``; ``note`` is told of all but the first. Without a location
    or ``open_location`` it is the bucket. Raises FormatError for a location that this pe_dvc does
    not know.
    """
    if location is None or open_location is None:
        return PayloadPlace(source=bucket, key=key)
    there = open_location(location)
    other = KeyMappedStore(there.source.url, lambda _: (there.source, there.key))
    return PayloadPlace(source=beside(bucket, [other], note), key=key, is_bucket=False)


def check_is_there(artifact: Artifact, place: PayloadPlace) -> None:
    """Raise unless a place has a file of the artifact's size.

    NotFoundError for none, DigestMismatchError for another size, StoreError.
    """
    try:
        size = place.source.head(place.key).size
    except NotFoundError as error:
        raise NotFoundError(
            f"{artifact.name} is not at {place.url}, where its manifest says that it lies: "
            f"{error.message}",
            remedy="Import it again, without --no-copy to have it in the bucket.",
        ) from None
    if size != artifact.size:
        raise DigestMismatchError(
            what=artifact.name,
            expected=f"{artifact.size} bytes",
            actual=f"{size} bytes",
            source=place.url,
            remedy=place.advice_if_altered,
        )
