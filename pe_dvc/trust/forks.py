"""Equivocation: two documents that are validly signed as one version of one role.

A holder of the keys has shown one history here and another one there. That is no fault of a
store, and none of them can be read until people have looked. The documents prove it, and are kept.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    EquivocationError,
    FormatError,
    PeDvcError,
    SignatureError,
)
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.trust.bucket_identity import short_id
from pe_dvc.trust.meant_for import check_fields
from pe_dvc.trust.tuf_api import DownloadError, Metadata, Root, Snapshot, Timestamp
from pe_dvc.trust.verify import parse, verify_signed_by

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.fetcher import StoreFetcher

FOLDER = "equivocation"
"""Directory of the state directory that keeps evidence."""


@dataclass(frozen=True)
class Seen:
    """A document, and the store that showed it."""

    data: bytes
    fetcher: StoreFetcher

    @property
    def url(self) -> str:
        """The store's address."""
        return self.fetcher.store.url


class Forks:
    """Looks for forks of one country's channels, and keeps evidence in the state directory."""

    def __init__(self, state_dir: Path, country: str) -> None:
        self._directory, self._country = state_dir / FOLDER / country, country

    def check(self, root: Root, one: Seen, other: Seen) -> None:
        """Raise EquivocationError if two timestamps, or what they sign, contradict each other.

        What is not validly signed by the keys of ``root`` proves nothing, and is passed over.
        """
        if one.data == other.data:
            return
        first, second = self._valid(root, one), self._valid(root, other)
        if first is None or second is None or first.signed_bytes == second.signed_bytes:
            return
        if first.signed.version == second.signed.version:
            raise self.error("timestamp", first.signed.version, one, other)
        mine, theirs = first.signed.snapshot_meta, second.signed.snapshot_meta
        if mine.version == theirs.version:
            if mine.hashes != theirs.hashes:
                raise self.error("snapshot", mine.version, one, other)
            return
        self._check_snapshots(root, (one, mine.version), (other, theirs.version))

    def _check_snapshots(self, root: Root, *shown: tuple[Seen, int]) -> None:
        """Compare the versions that two snapshots of different versions list."""
        found = []
        for seen, version in shown:
            with suppress(DownloadError, PeDvcError, ValueError):
                data = seen.fetcher.snapshot(version)
                snapshot = parse(Snapshot, data, where=seen.url)
                verify_signed_by(root, "snapshot", snapshot, where=seen.url)
                found.append((Seen(data, seen.fetcher), snapshot.signed.meta))
        if len(found) < len(shown):
            return
        (one, mine), (other, theirs) = found
        for file in sorted(mine.keys() & theirs.keys()):
            same = mine[file].version == theirs[file].version
            if same and mine[file].hashes != theirs[file].hashes:
                role = file.removesuffix(".json")
                raise self.error(role, mine[file].version, one, other)

    def error(self, role: str, version: int, one: Seen, other: Seen) -> EquivocationError:
        """Keep two documents as evidence, and return the error that names them."""
        places = [self._keep(role, version, seen) for seen in (one, other)]
        return EquivocationError(
            f"{one.url} and {other.url} show two different documents that are both validly signed "
            f"as version {version} of {role} of {self._country}: a holder of the keys "
            "shows different readers different data",
            first=one.url,
            second=other.url,
            evidence=str(self._directory),
            remedy="Nothing was read. The evidence is kept in\n"
            + "".join(f"    {place}\n" for place in places)
            + "Send both files to the maintainers of the data. (If they have pushed to both "
            "stores by themselves, none is a mirror of the other: list one of them only.)",
        )

    def _keep(self, role: str, version: int, seen: Seen) -> Path:
        name = f"{version}.{role}.{short_id(seen.url)}.json"
        ConfinedTree(self._directory, modes=PRIVATE).write(name, seen.data, durable=True)
        return self._directory / name

    def _valid(self, root: Root, seen: Seen) -> Metadata[Timestamp] | None:
        try:
            metadata = parse(Timestamp, seen.data, where=seen.url)
            verify_signed_by(root, "timestamp", metadata, where=seen.url)
        except (FormatError, SignatureError):
            return None
        fields = metadata.signed.unrecognized_fields
        check_fields(fields, self._country, "timestamp", where=seen.url)
        return metadata
