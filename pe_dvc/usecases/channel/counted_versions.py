"""Which versions of a channel count: the current one, and its ancestors. No I/O.

Versions of a thief, and of publishers who lost a race, have numbers among theirs and do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.trust.ancestry import ancestors, digest, lineage
from pe_dvc.trust.roles import TAMPERED
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse
from pe_dvc.trust.version_numbers import next_free
from pe_dvc.usecases.channel.version import check_number, missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pe_dvc.trust.tuf_api import Metadata


@dataclass(frozen=True)
class CountedVersions:
    """The digests of the versions that count, by version; of those below ``first`` none is known.

    Metadata of an older pe_dvc does not say what it was made from.
    """

    digests: Mapping[int, str]
    first: int
    read: Mapping[int, tuple[bytes, str]] = field(default_factory=dict, repr=False, compare=False)
    """The files that it was told by, and what identifies each: they are not parsed again."""

    @classmethod
    def to(
        cls, newest: Metadata[Targets] | None, held: Mapping[int, bytes | None]
    ) -> CountedVersions:
        """Return the line that leads to ``newest``, by what the versions ``held`` say."""
        if newest is None:
            return cls({}, 0)
        found: dict[str, Targets] = {}
        read: dict[int, tuple[bytes, str]] = {}
        for number, data in held.items():
            metadata = read_version(data, number)
            if metadata is not None and data is not None:
                sha256 = digest(metadata)
                found[sha256], read[number] = metadata.signed, (data, sha256)
        line = lineage(newest.signed, found)
        known: dict[int, str] = {}
        for sha256 in line.values():
            known |= ancestors(found[sha256])
        known |= ancestors(newest.signed) | {newest.signed.version: digest(newest)}
        return cls(known, min(known), read)

    def has(self, number: int) -> bool:
        """Return whether a version of that number counts."""
        return number in self.digests or number < self.first

    def is_it(self, number: int, data: bytes) -> bool:
        """Return whether these bytes are the version of that number that counts."""
        if number < self.first:
            return True
        before, sha256 = self.read.get(number, (b"", ""))
        if before is data:
            return sha256 == self.digests.get(number)
        metadata = read_version(data, number)
        return metadata is not None and digest(metadata) == self.digests.get(number)

    def pick(
        self, number: int, data: bytes | None, in_git: Mapping[int, bytes], *, where: str
    ) -> bytes:
        """Return the bytes of a version that counts: the bucket's ``data``, else git's.

        Raises VerificationError where neither is it, FormatError.
        """
        if data is None:
            raise missing(where)
        if self.is_it(number, data):
            return data
        if number in in_git and self.is_it(number, in_git[number]):
            return in_git[number]
        check_number(parse(Targets, data, where=where), number, where)
        raise VerificationError(
            f"{where} is not the version that later ones were made from", remedy=TAMPERED
        )

    def numbers(self, taken: Iterable[int]) -> set[int]:
        """Return the numbers of all versions that there must be; ``taken`` are those there are."""
        return {*self.digests, *range(1, min(self.first, next_free(1, taken)))}


def read_version(data: bytes | None, number: int) -> Metadata[Targets] | None:
    """Return metadata of a version, unverified; None for what is no metadata of that number."""
    try:
        metadata = parse(Targets, data or b"", where="")
    except FormatError:
        return None
    return metadata if metadata.signed.version == number else None
