"""What git's earlier commits describe, as far as DVC's cache still has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.cache import DvcListings
from pe_dvc.documents.dvc_output import Output
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import ConflictError, NotFoundError, VerificationError
from pe_dvc.project.content_sidecars import giving_cached_sidecars
from pe_dvc.project.git_manifests import committed_manifest
from pe_dvc.usecases.publish.cache_objects import cache_objects
from pe_dvc.usecases.publish.objects import ManifestToPublish, publish_objects

if TYPE_CHECKING:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import Store


class EarlierBuilds:
    """Brings builds into ``store`` that were committed between two pushes."""

    def __init__(self, repo: DataRepo, store: Store) -> None:
        self._repo, self._store = repo, store

    def __call__(self, pointer: Pointer) -> bool:
        """Bring what a pointer points to; tell whether it could be done. Raises StoreError."""
        committed = committed_manifest(self._repo, pointer)
        if committed is None:
            return False
        manifest, data = committed
        artifact = manifest.artifact
        output = Output(path=artifact.path, md5=artifact.dvc.md5)
        sha256 = {} if artifact.is_directory else {artifact.dvc.md5: Sha256(artifact.sha256)}
        listings = DvcListings(self._repo.dvc_config.cache_dir)
        if not listings.path(artifact.dvc.md5).exists():
            return False
        payloads = list(cache_objects([output], listings, remote=None, sha256_by_md5=sha256))
        described = ManifestToPublish(
            manifest=manifest, data=data, sidecar=giving_cached_sidecars(self._repo, manifest)
        )
        try:
            publish_objects(self._store, self._repo.country, payloads, [described])
        except (ConflictError, NotFoundError, VerificationError):
            return False
        return True
