"""``pe_dvc.Repo.release``: the commands ``pe-dvc release``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.result import Result
from pe_dvc.public.reporting import reporter_for

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.adapters.git.tag_signatures import TagSignature
    from pe_dvc.documents.manifest_diff import ReleaseDiff
    from pe_dvc.project.release import Releases
    from pe_dvc.project.release_copy import VerifiedCopy
    from pe_dvc.project.release_created import Created
    from pe_dvc.usecases.release.check_bundle import PinCheck
    from pe_dvc.usecases.release.derive import Release
    from pe_dvc.usecases.release.mirror import Mirrored
    from pe_dvc.usecases.release.publish import Verified
    from pe_dvc.usecases.release.push import ReleasePushed
    from pe_dvc.usecases.release.register import RoleUpdate
    from pe_dvc.usecases.release.status import TagStatus


@dataclass(frozen=True, kw_only=True)
class ListedTag(Result):
    """A git tag that can be a release."""

    tag: str
    commit: str
    tagged_at: datetime


@dataclass(frozen=True, kw_only=True)
class PassedOver(Result):
    """A git tag that is no release, and why."""

    tag: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class VerifiedRelease:
    """A published release that is what git says, and the signature of its tag."""

    tag: str
    verified: Verified
    signature: TagSignature

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "tag": self.tag,
            "sha256": self.verified.released.sha256,
            "artifacts": self.verified.artifacts,
            "size": self.verified.size,
            "statements": self.verified.statements,
            "tag_signature": self.signature.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class CheckedBundle(Result):
    """Whether each pin of a bundle can be fetched; ``recorded`` if that was written down."""

    pins: tuple[PinCheck, ...]
    recorded: RoleUpdate | None

    @property
    def ok(self) -> bool:
        """Whether every pin can."""
        return all(pin.ok for pin in self.pins)


class ReleaseCommands:
    """Turns git tags into releases. All but create, push, deprecate and record take bare clones.

    Methods raise NotFoundError for an unknown tag, ReleaseError for one that is no release,
    VerificationError and StoreError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self, tag: str, *, from_latest: bool = False, store: str | None = None) -> Created:
        """Check that a tag can be released, and register it in the signed metadata in git.

        Its artifacts must be signed in ``next`` at that commit, ``from_latest`` in ``latest``.
        """
        return self._open(store).create(tag, from_latest=from_latest)

    def push(
        self, tag: str, *, store: str | None = None, uncommitted: bool = False
    ) -> ReleasePushed:
        """Publish a registered release: its documents, then the signed metadata."""
        return self._open(store).push(tag, uncommitted=uncommitted)

    def show(self, tag: str, *, with_claims: bool = False) -> Release:
        """Return the release of a tag: its manifest as ``data``, its TRACE TRO as ``tro``.

        ``with_claims`` adds those that were made since: what a certification then reads.
        """
        releases = self._open()
        return releases.claimed(tag) if with_claims else releases.derive(tag)

    def withdrawn(self, tag: str) -> dict[str, str]:
        """Return why datasets of a release were withdrawn, by name, as far as is known here.

        By what git holds signed, or what this machine read of the bucket last, if that is newer.
        """
        releases = self._open()
        found = releases.withdrawn_of(releases.derive(tag))
        return {name: one.text for name, one in found.items()}

    def list(self) -> tuple[ListedTag, ...]:
        """Return the git tags that can be releases, by the time of the tag."""
        tags = (tag for _, tag in self._open().git.tags())
        return tuple(ListedTag(tag=t.name, commit=t.commit, tagged_at=t.moment) for t in tags)

    def passed_over(self) -> tuple[PassedOver, ...]:
        """Return the git tags that are no releases, and why, by the time of the tag."""
        found = self._open().git.passed_over()
        return tuple(PassedOver(tag=tag.name, reason=reason) for tag, reason in found)

    def status(self, *, store: str | None = None) -> tuple[TagStatus, ...]:
        """Return for every such tag whether it is staged, certified, deprecated or otherwise."""
        return tuple(self._open(store).status())

    def verify(
        self, tag: str, *, store: str | None = None, progress: bool = False
    ) -> VerifiedRelease:
        """Prove that a published release is what git says, and that the bucket holds it all.

        Reads every payload.
        """
        verified, signature = self._open(store).verify(tag, reporter=reporter_for(progress))
        return VerifiedRelease(tag=tag, verified=verified, signature=signature)

    def verify_export(
        self,
        directory: Path,
        tag: str | None = None,
        *,
        root: Path | None = None,
        progress: bool = False,
    ) -> VerifiedCopy:
        """Prove an exported release, without clone, bucket and network, from the pinned root.

        ``root`` is a root.json to trust in its place; with ``tag`` it must be that release. Reads
        every payload. Dates do not count, and what happened since is not known: a copy is for
        later, too. Raises UntrustedError where no root is pinned, NotFoundError for a file that is
        missing, and VerificationError for what is not as it was signed.
        """
        from pe_dvc.project.release_copy import verify_copy

        return verify_copy(directory, tag, root, reporter=reporter_for(progress))

    def diff(self, before: str, after: str) -> ReleaseDiff:
        """Compare two tags: datasets, schemas, row counts, inputs."""
        return self._open().diff(before, after)

    def export(
        self, tag: str, directory: Path, *, store: str | None = None, progress: bool = False
    ) -> int:
        """Write a release and its TRO into a directory; return how many payloads it downloaded."""
        return self._open(store).export(tag, directory, reporter=reporter_for(progress))

    def certified(
        self, tag: str, bundle: Path, *, record: bool = False, store: str | None = None
    ) -> CheckedBundle:
        """Check that what a policyengine.py bundle pins of a release can still be fetched.

        With ``record``, and if every pin can, that is added to the signed metadata in git.
        """
        pins, update = self._open(store).check_bundle(tag, bundle, record=record)
        return CheckedBundle(pins=tuple(pins), recorded=update)

    def deprecate(self, tag: str, reason: str) -> RoleUpdate:
        """Record in git that a release should no longer be used; it stays readable."""
        return self._open().deprecate(tag, reason)

    def claim(self, tag: str, claim: str) -> RoleUpdate:
        """Add in git the claim that a release works with versions such as ``policyengine-us>=2``.

        Its artifacts and its manifest as tagged stay the same.
        """
        return self._open().claim(tag, claim)

    def mirror(
        self,
        tag: str,
        uri: str,
        *,
        latest: str | None = None,
        older_tro: bool = False,
        store: str | None = None,
        progress: bool = False,
    ) -> Mirrored:
        """Bring a registered release to a repo of Hugging Face's hub, and read every byte back.

        ``latest`` is the pointer that is then moved to it, such as ``latest.json``; with
        ``older_tro``, the TRO there is in the terms of 2023/05.
        """
        reporter = reporter_for(progress)
        releases = self._open(store)
        return releases.mirror(tag, uri, latest=latest, older_tro=older_tro, reporter=reporter)

    def _open(self, store: str | None = None) -> Releases:
        from pe_dvc.project.release import Releases

        return Releases(self._path, store=store)
