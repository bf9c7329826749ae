"""Changing whose keys count: added, removed or rotated, in git, signed by who stands above.

Keys of root, targets, snapshot and timestamp are listed by the root; those of the channels by
targets. A root is signed by its own keys and by those of the root before it.

Replacing a key of targets, snapshot or timestamp makes two roots: one that lists the old key and
the new, one that lists the new alone. A push publishes under the first what the new key signed,
then the second, so that readers never meet metadata that their root does not vouch for. A stolen
key is replaced in one root: nothing that it signed may count any longer, and readers refuse for
the moment between that root and the new timestamp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError
from pe_dvc.primitives.result import Result
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.roles import DELEGATED, TARGETS_LIKE, check_role, utc
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Metadata, Root, Targets
from pe_dvc.trust.verify import expiry_days, role_of, signatures, verify_signed_by
from pe_dvc.usecases.channel.versions import next_version

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key

_Edit = Callable[[Root | Targets], object]


@dataclass(frozen=True, kw_only=True)
class KeyChange(Result):
    """What became of the metadata: the roles with a new version, and their versions.

    ``waiting`` holds how many signatures the roles still want that must be signed again.
    """

    role: str
    keyids: tuple[str, ...]
    threshold: int
    versions: dict[str, int]
    waiting: dict[str, int]


class KeyRing:
    """The keys of a country's roles, as git has them. ``directory`` is the repo's ``channels``."""

    def __init__(self, directory: Path, country: str, signers: Signers, *, now: datetime) -> None:
        self._files = ChannelFiles(directory, country)
        self._signers, self._now = signers, utc(now)

    def add(self, role: str, key: Key, *, threshold: int | None = None) -> KeyChange:
        """Let ``key`` sign for a role. Raises ConflictError if it does already."""
        if key.keyid in self.keyids(role):
            raise ConflictError(f"key {key.keyid} signs for {role} already")
        return self._change(role, [lambda delegator: delegator.add_key(key, role)], threshold)

    def remove(self, role: str, keyid: str, *, threshold: int | None = None) -> KeyChange:
        """Let a key sign for a role no more; ``keyid`` may be its beginning.

        Raises NotFoundError, and FormatError if too few would be left for the threshold.
        """
        whole = self._find(role, keyid)
        return self._change(role, [lambda delegator: delegator.revoke_key(whole, role)], threshold)

    def rotate(
        self, role: str, key: Key, *, keyid: str | None = None, stolen: bool = False
    ) -> KeyChange:
        """Put ``key`` in the place of the one ``keyid``, which may be left out if it is the only.

        ``stolen`` takes the old one away at once. Raises as ``add`` and ``remove``.
        """
        old = self._find(role, keyid)
        if key.keyid in self.keyids(role):
            raise ConflictError(f"key {key.keyid} signs for {role} already")

        def add(delegator: Root | Targets) -> None:
            delegator.add_key(key, role)

        def revoke(delegator: Root | Targets) -> None:
            delegator.revoke_key(old, role)

        def replace(delegator: Root | Targets) -> None:
            add(delegator)
            revoke(delegator)

        in_two = role in ("targets", "snapshot", "timestamp") and not stolen
        return self._change(role, [add, revoke] if in_two else [replace], None)

    def renew_root(self) -> int:
        """Give the root a new version that expires later, and return the version."""
        return self._edit_root("root", lambda root: None, None)

    def keyids(self, role: str) -> list[str]:
        """Return the ids of the keys that may sign for a role."""
        return list(role_of(self._delegator(role), role).keyids)

    def _change(self, role: str, steps: list[_Edit], threshold: int | None) -> KeyChange:
        """Make a version of the delegator for each step, and sign what it no longer vouches for."""
        versions: dict[str, int] = {}
        for edit in steps:
            if role in DELEGATED:
                versions["targets"] = self._edit_targets(role, edit, threshold)
            else:
                versions["root"] = self._edit_root(role, edit, threshold)
        waiting: dict[str, int] = {}
        if role in TARGETS_LIKE:
            version, missing = self._renew_unvouched(role)
            versions |= {role: version} if version else {}
            waiting |= {role: missing} if missing else {}
        delegated = role_of(self._delegator(role), role)
        return KeyChange(
            role=role,
            keyids=tuple(delegated.keyids),
            threshold=delegated.threshold,
            versions=versions,
            waiting=waiting,
        )

    def _edit_root(self, role: str, edit: _Edit, threshold: int | None) -> int:
        before = SignedMetadata(self._files).root.signed
        root = self._files.read("root", Root)
        _apply(root.signed, role, edit, threshold)
        root.signed.version += 1
        root.signed.expires = self._now + timedelta(days=expiry_days(root.signed, "root"))
        root.signatures.clear()
        where = f"root {root.signed.version}"
        for delegator in (before, root.signed):
            self._signers.sign(delegator, "root", root)
        for delegator in (before, root.signed):
            verify_signed_by(delegator, "root", root, where=where)
        self._files.write("root", root)
        return root.signed.version

    def _edit_targets(self, role: str, edit: _Edit, threshold: int | None) -> int:
        root = SignedMetadata(self._files).root.signed
        targets = SignedMetadata(self._files).targets
        next_version(targets, root, "targets", now=self._now)
        _apply(targets.signed, role, edit, threshold)
        self._signers.sign(root, "targets", targets)
        verify_signed_by(root, "targets", targets, where=f"targets {targets.signed.version}")
        self._files.write("targets", targets)
        return targets.signed.version

    def _renew_unvouched(self, role: str) -> tuple[int, int]:
        """Give a role a new version if its signatures no longer suffice.

        Returns the version, 0 where it stands as it is, and how many signatures it still wants.
        A new one, since the bucket's file of the old version is never replaced.
        """
        delegator = self._delegator(role)
        metadata: Metadata[Targets] = self._files.read(role, Targets)
        if signatures(delegator, role, metadata):
            return 0, 0
        next_version(metadata, delegator, role, now=self._now)
        self._signers.sign(delegator, role, metadata)
        if role == "targets":
            verify_signed_by(delegator, role, metadata, where="targets")
        self._files.write(role, metadata)
        return metadata.signed.version, signatures(delegator, role, metadata).missing

    def _delegator(self, role: str) -> Root | Targets:
        if check_role(role) in DELEGATED:
            return SignedMetadata(self._files).targets.signed
        return SignedMetadata(self._files).root.signed

    def _find(self, role: str, keyid: str | None) -> str:
        known = self.keyids(role)
        found = [known_id for known_id in known if known_id.startswith(keyid or "")]
        if len(found) != 1:
            raise NotFoundError(
                f"{keyid or 'no key id'} names {len(found)} of the keys of {role}: "
                f"{', '.join(known)}",
                remedy="Give the beginning of one key's id.",
            )
        return found[0]


def _apply(delegator: Root | Targets, role: str, edit: _Edit, threshold: int | None) -> None:
    edit(delegator)
    changed = role_of(delegator, role)
    if threshold is not None:
        changed.threshold = threshold
    if not 1 <= changed.threshold <= len(changed.keyids):
        raise FormatError(
            f"{changed.threshold} of {len(changed.keyids)} keys cannot sign {role}",
            remedy="Add another key first, or give a lower --threshold.",
        )
