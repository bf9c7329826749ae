"""Which versions of a channel are in the log of what was published, each by a proof. ADR 0039."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.channel_log import Leaf
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.tlog.tiles import WIDTH
from pe_dvc.trust.bucket_form import bucket_form
from pe_dvc.trust.channel_log import StoredLog, signed_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.stored_metadata import Head
    from pe_dvc.usecases.channel.version import Version


@dataclass(frozen=True, kw_only=True)
class Logged:
    """What the log of ``size`` entries has of the versions that are told of.

    ``entries`` are the positions of those that are proven to be in it, by version; ``lost`` is what
    it has and the bucket has no such file of. ``fault`` is what is wrong with the log itself.
    """

    size: int
    entries: dict[int, int]
    lost: tuple[Leaf, ...] = ()
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        lost = [{"version": leaf.version, "sha256": leaf.sha256} for leaf in self.lost]
        return {"size": self.size, "lost": lost, "fault": self.fault}

    def why_not(self, version: int) -> str | None:
        """Return why a version is not in the log, None for one that is."""
        if version in self.entries or self.fault is not None:
            return None
        if version < min(self.entries, default=version + 1):
            return "not in the log: it was published before the log began"
        return "not in the log: readers were never shown it, or an older pe-dvc published it"


def logged(
    bucket: ReadableChannels, head: Head, role: str, versions: Sequence[Version]
) -> Logged | None:
    """Return what the log has of these versions of a role; None where there is none.

    It is read from its end, only as far as the first of them. Raises StoreError.
    """
    if not versions:
        return None
    state = signed_state(bucket, "snapshot", head.snapshot)
    if state is None:
        return None
    files = {one.version: _sha256(one) for one in versions}
    first, found, lost = min(files), dict[int, int](), list[Leaf]()
    try:
        for position, leaf in _newest_first(bucket, state, role):
            if files.get(leaf.version) == leaf.sha256:
                found[leaf.version] = position
            elif leaf.version >= first:
                lost.append(leaf)
            if leaf.version <= first:
                break
    except (FormatError, VerificationError, NotFoundError) as error:
        fault = f"the log of {bucket.country} proves nothing: {error.message}"
        return Logged(size=state.size, entries=found, lost=tuple(lost), fault=fault)
    return Logged(size=state.size, entries=found, lost=tuple(lost))


def _newest_first(
    bucket: ReadableChannels, state: LogState, role: str
) -> Iterator[tuple[int, Leaf]]:
    """Yield the entries of a role with their positions, the last first, each proven."""
    log = StoredLog(bucket.store, bucket.country, state.number)
    for start in range((state.size - 1) // WIDTH * WIDTH, -1, -WIDTH):
        end = min(start + WIDTH, state.size)
        held = log.entries(start, end, state.size)
        for position in range(end - 1, start - 1, -1):
            entry = held[position - start]
            leaf = Leaf.parse(entry, where=f"entry {position} of the log")
            if leaf.role == role:
                log.check_included(entry, position, state)
                yield position, leaf


def _sha256(version: Version) -> str:
    """Return the sha256 of the file in the bucket."""
    where = f"{version.channel} version {version.version}"
    try:
        return str(sha256_bytes(bucket_form(version.data, where=where)[0]))
    except FormatError:  # of a file that is no metadata, and that is told of
        return str(sha256_bytes(version.data))
