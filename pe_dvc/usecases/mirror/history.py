"""Earlier signed metadata of a store, without which a mirror could not show a channel's history."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.roles import DELEGATED
from pe_dvc.trust.tuf_api import Snapshot, Targets
from pe_dvc.trust.verify import Kind, signatures
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.stored_metadata import StoredMetadata
    from pe_dvc.trust.tuf_api import Root
    from pe_dvc.usecases.mirror.state import SignedState


@dataclass(frozen=True)
class EarlierMetadata:
    """The versions of roles in ``state``'s store that keys of their time signed.

    What no key vouches for is a thief's, or anyone's who can write there: it is no part of the
    history, and is not read further. What ``near``, the mirror, has of them is read there: the same
    keys vouch for it.
    """

    state: SignedState
    near: ReadableStore | None = None

    @cached_property
    def files(self) -> set[tuple[str, int]]:
        """What is named as a version of a role."""
        return set(self.state.channels.files())

    def versions(self, role: str, *, newest: int | None = None) -> dict[int, Targets]:
        """Return signed versions of a delegated role up to today's, the ``newest`` so many."""
        today = self.state.meta[role].version if role in self.state.meta else 0
        numbers = sorted((n for name, n in self.files if name == role and n <= today), reverse=True)
        names = [(role, number) for number in numbers[:newest]]
        held = self._read(names, self._near) if self._near else {}
        held |= self._read([name for name in names if name not in held], self.state.channels)
        return {number: one.metadata.signed for (_, number), one in held.items()}

    def besides(self, there: Collection[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
        """Return the bytes of all versions but today's and those that are ``there``."""
        today = {(role, version) for role, version in self.state.versions.items()}
        today.add(("snapshot", self.state.snapshot.metadata.signed.version))
        wanted = self.files - set(there) - today
        roles = [name for name in sorted(wanted) if name[0] in (*DELEGATED, "targets")]
        snapshots = [name for name in sorted(wanted) if name[0] == "snapshot"]
        read = self._read(roles, self.state.channels)
        found = {name: one.data for name, one in read.items()}
        return found | {name: one.data for name, one in self._read_snapshots(snapshots).items()}

    @cached_property
    def _near(self) -> ReadableChannels | None:
        channels = self.state.channels
        if self.near is None:
            return None
        return ReadableChannels(self.near, channels.country, channels.roots)

    @cached_property
    def _delegators(self) -> list[Targets]:
        numbers = sorted(number for role, number in self.files if role == "targets")
        roots = self.state.channels.roots
        names = [("targets", number) for number in numbers]
        held = self._each(Targets, names, self.state.channels)
        return [
            one.metadata.signed
            for one in held.values()
            if any(signatures(root, "targets", one.metadata) for root in roots)
        ]

    def _read(
        self, names: Sequence[tuple[str, int]], channels: ReadableChannels
    ) -> dict[tuple[str, int], StoredMetadata[Targets]]:
        """Return those of the versions that keys of some time signed."""
        found = {}
        for (role, number), one in self._each(Targets, names, channels).items():
            above: Sequence[Root | Targets] = self._delegators
            if role == "targets":
                above = self.state.channels.roots
            if any(_vouches(delegator, role, one) for delegator in above):
                found[role, number] = one
        return found

    def _read_snapshots(
        self, names: Sequence[tuple[str, int]]
    ) -> dict[tuple[str, int], StoredMetadata[Snapshot]]:
        roots = self.state.channels.roots
        return {
            name: one
            for name, one in self._each(Snapshot, names, self.state.channels).items()
            if any(signatures(root, "snapshot", one.metadata) for root in roots)
        }

    def _each(
        self, kind: type[Kind], names: Sequence[tuple[str, int]], channels: ReadableChannels
    ) -> dict[tuple[str, int], StoredMetadata[Kind]]:
        """Return those files that are metadata of their name, signed or not."""

        def read(name: tuple[str, int]) -> StoredMetadata[Kind] | None:
            try:
                held = channels.read(name[0], kind, name[1])
            except (NotFoundError, FormatError, VerificationError):
                return None
            return held if held.metadata.signed.version == name[1] else None

        with Pool(TRANSFERS) as pool:
            held = run_all(pool, read, names)
        return {name: one for name, one in zip(names, held, strict=True) if one is not None}


def _vouches(delegator: Root | Targets, role: str, one: StoredMetadata[Targets]) -> bool:
    try:
        return bool(signatures(delegator, role, one.metadata))
    except FormatError:  # it delegated to no such role
        return False
