"""Pushing a checkout: what is to be published, gathered from files, and the publication."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.adapters.dvc.cache import DvcListings
from pe_dvc.adapters.workspace_digests import WorkspaceDigests
from pe_dvc.documents.pointed_file import PointedFile
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.project.content_sidecars import giving_sidecars
from pe_dvc.project.dvc_cache import check_published
from pe_dvc.project.earlier_builds import EarlierBuilds
from pe_dvc.project.keep_seen import keep_seen
from pe_dvc.project.lost_store import check_not_lost
from pe_dvc.project.publication import open_publication
from pe_dvc.project.repo_files import manifest_path
from pe_dvc.project.stores import open_location
from pe_dvc.project.verify import gather
from pe_dvc.usecases.checkout.local_changes import LocalChanges, find_local_changes
from pe_dvc.usecases.progress import Silent
from pe_dvc.usecases.publish.cache_objects import CacheObject, cache_objects
from pe_dvc.usecases.publish.objects import (
    ManifestToPublish,
    PublishedObjects,
    publish_objects,
)
from pe_dvc.usecases.publish.preconditions import check_agreement, check_no_secrets
from pe_dvc.usecases.publish.vouched import vouched_in
from pe_dvc.usecases.revoke.publication import published_removal, refuse_new
from pe_dvc.usecases.revoke.withdrawn import withdrawn_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.release_target import Released
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.publish.channel import PublishedChannels
    from pe_dvc.usecases.publish.publication import Publication
    from pe_dvc.usecases.publish.rebase import Rebased
    from pe_dvc.usecases.revoke.removal import Removal
    from pe_dvc.usecases.revoke.withdrawn import Withdrawn


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What a push did, to which store; ``rebased`` if another publisher was first.

    ``local_changes`` of the workspace were not published. ``withheld`` are the datasets here that
    are withdrawn, and were not; ``removal`` is what left the bucket for that, None if nothing had
    to. ``seen`` is the file that keeps this for new readers of the clone, once it is committed.
    """

    store: str
    objects: PublishedObjects
    unchanged_manifests: int
    channel: PublishedChannels
    local_changes: LocalChanges
    rebased: Rebased | None = None
    withheld: tuple[str, ...] = ()
    removal: Removal | None = None
    seen: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the push as plain JSON values."""
        return {
            "store": self.store,
            "uploaded": self.objects.uploaded,
            "uploaded_bytes": self.objects.uploaded_bytes,
            "repaired": self.objects.repaired,
            "present": self.objects.present,
            "manifests": self.objects.manifests,
            "channel": self.channel.to_json(),
            "rebased": asdict(self.rebased) if self.rebased else None,
            "edited": list(self.local_changes.edited),
            "withheld": list(self.withheld),
            "removal": self.removal.to_json() if self.removal else None,
            "seen": self.seen,
        }


def push(
    repo: DataRepo,
    *,
    store: str | None = None,
    uncommitted: bool = False,
    reporter: Reporter | None = None,
) -> Pushed:
    """Publish the checkout to the repo's store, or to the one at ``store``, as ``push_to`` does.

    Raises ConflictError for a store that was lost, where a mirror has it.
    """
    bucket = repo.open_store(store)
    check_not_lost(repo, bucket, store)
    return push_to(repo, bucket, uncommitted=uncommitted, reporter=reporter)


def push_to(
    repo: DataRepo,
    store: Store,
    *,
    uncommitted: bool = False,
    reporter: Reporter | None = None,
) -> Pushed:
    """Publish what the checkout holds: payloads, manifests, then the signed pointer.

    Refuses, before anything is written, what ``open_publication`` refuses, and a checkout whose
    manifests, dvc.lock and pointer do not agree (VerificationError). The bytes are those of DVC's
    cache; ``reporter`` is told of files that were changed since. Where another publisher was
    first, what it changed is taken over into ``latest.json``, which then waits to be committed.
    Raises as ``publish_objects`` and ``Publication.publish_channels``.
    """
    prepared = _prepare(repo, store, uncommitted=uncommitted, reporter=reporter)
    publication = prepared.publication
    known = {
        sha256_bytes(one.data): PointedFile.of_artifact(one.manifest.artifact)
        for one in prepared.manifests
    }
    with publication.turn():
        publication.check_before_upload()
        objects = _upload(prepared, reporter)
        publication.keep_promises(partial(_publish_release, repo, store))
        supply = EarlierBuilds(repo, store)
        channel, rebased = publication.publish_channels(known=known, supply=supply)
    seen = keep_seen(repo, publication.bucket, channel.written)
    removal = published_removal(publication.bucket, publication.metadata, channel)
    return Pushed(
        store=store.url,
        objects=objects,
        unchanged_manifests=len(prepared.manifests) - len(objects.manifests),
        channel=channel,
        local_changes=prepared.changes,
        rebased=rebased,
        withheld=prepared.withheld,
        removal=removal,
        seen=seen,
    )


def _publish_release(repo: DataRepo, store: Store, released: Released) -> None:
    """Publish the documents of a registered release, as ``pe-dvc release push`` does."""
    from pe_dvc.project.release_repo import ReleaseRepo
    from pe_dvc.usecases.release.publish import publish_registered

    publish_registered(store, ReleaseRepo(repo.root).release, released)


def upload(repo: DataRepo, *, reporter: Reporter | None = None) -> PublishedObjects:
    """Bring payloads and manifests into the repo's store, and publish no channel: as ``push``.

    Readers see nothing of it. Raises as ``push``, and VerificationError where the bucket's role
    ``revoked`` is altered or hidden: no publication would stop at that here.
    """
    store = repo.open_store(None)
    prepared = _prepare(repo, store, uncommitted=False, reporter=reporter)
    publication = prepared.publication
    withdrawn_by(publication.bucket, publication.metadata)  # one that is hidden is no empty one
    with publication.turn():
        return _upload(prepared, reporter)


class _Prepared(NamedTuple):
    publication: Publication
    manifests: list[ManifestToPublish]
    payloads: list[CacheObject]
    changes: LocalChanges
    withheld: tuple[str, ...]


def _prepare(
    repo: DataRepo, store: Store, *, uncommitted: bool, reporter: Reporter | None
) -> _Prepared:
    publication = open_publication(repo, store, uncommitted=uncommitted)
    withdrawn = publication.withdrawn
    described = _manifests(repo, publication.metadata)
    refuse_new(
        publication.bucket, publication.metadata, withdrawn, [one.manifest for one in described]
    )
    manifests = [one for one in described if withdrawn.of(one.manifest) is None]
    withheld = [one for one in described if withdrawn.of(one.manifest) is not None]
    artifacts = [m.manifest.artifact for m in manifests]
    changes = find_local_changes(repo.root, artifacts, WorkspaceDigests(repo.root))
    for line in changes.lines:
        (reporter or Silent()).note(line)
    return _Prepared(
        publication=publication,
        manifests=manifests,
        payloads=_payloads(repo, manifests, withdrawn, withheld),
        changes=changes,
        withheld=tuple(one.manifest.artifact.name for one in withheld),
    )


def _upload(prepared: _Prepared, reporter: Reporter | None) -> PublishedObjects:
    publication = prepared.publication
    metadata, before = publication.metadata, publication.withdrawn_before
    manifests = [one.manifest for one in prepared.manifests]
    back = {Sha256(one.artifact.sha256) for one in manifests if before.of(one) is not None}
    return publish_objects(
        publication.store,
        publication.country,
        prepared.payloads,
        prepared.manifests,
        reporter=reporter,
        open_location=open_location,
        vouched=lambda: vouched_in(publication.bucket, metadata, but=back),
    )


def _manifests(repo: DataRepo, metadata: SignedMetadata) -> list[ManifestToPublish]:
    found = []
    for evidence in gather(repo, metadata=metadata):
        manifest = check_agreement(evidence)
        where = manifest_path(repo.settings, evidence.name)
        check_no_secrets(manifest, repo.settings.allowed_params, where=where)
        sidecar = giving_sidecars(repo, manifest)
        found.append(
            ManifestToPublish(manifest=manifest, data=evidence.manifest_data, sidecar=sidecar)
        )
    return found


def _payloads(
    repo: DataRepo,
    manifests: Sequence[ManifestToPublish],
    withdrawn: Withdrawn,
    withheld: Sequence[ManifestToPublish],
) -> list[CacheObject]:
    """Return what is to be in the store: nothing that was withdrawn."""
    never = {one.manifest.artifact.dvc.md5 for one in withheld} | withdrawn.md5s
    artifacts = [m.manifest.artifact for m in manifests]
    found = list(
        cache_objects(
            [output for output in repo.dvc.outputs.values() if output.md5 not in never],
            DvcListings(repo.dvc_config.cache_dir),
            remote=repo.remote_name,
            sha256_by_md5={a.dvc.md5: Sha256(a.sha256) for a in artifacts if not a.is_directory},
        )
    )
    found = [payload for payload in found if payload.md5 not in never]
    check_published(repo, [payload.md5 for payload in found])
    return found
