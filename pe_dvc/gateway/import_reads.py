"""Taking the reads of other logs into a ledger, each once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.batches import in_batches
from pe_dvc.primitives.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pe_dvc.gateway.access_logs import Logged
    from pe_dvc.gateway.ledger_entry import LedgerRead
    from pe_dvc.gateway.ledger_writer import LedgerWriter

_AT_ONCE, _MOST_TOLD = 1000, 100


@dataclass(frozen=True)
class ImportedReads(Result):
    """What became of logs: reads that are new entries, and requests that are not.

    ``known`` were entries before, ``other`` read nothing, as listings and refused requests do;
    ``unreadable`` is how many are not of the form of such a log, ``faults`` says it of the first.
    """

    added: int
    known: int
    other: int
    unreadable: int
    faults: tuple[str, ...] = ()


def import_reads(
    writer: LedgerWriter, logged: Iterable[Logged], named: Callable[[LedgerRead], LedgerRead]
) -> ImportedReads:
    """Append reads that are not in the ledger yet; ``named`` says which dataset each is of.

    What was appended before an error stays, and the next import passes over it. Raises
    LedgerUnavailableError, FormatError.
    """
    added = known = other = unreadable = 0
    faults = list[str]()
    for batch in in_batches(logged, _AT_ONCE):
        reads = [(named(one.read), one.record) for one in batch if one.read is not None]
        faulty = [one.fault for one in batch if one.fault is not None]
        faults += faulty[: _MOST_TOLD - len(faults)]
        unreadable += len(faulty)
        other += len(batch) - len(reads) - len(faulty)
        if reads:
            new = len(writer.append([r for r, _ in reads], records=[d for _, d in reads]))
            added, known = added + new, known + len(reads) - new
    return ImportedReads(added, known, other, unreadable, tuple(faults))


@dataclass(frozen=True)
class KnownObject:
    """What a manifest says of an object of the bucket."""

    dataset: str
    sha256: str
    version: str | None
    raw_sources: tuple[str, ...]


def naming(objects: dict[str, KnownObject]) -> Callable[[LedgerRead], LedgerRead]:
    """Return what gives a read the dataset of its key, where ``objects`` has the key's digest.

    A digest is a sha256, or DVC's md5, as ``documents.keys.parse_key`` gives it.
    """
    from pe_dvc.documents.keys import parse_key

    def named(read: LedgerRead) -> LedgerRead:
        key = parse_key(read.object_key)
        if key is None:
            return read
        known = objects.get(key.digest)
        if known is None:
            return replace(read, kind=key.kind)
        return replace(
            read,
            kind=key.kind,
            dataset=known.dataset,
            sha256=known.sha256,
            version=known.version,
            raw_sources=known.raw_sources,
        )

    return named
