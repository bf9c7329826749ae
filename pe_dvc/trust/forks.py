"""Equivocation: two documents that are validly signed and contradict each other.

A holder of the keys has shown one history here and another one there. That is no fault of a
store, and none of them can be read until people have looked. The documents prove it, and are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    EquivocationError,
    FormatError,
    PeDvcError,
    VerificationError,
)
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.trust.country_and_role import check_country_and_role
from pe_dvc.trust.tuf_api import Metadata, Snapshot, Timestamp
from pe_dvc.trust.verify import parse, verify_signed_by

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.tuf_api import MetaFile, Root
    from pe_dvc.trust.verify import Kind

FOLDER = "equivocation"
"""Directory of the state directory that keeps evidence."""


@dataclass(frozen=True)
class Seen:
    """A document, and the place that showed it: a store's address, or where it was kept."""

    data: bytes
    place: str


def keep_proof(directory: Path, name: str, data: bytes) -> str:
    """Keep a file of evidence, and return where, or why it could not be kept, for the message.

    What it proves must be told on a full disk and in a directory that can only be read, too.
    """
    place = directory / name
    try:
        ConfinedTree(directory, modes=PRIVATE).write(name, data, durable=True)
    except (OSError, PeDvcError) as error:
        return f"{place} (it could not be written: {getattr(error, 'message', error)})"
    return str(place)


class Forks:
    """Looks for forks of one country's channels, and keeps evidence in the state directory."""

    def __init__(self, state_dir: Path, country: str) -> None:
        self._directory, self._country = state_dir / FOLDER / country, country

    def check_timestamps(self, root: Root, one: Seen, other: Seen) -> int | None:
        """Raise EquivocationError if two timestamps contradict each other.

        What is not validly signed by the keys of ``root`` proves nothing, and is passed over.
        Returns the version of the other's snapshot, None where there is nothing in it to compare.
        """
        if one.data == other.data:
            return None
        first = self._valid(root, one, Timestamp, "timestamp")
        second = self._valid(root, other, Timestamp, "timestamp")
        if first is None or second is None or first.signed_bytes == second.signed_bytes:
            return None
        if first.signed.version == second.signed.version:
            raise self.error("timestamp", first.signed.version, one, other)
        mine, theirs = first.signed.snapshot_meta, second.signed.snapshot_meta
        if _contradict(mine, theirs):
            raise self._broken_promise("timestamp", "snapshot", mine.version, one, other)
        return None if mine.version == theirs.version else theirs.version

    def check_snapshots(self, root: Root, one: Seen, other: Seen) -> None:
        """Raise EquivocationError if two snapshots list a version with different bytes."""
        first = self._valid(root, one, Snapshot, "snapshot")
        second = self._valid(root, other, Snapshot, "snapshot")
        if first is None or second is None:
            return
        mine, theirs = first.signed.meta, second.signed.meta
        for file in sorted(mine.keys() & theirs.keys()):
            if _contradict(mine[file], theirs[file]):
                role = file.removesuffix(".json")
                raise self._broken_promise("snapshot", role, mine[file].version, one, other)

    def is_timestamp(self, root: Root, seen: Seen) -> bool:
        """Tell whether it is a timestamp of the country, validly signed by the keys of ``root``."""
        return self._valid(root, seen, Timestamp, "timestamp") is not None

    def error(self, role: str, version: int, one: Seen, other: Seen) -> EquivocationError:
        """Keep two documents as evidence, and return the error that names them."""
        said = (
            "two different documents that are both validly signed as version "
            f"{version} of {role} of {self._country}"
        )
        return self._error(role, said, one, other)

    def _broken_promise(
        self, signer: str, role: str, version: int, one: Seen, other: Seen
    ) -> EquivocationError:
        """The holders of ``signer`` are accused, not those of ``role``, whose file is not seen."""
        said = (
            f"two validly signed {signer}s that promise different bytes as version {version} of "
            f"{role} of {self._country}"
        )
        return self._error(signer, said, one, other)

    def _error(self, signer: str, said: str, one: Seen, other: Seen) -> EquivocationError:
        places = [self._keep(signer, seen) for seen in (one, other)]
        return EquivocationError(
            f"{one.place} and {other.place} show {said}: a holder of the keys of {signer} "
            "shows different readers different data",
            first=one.place,
            second=other.place,
            evidence=str(self._directory),
            remedy="Nothing was read. The evidence is kept in\n"
            + "".join(f"    {place}\n" for place in places)
            + "Send both files to the maintainers of the data. (If they have pushed to both "
            "stores by themselves, none is a mirror of the other: list one of them only.)",
        )

    def _keep(self, signer: str, seen: Seen) -> str:
        # By content: one place may show two documents, one after the other.
        return keep_proof(self._directory, f"{signer}.{sha256_bytes(seen.data)}.json", seen.data)

    def _valid(self, root: Root, seen: Seen, kind: type[Kind], role: str) -> Metadata[Kind] | None:
        try:
            metadata = parse(kind, seen.data, where=seen.place)
            verify_signed_by(root, role, metadata, where=seen.place)
            fields = metadata.signed.unrecognized_fields
            check_country_and_role(fields, self._country, role, where=seen.place)
        except (FormatError, VerificationError):
            return None
        return metadata


def _contradict(one: MetaFile, other: MetaFile) -> bool:
    """Tell whether two entries promise different bytes as one version, by what both give."""
    if one.version != other.version:
        return False
    mine, theirs = one.hashes or {}, other.hashes or {}
    return any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys())
