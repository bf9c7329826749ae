"""A witness without a server: it reads the log where it is published, and signs what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import checkpoint_key
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.primitives.result import Result
from pe_dvc.tlog.witness import REQUEST_LIMIT, AddCheckpoint, read_checkpoint
from pe_dvc.trust.channel_log import StoredLog

if TYPE_CHECKING:
    from pe_dvc.store.port import ObjectSource
    from pe_dvc.witness.cosigner import Witness


@dataclass(frozen=True, kw_only=True)
class Cosigned(Result):
    """A log of which the newest state was cosigned; ``before`` is the size of the one before."""

    origin: str
    size: int
    before: int
    cosignature: str


def cosign_published(
    witness: Witness, origin: str, store: ObjectSource, country: str, number: int = 1
) -> Cosigned:
    """Cosign what a store shows of a country's log, if it only grew.

    Raises VerificationError for a log that did not, or that no known key signed; NotFoundError for
    one that is not published, or whose tiles are missing; FormatError; and what a store raises.
    """
    key = checkpoint_key(country, number)
    where = f"{store.url}/{key}"
    data, _ = store.read(key, limit=REQUEST_LIMIT)
    note, found = read_checkpoint(data, where=where)
    if found.origin != origin:
        raise VerificationError(f"{where} is of the log {found.origin}, not of {origin}")
    known = witness.records.last(origin)
    before = known.size if known else 0
    if before > found.size:
        witness.by_its_log(note, origin)
        witness.records.keep_evidence(origin, note)
        raise VerificationError(
            f"{where}: the log {origin} has {found.size} entries, and had {before} before",
            remedy="Both states are signed by the log, and kept beside each other. Tell those who "
            "read it, and its maintainers.",
        )
    proof = StoredLog(store, country, number).consistency(before, found.size)
    line = witness.add(AddCheckpoint(before, tuple(proof), note))
    return Cosigned(
        origin=origin, size=found.size, before=before, cosignature=str(line).rstrip("\n")
    )
