"""What a reader remembers of a channel's log: publications that every later one must continue.

They are kept beside the TUF state of a lineage, in ``log.json``: the one that was verified last,
and until they are held against one, those that came with a clone or from another state. ADR 0039.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.channel_log import log_state
from pe_dvc.primitives.canonical import canonical_json
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.documents.channel_log import LogState

FILE = "log.json"
"""Name of the file in a lineage's directory."""

ACCEPTED = "accepted"
"""Directory of what was accepted whole (``client_state.ACCEPTED``, which imports more)."""


@dataclass(frozen=True)
class ShownLog:
    """A publication whose signatures were verified: its timestamp and the snapshot that it names.

    ``place`` is what showed it. Of one that ``is_checked`` all that the snapshot names is in its
    log; ``edge`` is the right edge of the tree (``tlog.frontier``) and ``begins`` the roots of
    some of its beginnings, by size, as far as they were proven. The snapshot is empty where a
    store's timestamp alone is known.
    """

    timestamp: bytes
    snapshot: bytes
    place: str
    is_checked: bool = False
    edge: bytes = b""
    begins: dict[int, bytes] = field(default_factory=dict)

    @cached_property
    def state(self) -> LogState | None:
        """What it says of the log, None for nothing.

        Raises FormatError, and VerificationError where timestamp and snapshot say different things.
        """
        copy = log_state(_signed(self.timestamp), where=f"timestamp of {self.place}")
        if not self.snapshot:
            return copy
        state = log_state(_signed(self.snapshot), where=f"snapshot of {self.place}")
        # An older pe_dvc that renews a timestamp leaves the copy out; what it names is signed too.
        if copy is not None and (state is None or not state.is_same_tree(copy)):
            raise VerificationError(
                f"the timestamp of {self.place} says something else of the channel's log than the "
                "snapshot that it names",
                remedy="Tell the maintainers of the data: it is signed by a key of timestamp.",
            )
        return state

    @cached_property
    def cosignatures(self) -> tuple[str, ...]:
        """The lines by which witnesses vouch for the log, as the timestamp has them."""
        copy = log_state(_signed(self.timestamp), where=f"timestamp of {self.place}")
        return () if copy is None else copy.cosignatures

    @property
    def tree(self) -> LogState:
        """What it says of the log. Raises FormatError for one that says nothing."""
        if self.state is None:
            raise FormatError("says nothing of the channel's log", where=self.place)
        return self.state

    @property
    def named(self) -> str:
        """What messages call it."""
        return f"{self.place}, as it was read here before," if self.is_checked else self.place

    @property
    def version(self) -> int:
        """The version of its timestamp."""
        version: int = _signed(self.timestamp)["version"]
        return version

    @cached_property
    def meta(self) -> dict[str, tuple[int, int, str]]:
        """Version, length and sha256 of each role's file, as the snapshot has them."""
        listed = _signed(self.snapshot)["meta"] if self.snapshot else {}
        return {
            name.removesuffix(".json"): (
                entry["version"],
                entry.get("length", -1),
                entry.get("hashes", {}).get("sha256", ""),
            )
            for name, entry in listed.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "timestamp": self.timestamp.decode(),
            "snapshot": self.snapshot.decode(),
            "place": self.place,
            "checked": self.is_checked,
            "edge": self.edge.hex(),
            "begins": {str(size): root.hex() for size, root in sorted(self.begins.items())},
        }


def remembered(lineage: Path) -> list[ShownLog]:
    """Return what the log of a lineage must continue; nothing where none was ever seen.

    Raises FormatError for a file that was altered or is damaged.
    """
    file = lineage / FILE
    try:
        data = read_document(file)
    except FileNotFoundError:
        return _accepted(lineage)
    document = read_json(data, what="what was remembered of a log", where=str(file))
    try:
        found = [
            ShownLog(
                one["timestamp"].encode(),
                one["snapshot"].encode(),
                one["place"],
                one["checked"],
                bytes.fromhex(one["edge"]),
                {int(size): bytes.fromhex(root) for size, root in one["begins"].items()},
            )
            for one in document["publications"]
        ]
        _ = [(one.tree, one.version, one.meta) for one in found]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FormatError(
            f"what was remembered of the channel's log cannot be read: {error}",
            where=str(file),
            remedy="Nothing but pe-dvc writes this file. If its disk was damaged, remove it: the "
            "log is then taken as the store shows it next.",
        ) from None
    return found


def remember(lineage: Path, publications: Sequence[ShownLog]) -> None:
    """Keep these, and these only, as what the log must continue. Call it under the state's lock."""
    data = canonical_json({"publications": [one.to_json() for one in publications]})
    ConfinedTree(lineage, modes=PRIVATE).write(FILE, data, durable=True)


def remember_also(lineage: Path, shown: ShownLog) -> None:
    """Keep one more, if it says something of a log and is not known. Call it under the lock."""
    kept = remembered(lineage)
    if shown.state is not None and all(one.timestamp != shown.timestamp for one in kept):
        remember(lineage, [*kept, shown])


def check_accepted(lineage: Path, timestamp: bytes, country: str) -> None:
    """Raise VerificationError for what was accepted last if it was not held to the log.

    An older pe_dvc, which shares the state, holds nothing to it.
    """
    kept, accepted = remembered(lineage), ShownLog(timestamp, b"", "")
    is_known = any(one.timestamp == timestamp for one in kept)
    if not is_known and any(one.version <= accepted.version for one in kept):
        raise VerificationError(
            f"what was last read of the channels of {country} here was not held to their log: an "
            "older pe_dvc read it",
            remedy="Read it once without --offline (in Python: without offline=True).",
        )


def fold_memory(lineage: Path, into: Path) -> None:
    """Let one directory remember what another of the same lineage does as well."""
    kept = remembered(into)
    known = {one.timestamp for one in kept}
    more = [one for one in remembered(lineage) if one.timestamp not in known]
    if more:
        remember(into, [*kept, *more])


def _accepted(lineage: Path) -> list[ShownLog]:
    """Return what an older pe_dvc accepted, which looked at no log."""
    folder = lineage / ACCEPTED
    try:
        timestamp = read_document(folder / "timestamp.json")
        snapshot = read_document(folder / "snapshot.json")
        shown = ShownLog(timestamp, snapshot, f"what was verified here ({folder})")
        return [] if shown.state is None else [shown]
    except (FileNotFoundError, FormatError, VerificationError, KeyError, TypeError):
        return []  # what is damaged there is believed by no one: it is read again


def _signed(data: bytes) -> dict[str, Any]:
    signed: dict[str, Any] = read_json(data, what="TUF metadata", fractions=False)["signed"]
    return signed
