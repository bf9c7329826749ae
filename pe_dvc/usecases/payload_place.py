"""Where a payload is read: in the bucket, or where its manifest says that it lies as well."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import DigestMismatchError, NotFoundError, StoreError
from pe_dvc.usecases.mirror_says import mirror_says

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.store.port import ObjectSource

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PayloadPlace:
    """A place that payloads are read from, and the key of one there.

    ``is_bucket`` is False of a place elsewhere, such as a hub.
    """

    source: ObjectSource
    key: str
    is_bucket: bool = True

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.source.url}/{self.key}"

    @property
    def advice_if_missing(self) -> str:
        """What to do if the payload is not there."""
        if self.is_bucket:
            said = mirror_says(self.source, self.key.partition("/")[0])
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
    key: str, location: str | None, bucket: ObjectSource, open_location: OpenLocation | None
) -> PayloadPlace:
    """Return where a payload is read: the bucket, or its location where the bucket fails.

    ``key`` is its key in the bucket, ``location`` where its manifest says that it lies as well.
    A bucket fails that lacks it, that may not be read, or that does not answer. Without a location
    or ``open_location`` it is the bucket. Raises FormatError for a location that this pe_dvc does
    not know.
    """
    there = PayloadPlace(source=bucket, key=key)
    if location is None or open_location is None:
        return there
    try:
        bucket.head(key)
    except (NotFoundError, StoreError) as error:
        log.info("%s is read at %s: %s", key, location, error.message)
        return open_location(location)
    return there


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
