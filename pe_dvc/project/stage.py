"""Staging: payloads and manifests of one machine's builds, for another one to sign and publish.

Nothing is signed here and no channel moves, so that neither keys nor write access to metadata is
needed. What is signed later is what the signer has in git: ADR 0034.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.cache import DvcListings
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.result import Result
from pe_dvc.project.content_sidecars import giving_sidecars
from pe_dvc.project.dvc_cache import check_published
from pe_dvc.project.publication import open_publication
from pe_dvc.project.repo_files import manifest_path
from pe_dvc.project.stores import open_location
from pe_dvc.project.verify import gather
from pe_dvc.usecases.publish.cache_objects import cache_objects
from pe_dvc.usecases.publish.objects import ManifestToPublish, publish_objects
from pe_dvc.usecases.publish.preconditions import check_described, check_no_secrets
from pe_dvc.usecases.revoke.publication import refuse_new
from pe_dvc.usecases.revoke.withdrawn import publication_error, withdrawn_by

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.checkout.verify import Evidence
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.publish.cache_objects import CacheObject
    from pe_dvc.usecases.publish.objects import PublishedObjects


@dataclass(frozen=True, kw_only=True)
class Staged(Result):
    """What was staged, in which store: ``names`` of datasets, and what became of the objects."""

    store: str
    names: tuple[str, ...]
    objects: PublishedObjects


def stage(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    store: str | None = None,
    reporter: Reporter | None = None,
) -> Staged:
    """Bring payloads and manifests into the store, and sign nothing: those that were built here.

    These are the datasets of ``names``, else all whose bytes are in DVC's cache and that have a
    manifest. Nothing need be committed, and no channel point to them. Raises NotFoundError where
    there is none, VerificationError for a dataset that does not agree with its manifest, or a
    manifest that would publish a secret, RevokedError for one that is withdrawn, ConflictError
    where another manifest of the same bytes is there, DigestMismatchError and StoreError.
    """
    return stage_to(repo, repo.open_store(store), names, reporter=reporter)


def stage_to(
    repo: DataRepo,
    store: Store,
    names: Sequence[str] = (),
    *,
    reporter: Reporter | None = None,
) -> Staged:
    """Do what ``stage`` does, in a store that is open."""
    publication = open_publication(repo, store, uncommitted=True)
    withdrawn_by(publication.bucket, publication.metadata)  # one that is hidden is no empty one
    withdrawn = publication.withdrawn
    gathered = gather(repo, names, metadata=publication.metadata)
    described = [_described(repo, one) for one in (gathered if names else _built(repo, gathered))]
    refuse_new(
        publication.bucket, publication.metadata, withdrawn, [one.manifest for one in described]
    )
    for one in described:
        if (found := withdrawn.of(one.manifest)) is not None:
            raise publication_error(found, asked=one.manifest.reference, remedy=_WITHDRAWN)
    payloads = _payloads(repo, described, withdrawn.md5s)
    with publication.turn():
        objects = publish_objects(
            store,
            repo.country,
            payloads,
            described,
            reporter=reporter,
            open_location=open_location,
        )
    names = [one.manifest.artifact.name for one in described]
    return Staged(store=store.url, names=tuple(sorted(names)), objects=objects)


_WITHDRAWN = "Nothing was staged. Build the dataset from other data."


def _built(repo: DataRepo, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the datasets that were built on this machine. Raises NotFoundError for none."""
    cache = DvcListings(repo.dvc_config.cache_dir)
    found = [
        one
        for one in evidence
        if one.manifest is not None and cache.path(one.manifest.artifact.dvc.md5).exists()
    ]
    if not found:
        raise NotFoundError(
            "no dataset that dvc.yaml declares was built here: none has a manifest, and its bytes "
            f"in DVC's cache ({repo.dvc_config.cache_dir})",
            remedy="Build one, write its manifest, and stage it.",
        )
    return found


def _described(repo: DataRepo, evidence: Evidence) -> ManifestToPublish:
    manifest = check_described(evidence)
    where = manifest_path(repo.settings, evidence.name)
    check_no_secrets(manifest, repo.settings.allowed_params, where=where)
    sidecar = giving_sidecars(repo, manifest)
    return ManifestToPublish(manifest=manifest, data=evidence.manifest_data, sidecar=sidecar)


def _payloads(
    repo: DataRepo, described: Sequence[ManifestToPublish], never: Collection[str]
) -> list[CacheObject]:
    """Return what DVC's cache has here, as for ``pe-dvc push``; the rest is built elsewhere.

    Of a directory whose listing is here all must be, here or in the store.
    """
    artifacts = [one.manifest.artifact for one in described]
    cache = DvcListings(repo.dvc_config.cache_dir)
    here = [
        output
        for output in repo.dvc.outputs.values()
        if output.md5 not in never and output.md5 and cache.path(output.md5).exists()
    ]
    found = cache_objects(
        here,
        cache,
        remote=repo.remote_name,
        sha256_by_md5={a.dvc.md5: Sha256(a.sha256) for a in artifacts if not a.is_directory},
    )
    payloads = [payload for payload in found if payload.md5 not in never]
    check_published(repo, [payload.md5 for payload in payloads])
    return payloads
