"""Changing whose keys count: added, removed or rotated, in git, signed by who stands above.

Keys of root, targets, snapshot and timestamp are listed by the root; those of the channels by
targets. A root is signed by its own keys and by those of the root before it.

Replacing a key of targets, snapshot or timestamp makes two roots: one that lists the old key and
the new, one that lists the new alone. A push publishes under the first what the new key signed,
then the second, so that readers never meet metadata that their root does not vouch for. Stolen
keys are replaced in one root: nothing that they signed may count any longer, and readers refuse for
the moment between that root and the new timestamp.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pe_dvc.documents.metadata_fields import NAME_FIELD
from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.trust.draft_files import DraftFiles
from pe_dvc.trust.key_identity import identity_of
from pe_dvc.trust.proposal import Proposal
from pe_dvc.trust.roles import DELEGATED, TARGETS_LIKE, check_role, utc
from pe_dvc.trust.tuf_api import Metadata, Root, Targets
from pe_dvc.trust.verify import expiry_days, key_names, role_keys, role_of, signatures
from pe_dvc.trust.version_numbers import next_free, versions_of
from pe_dvc.usecases.channel.drafts import refuse_unseen, settle
from pe_dvc.usecases.channel.key_edits import (
    Edit,
    KeyChange,
    Recovery,
    StolenKeys,
    apply_edit,
    beginning_log,
    check_key_name,
    demanding,
    replacing,
)
from pe_dvc.usecases.channel.next_version import next_version
from pe_dvc.usecases.channel.role_status import waiting_drafts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key
    from pe_dvc.trust.witnesses import WitnessRule


class KeyRing:
    """The keys of a country's roles, as git has them. ``directory`` is the repo's ``channels``.

    ``taken`` are the versions that files in the bucket are named after: new versions pass over
    them, as a thief may have published under these numbers.
    """

    def __init__(
        self,
        directory: Path,
        country: str,
        signers: Signers,
        *,
        now: datetime,
        taken: Collection[tuple[str, int]] = (),
    ) -> None:
        self._files = DraftFiles(directory, country)
        self._signers, self._now, self._taken = signers, utc(now), taken

    def add(
        self, role: str, key: Key, *, threshold: int | None = None, name: str | None = None
    ) -> KeyChange:
        """Let ``key`` sign for a role; ``name`` says whose it is.

        Raises ConflictError if it does already, or if another key has that name.
        """
        self._refuse_known(role, key)
        if name is not None:
            if name in self._names(role).values():
                raise ConflictError(f"{role} has a key of the name {name!r} already")
            key.unrecognized_fields[NAME_FIELD] = check_key_name(name)
        return self._change(role, [lambda delegator: delegator.add_key(key, role)], threshold)

    def remove(self, role: str, keyid: str, *, threshold: int | None = None) -> KeyChange:
        """Let a key sign for a role no more; ``keyid`` may be its beginning, or its name.

        Raises NotFoundError, and FormatError if too few would be left for the threshold.
        """
        whole = self.find(role, keyid)
        return self._change(role, [lambda delegator: delegator.revoke_key(whole, role)], threshold)

    def rotate(
        self, role: str, key: Key, *, keyid: str | None = None, stolen: bool = False
    ) -> KeyChange:
        """Put ``key`` in the place of the one ``keyid``, which may be left out if it is the only.

        ``stolen`` takes the old one away at once. Raises as ``add`` and ``remove``.
        """
        old = self.find(role, keyid)
        self._refuse_known(role, key)

        def add(delegator: Root | Targets) -> None:
            delegator.add_key(key, role)

        def revoke(delegator: Root | Targets) -> None:
            delegator.revoke_key(old, role)

        replace = replacing(StolenKeys(role=role, keyids=[old], keys=[key]))
        in_two = role in ("targets", "snapshot", "timestamp") and not stolen
        return self._change(role, [add, revoke] if in_two else [replace], None)

    def recover(self, stolen: Sequence[StolenKeys], *, new_log: bool = False) -> Recovery:
        """Put new keys in the place of stolen ones, of several roles at once.

        What git holds of these roles is signed again, with versions above those that are taken.
        With ``new_log`` the new root begins a new log of what is published.
        Raises as ``add`` and ``remove``, and SignatureError without the keys of root, or of
        targets where a channel's key was stolen; then nothing is written.
        """
        edits = {one.role: replacing(one) for one in stolen}
        channels = {role: edit for role, edit in edits.items() if role in DELEGATED}
        top_level = {role: edit for role, edit in edits.items() if role not in DELEGATED}
        if new_log:
            top_level["root"] = beginning_log(top_level.get("root"))
        versions: dict[str, int] = {}
        if top_level:
            versions["root"] = self._edit_root(top_level, None)
        if channels or "targets" in top_level:
            versions["targets"] = self._edit_targets(channels, None)
        waiting = self._renew(channels, versions)
        settled = self._save()
        return Recovery(
            stolen={one.role: tuple(one.keyids) for one in stolen},
            keys={one.role: tuple(key.keyid for key in one.keys) for one in stolen},
            versions=versions | settled,
            waiting=waiting,
            drafts=waiting_drafts(self._files, now=self._now),
        )

    def demand(self, rule: WitnessRule | None) -> KeyChange:
        """Have a new root demand witnesses of readers; None demands none. Raises as ``add``."""
        return self._change("root", [demanding(rule)], None)

    def renew(self, role: str) -> None:
        """Give root or targets a new version that expires later.

        Raises ConflictError where there is a draft of it, which expires later already.
        """
        if self._files.drafted(role):
            raise ConflictError(
                f"there is a draft of {role} already",
                remedy=f"Nothing was changed. Sign it: pe-dvc channel sign {role}",
            )
        if role == "root":
            self._edit_root({"root": lambda root: None}, None)
        else:
            self._edit_targets({}, None)
        self._save()

    def keyids(self, role: str) -> list[str]:
        """Return the ids of the keys that may sign for a role."""
        return list(role_of(self._delegator(role), role).keyids)

    def _refuse_known(self, role: str, key: Key) -> None:
        """Raise ConflictError if ``key`` signs for a role already, under this id or another."""
        known = {identity_of(one): one.keyid for one in role_keys(self._delegator(role), role)}
        if (keyid := known.get(identity_of(key))) is not None:
            raise ConflictError(f"key {keyid} signs for {role} already")

    def _change(self, role: str, steps: list[Edit], threshold: int | None) -> KeyChange:
        """Make a version of the delegator for each step, and sign what it no longer vouches for."""
        versions: dict[str, int] = {}
        for edit in steps:
            if role in DELEGATED:
                versions["targets"] = self._edit_targets({role: edit}, threshold)
            else:
                versions["root"] = self._edit_root({role: edit}, threshold)
        waiting = self._renew([role] if role in TARGETS_LIKE else [], versions)
        versions |= self._save()
        delegated = role_of(self._delegator(role), role)
        return KeyChange(
            role=role,
            keyids=tuple(delegated.keyids),
            threshold=delegated.threshold,
            versions=versions,
            waiting=waiting,
            drafts=waiting_drafts(self._files, now=self._now),
        )

    def _save(self) -> dict[str, int]:
        """Put in force what is signed by enough, and write down the rest as drafts."""
        settled = settle(self._files, self._signers, now=self._now)
        self._files.save()
        return settled

    def _edit_root(self, edits: Mapping[str, Edit], threshold: int | None) -> int:
        before = self._proposal(to_change="root").roots[-1].signed
        self._signers.check_any(before, "root")
        root = self._files.read("root", Root)
        for role, edit in edits.items():
            apply_edit(root.signed, role, edit, threshold)
        root.signed.version += 1
        root.signed.expires = self._now + timedelta(days=expiry_days(root.signed, "root"))
        root.signatures.clear()
        self._signers.sign(before, "root", root, root.signed)
        self._files.write("root", root)
        return root.signed.version

    def _edit_targets(self, edits: Mapping[str, Edit], threshold: int | None) -> int:
        proposal = self._proposal(to_change="targets")
        targets, delegators = proposal.targets, proposal.delegators("targets")
        self._signers.check_any(delegators[0], "targets", *delegators[1:])
        self._next_version(targets, delegators[-1], "targets")
        for role, edit in edits.items():
            apply_edit(targets.signed, role, edit, threshold)
        self._signers.sign(delegators[0], "targets", targets, *delegators[1:])
        self._files.write("targets", targets)
        return targets.signed.version

    def _proposal(self, *, to_change: str) -> Proposal:
        proposal = Proposal(self._files)
        if not proposal.in_force and self._files.exists():
            raise ConflictError(
                f"the first {to_change} still waits for signatures, and can only be signed",
                remedy="Nothing was changed. Sign it (pe-dvc channel status says who must), or "
                f"remove {self._files.directory} and run pe-dvc channel init again.",
            )
        refuse_unseen(proposal, to_change, self._signers)
        return proposal

    def _next_version(
        self, metadata: Metadata[Targets], delegator: Root | Targets, role: str
    ) -> None:
        """Make the next version, or the same again of what is a draft already, unsigned."""
        next_version(metadata, delegator, role, now=self._now, seen=not self._files.drafted(role))
        metadata.signed.version = next_free(metadata.signed.version, versions_of(self._taken, role))

    def _renew(self, roles: Collection[str], versions: dict[str, int]) -> dict[str, int]:
        """Renew roles whose signatures no longer suffice; note their versions.

        Returns how many signatures they still want.
        """
        waiting: dict[str, int] = {}
        for role in roles:
            version, missing = self._renew_unvouched(role)
            versions |= {role: version} if version else {}
            waiting |= {role: missing} if missing else {}
        return waiting

    def _renew_unvouched(self, role: str) -> tuple[int, int]:
        """Give a role a new version if its signatures no longer suffice.

        Returns the version, 0 where it stands as it is, and how many signatures it still wants.
        A new one, since the bucket's file of the old version is never replaced.
        """
        delegator = self._delegator(role)
        metadata: Metadata[Targets] = self._files.read(role, Targets)
        if signatures(delegator, role, metadata):
            return 0, 0
        proposal = Proposal(self._files)
        refuse_unseen(proposal, role, self._signers)
        vouching = proposal.standing.delegator(role)
        is_signed = role not in DELEGATED or bool(signatures(vouching, role, metadata))
        self._next_version(metadata, delegator, role)
        if is_signed:  # what is not may be anyone's, and is signed by those who read it
            self._signers.sign(delegator, role, metadata)
        self._files.write(role, metadata)
        return metadata.signed.version, signatures(delegator, role, metadata).missing

    def _names(self, role: str) -> dict[str, str]:
        return key_names(self._delegator(role), role)

    def _delegator(self, role: str) -> Root | Targets:
        proposal = Proposal(self._files)
        if check_role(role) in DELEGATED:
            return proposal.targets.signed
        return proposal.roots[-1].signed

    def find(self, role: str, keyid: str | None) -> str:
        """Return the id of a role's key by its name or beginning; None is the role's only key.

        Raises NotFoundError, which names the role's keys.
        """
        known, names = self.keyids(role), self._names(role)
        found = [known_id for known_id in known if keyid and names.get(known_id) == keyid]
        found = found or [known_id for known_id in known if known_id.startswith(keyid or "")]
        if len(found) != 1:
            raise NotFoundError(
                f"{keyid or 'no key id'} names {len(found)} of the keys of {role}: "
                f"{', '.join(known)}",
                remedy="Give the beginning of one key's id.",
            )
        return found[0]
