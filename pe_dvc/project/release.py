"""Releases of a data repo, wired to git, the store, the keys and the pinned roots.

What writes metadata for git (create, certify, deprecate, push) needs a work tree, all else none.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.documents.bundle import read_bundle
from pe_dvc.documents.manifest_diff import ReleaseDiff, diff_releases
from pe_dvc.primitives.errors import FormatError, NotFoundError, ReleaseError
from pe_dvc.project.release_created import Created
from pe_dvc.project.release_place import ReleasePlace
from pe_dvc.project.release_proof import log_proof
from pe_dvc.project.signers import signers_of
from pe_dvc.project.stores import open_location
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.usecases.release import publish, register
from pe_dvc.usecases.release.check_bundle import PinCheck, certified_instead, check_bundle
from pe_dvc.usecases.release.export import export_release
from pe_dvc.usecases.release.held import check_held
from pe_dvc.usecases.release.push import ReleasePushed, push_release
from pe_dvc.usecases.release.statements import is_signed, signed_in_git
from pe_dvc.usecases.release.status import (
    ReleasedArtifacts,
    TagStatus,
    released_artifacts,
    tag_state,
    untagged_status,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.adapters.git.tag_signatures import TagSignature
    from pe_dvc.adapters.git.tags import GitTag
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.reference import ChannelName
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.release.derive import Release
    from pe_dvc.usecases.release.mirror import Mirrored
    from pe_dvc.usecases.release.publish import Verified
    from pe_dvc.usecases.release.register import RoleUpdate


class Releases(ReleasePlace):
    """What ``pe-dvc release`` does, in the repo at ``place`` (here) and a store."""

    def derive(self, tag: str) -> Release:
        """Return the release of a tag, by the channel that it was registered with.

        Raises ReleaseError for a tag that was moved since.
        """
        known = self.registered().get(tag)
        release = self.git.release(tag, channel=known.channel if known else "next")
        if known is not None:
            publish.check_not_moved(known, release)
        return release

    def registered(self) -> dict[str, Released]:
        """Return the releases that git holds, by tag."""
        return register.read_releases(self._files)

    def create(self, tag: str, *, from_latest: bool = False) -> Created:
        """Check that a tag can be released, and register it in the signed metadata in git.

        Raises ReleaseError, which names what is wrong, for a tag that cannot be.
        """
        clone = self._with_work_tree()
        signature = self.git.signature(tag)
        channel: ChannelName = "latest" if from_latest else "next"
        release = self.git.release(tag, channel=channel)
        self._refuse_withdrawn(release)
        check_held(self.store, release)
        update = register.register(self._files, release, signers_of(clone), now=_now())
        return Created(release=release, update=update, signature=signature)

    def push(self, tag: str, *, uncommitted: bool = False) -> ReleasePushed:
        """Publish a registered release: its documents, then the signed metadata.

        Guarded as ``pe-dvc push`` is (``open_publication``). Raises NotFoundError for one that is
        not registered, and as ``push_release``.
        """
        from pe_dvc.project.keep_seen import keep_seen
        from pe_dvc.project.publication import open_publication

        repo = self._with_work_tree()
        publication = open_publication(repo, self.store, uncommitted=uncommitted)
        registered = register.registered(self._files, tag)
        release = self.git.release(tag, channel=registered.channel)
        self._refuse_withdrawn(release)
        others = partial(publish.publish_registered, self.store, self.git.release)
        pushed = push_release(publication, release, registered, others)
        return replace(pushed, seen=keep_seen(repo, publication.bucket, pushed.channel.written))

    def verify(
        self, tag: str, *, reporter: Reporter | None = None
    ) -> tuple[Verified, TagSignature]:
        """Prove a published release against git, and the bucket against both."""
        signature = self.git.signature(tag)
        released = self.signed.releases().get(tag)
        channel: ChannelName = released.channel if released else "next"
        release = self.git.release(tag, channel=channel)
        self._refuse_withdrawn(release)
        verified = publish.verify_release(
            self.store,
            self.signed,
            release,
            metadata=SignedMetadata(self._files),
            open_location=open_location,
            reporter=reporter,
        )
        return verified, signature

    def diff(self, before: str, after: str) -> ReleaseDiff:
        """Compare the manifests in the trees of two tags, released or not."""
        return diff_releases(before, self.git.manifests(before), after, self.git.manifests(after))

    def export(self, tag: str, directory: Path, *, reporter: Reporter | None = None) -> int:
        """Write a release as a directory; return how many payloads were downloaded."""
        release = self.derive(tag)
        self._refuse_withdrawn(release)
        known, metadata = self.registered().get(tag), SignedMetadata(self._files)
        signed = metadata if known and is_signed(metadata) else None
        return export_release(
            self.store,
            release,
            directory,
            statements=signed_in_git(metadata, known) if known else None,
            signed=signed,
            logged=log_proof(self.store, signed, reporter) if signed else None,
            open_location=open_location,
            reporter=reporter,
        )

    def check_bundle(
        self, tag: str, bundle: Path, *, record: bool = False
    ) -> tuple[list[PinCheck], RoleUpdate | None]:
        """Check a policyengine.py bundle against the release that it certifies.

        With ``record``, and if every pin holds, the certification is added to the signed
        metadata in git. Raises ReleaseError where it cannot be: the bundle certifies another one.
        """
        release = self.derive(tag)
        try:
            data = read_document(bundle)
        except FileNotFoundError:
            raise NotFoundError(f"{bundle} does not exist") from None
        except OSError as error:
            raise FormatError(f"cannot be read: {error.strerror}", where=str(bundle)) from None
        found = read_bundle(data, country=release.country, where=str(bundle))
        checks = check_bundle(
            self.store,
            release,
            found,
            open_location=open_location,
            withdrawn=self._withdrawn.artifacts,
        )
        if not record or not all(check.ok for check in checks):
            return checks, None
        if instead := certified_instead(release, found):
            raise ReleaseError(
                f"{instead}: it lists datasets of that beside, which certifies nothing",
                remedy="They can be fetched. Leave out --record.",
            )
        signers = signers_of(self._with_work_tree())
        return checks, register.certify(self._files, tag, found.reference, signers, now=_now())

    def deprecate(self, tag: str, reason: str) -> RoleUpdate:
        """Record in the signed metadata in git that a release should no longer be used."""
        signers = signers_of(self._with_work_tree())
        return register.deprecate(self._files, tag, reason, signers, now=_now())

    def claim(self, tag: str, text: str) -> RoleUpdate:
        """Add a compatibility claim to the signed metadata in git; the artifacts stay the same.

        Raises FormatError for what is no claim, or is about another package.
        """
        from pe_dvc.documents.release_claims import check_claim, parse_claim

        signers = signers_of(self._with_work_tree())
        added = parse_claim(text)
        register.registered(self._files, tag)
        check_claim(self.derive(tag).manifest, added)
        return register.claim(self._files, tag, added, signers, now=_now())

    def claimed(self, tag: str) -> Release:
        """Return the release of a tag with the claims that git registers added to its manifest."""
        from pe_dvc.documents.release_claims import with_claims

        release, known = self.derive(tag), self.registered().get(tag)
        if known is None or not known.claims:
            return release
        manifest = with_claims(release.manifest, known.claims)
        return replace(release, manifest=manifest, data=manifest.to_bytes())

    def mirror(
        self,
        tag: str,
        uri: str,
        *,
        latest: str | None = None,
        older_tro: bool = False,
        reporter: Reporter | None = None,
    ) -> Mirrored:
        """Bring a published release to a hub (``usecases.release.mirror``).

        Raises NotFoundError for a release that is not registered, ReleaseError for one of
        another hub repo.
        """
        from pe_dvc.project.release_mirror import mirror

        register.registered(self._files, tag)
        release, claimed = self.derive(tag), self.claimed(tag)
        self._refuse_withdrawn(release)
        check_held(self.store, release)
        return mirror(
            self.store,
            uri,
            release,
            claimed.data,
            latest=latest,
            older_tro=older_tro,
            reporter=reporter,
        )

    def status(self) -> list[TagStatus]:
        """Return how every tag that is a release stands, by time; first releases without a tag."""
        published = self._published()
        known = published | self.registered()
        tags = [tag for _, tag in self.git.tags()]
        commits = {tag.name: tag.commit for tag in tags}
        untagged = known.keys() - commits.keys()
        read = [known[tag] for tag in published if commits.get(tag) == known[tag].commit]
        released = released_artifacts(self.store, self._files.country, read)
        return [
            *(untagged_status(known[tag], published=tag in published) for tag in sorted(untagged)),
            *(
                self._status(tag, known.get(tag.name), tag.name in published, released)
                for tag in tags
            ),
        ]

    def _published(self) -> dict[str, Released]:
        try:
            return self.signed.releases()
        except NotFoundError:
            return {}

    def _status(
        self, tag: GitTag, known: Released | None, published: bool, released: ReleasedArtifacts
    ) -> TagStatus:
        gone = self._withdrawn.artifacts
        state, detail = tag_state(known, tag.commit, released, withdrawn=gone)
        return TagStatus(
            tag=tag.name,
            commit=tag.commit,
            tagged_at=tag.moment,
            state=state,
            published=published,
            detail=detail,
        )


def _now() -> datetime:
    return datetime.now(UTC)
