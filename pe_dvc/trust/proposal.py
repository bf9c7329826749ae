"""A country's metadata as it will be once its drafts are signed. No I/O but through the files."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError
from pe_dvc.trust.ancestry import ancestors, digest
from pe_dvc.trust.files import DRAFTS
from pe_dvc.trust.roles import DELEGATED, check_role
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Metadata, Root, Targets
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from pe_dvc.trust.draft_files import DraftFiles


class Proposal:
    """What ``files`` hold, read when first asked for. Signatures of drafts are not checked.

    What is in force is verified. Raises ConflictError for drafts that were not made from it.
    """

    def __init__(self, files: DraftFiles) -> None:
        self.files = files
        self.standing = SignedMetadata(files.in_force)

    @property
    def country(self) -> str:
        """The country whose metadata this is."""
        return self.files.country

    @cached_property
    def in_force(self) -> list[Metadata[Root]]:
        """The roots in force, from version 1 on; none before the first was signed."""
        return self.standing.roots if self.files.in_force.exists() else []

    @cached_property
    def drafts(self) -> list[Metadata[Root]]:
        """The drafts of the next roots, each to be signed by the one before."""
        roots: list[Metadata[Root]] = []
        for number, data in self.files.roots.items():
            root = parse(Root, data, where=str(self.files.path_of("root", number)))
            expected = len(self.in_force) + len(roots) + 1
            if any(root.signed == known.signed for known in self.in_force):
                self.files.drop("root", number)  # it was put in force, and then we were killed
            elif root.signed.version != number or number != expected:
                raise self._stale("root", number - 1, len(self.in_force))
            else:
                roots.append(root)
        if not self.in_force and len(roots) > 1:
            raise self._stale("root", 1, 0)
        return roots

    @property
    def roots(self) -> list[Metadata[Root]]:
        """All roots, those in force and the drafts."""
        return [*self.in_force, *self.drafts]

    @cached_property
    def targets(self) -> Metadata[Targets]:
        """The draft of targets, else what is in force."""
        return self.role("targets")

    def role(self, role: str) -> Metadata[Targets]:
        """Return the draft of targets or of a role below it, else what is in force."""
        metadata = parse(Targets, self.files.read_bytes(role), where=str(self.files.path(role)))
        if role != "targets" or not self.files.drafted(role):
            return metadata
        if self.in_force and metadata.signed == self.standing.targets.signed:
            self.files.drop(role, metadata.signed.version)
            return metadata
        known = ancestors(metadata.signed)
        made_from = max(known, default=0)
        now = self.standing.targets.signed.version if self.in_force else 0
        if made_from != now or (now and known[now] != digest(self.standing.targets)):
            raise self._stale(role, made_from, now)
        return metadata

    def delegators(self, role: str) -> list[Root | Targets]:
        """Return who names the keys of targets or of a role below it: in force, and proposed.

        Drafts of targets come into force under either, whichever is complete first.
        """
        if check_role(role) in DELEGATED:
            return [self.targets.signed]
        newest: list[Root | Targets] = [
            roots[-1].signed for roots in (self.in_force, self.roots) if roots
        ]
        return newest[:1] if newest[0] == newest[-1] else newest

    def root_delegators(self, root: Metadata[Root]) -> list[Root]:
        """Return who must vouch for a draft of a root: the root before, and itself."""
        before = [earlier.signed for earlier in self.roots[: root.signed.version - 1]]
        return [*before[-1:], root.signed]

    def _stale(self, role: str, made_from: int, now: int) -> ConflictError:
        held = f"git holds {role} {now}" if now else "no channels are in force"
        return ConflictError(
            f"{self.files.directory / DRAFTS} has a draft of {role} that was made from version "
            f"{made_from}, and {held}",
            remedy="Nothing was signed. Keep what others published: "
            f"rm -r {self.files.directory / DRAFTS}, and make the change again.",
        )
