"""Values of microdata that earlier versions of pe_dvc signed into ``next`` with an override.

They stay in git's history and in the bucket's versions. Here is which versions and datasets these
are, for those who must know; the values themselves are not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.override import may_hold_values
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pe_dvc.store.port import ReadableStore

CHANNEL = "next"
READS_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Held:
    """A file of ``next``, signed or not, and what it lies in: ``git`` or ``the bucket``."""

    place: str
    data: bytes


def held_in_bucket(store: ReadableStore, country: str) -> list[Held]:
    """Return every version of ``next`` that the bucket has a file of, signed or not."""
    bucket = ReadableChannels(store, country, [])

    def read(version: int) -> Held:
        try:
            data = bucket.read(CHANNEL, Targets, version).for_git
        except (NotFoundError, FormatError, VerificationError):
            data = b""
        return Held(place="the bucket", data=data)

    versions = bucket.versions(CHANNEL)
    with Pool(READS_AT_ONCE) as pool:
        return list(pool.map(read, versions))


def disclosed(held: Iterable[Held], country: str, *, today: bytes) -> Iterator[str]:
    """Yield a sentence for each version that may name values; ``today`` is git's file now."""
    places: dict[int, set[str]] = {}
    names: dict[int, set[str]] = {}
    for one in held:
        version, found = _may_name_values(one.data, country)
        if found:
            places.setdefault(version, set()).add(one.place)
            names.setdefault(version, set()).update(found)
    for version in sorted(names):
        yield (
            f"{CHANNEL} {version} names values of microdata in the override of "
            f"{', '.join(sorted(names[version]))}, in {' and in '.join(sorted(places[version]))}: "
            "tell your data steward; it cannot be taken back"
        )
    version, found = _may_name_values(today, country)
    if found:
        yield (
            f"today's {CHANNEL} {version} still names such values: pe-dvc channel promote latest "
            f"{CHANNEL} leaves them out of the next version"
        )


def _may_name_values(data: bytes, country: str) -> tuple[int, list[str]]:
    """Return a file's version, and the datasets whose override may name values."""
    try:
        signed = parse(Targets, data, where=CHANNEL).signed
        pointers = pointers_of(plain(signed), country=country, channel=CHANNEL, where=CHANNEL)
    except FormatError:
        return 0, []
    return signed.version, [name for name, p in pointers.items() if may_hold_values(p.notes)]
