"""The copies that mirrors hold of datasets, as policyengine's release manifests list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.mirrors import mirror_kind
from pe_dvc.project.repo_files import read_manifests

if TYPE_CHECKING:
    from pe_dvc.documents.release import PreservationMirror
    from pe_dvc.project.repo import DataRepo


def preservation(repo: DataRepo) -> dict[str, list[PreservationMirror]]:
    """Return an entry for each dataset of the checkout and each mirror that holds it.

    A directory has none: its bytes are many objects.
    """
    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.release import PreservationMirror

    found = {}
    for name, (manifest, _) in read_manifests(repo.tree, repo.settings, ManifestHead).items():
        artifact = manifest.artifact
        if artifact.is_directory:
            continue
        found[name] = [
            PreservationMirror(
                kind=mirror_kind(mirror.url),
                url=f"{mirror.url.rstrip('/')}/{artifact.key}",
                doi=mirror.doi,
                sha256=artifact.sha256,
            )
            for _, mirror in sorted(repo.settings.mirrors.items())
            if not mirror.is_hub  # which files it has is for its own manifest to say
            and mirror.takes_country(repo.country)
            and mirror.takes_dataset(name)
        ]
    return found
