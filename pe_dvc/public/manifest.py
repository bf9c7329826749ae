"""``pe_dvc.Repo.manifest``: the commands ``pe-dvc manifest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.public.arguments import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.project.manifest import Written


class ManifestCommands:
    """Writes the manifests of a data repo."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, names: Sequence[str] = ()) -> list[Written]:
        """Write the manifest of every dataset that dvc.yaml declares, or of ``names``, all or none.

        Raises FormatError, NotFoundError, and DigestMismatchError for a file that changed since
        DVC hashed it.
        """
        from pe_dvc.project.manifest import write_manifests
        from pe_dvc.project.root import find_root

        return write_manifests(find_root(self._path), names_of(names))

    def adopt(self, name: str, *, store: str | None = None) -> Path:
        """Replace a manifest by the one that was published first for the same bytes.

        Returns its path. Raises NotFoundError, VerificationError and StoreError.
        """
        from pe_dvc.project.manifest_adopt import adopt_manifest
        from pe_dvc.project.repo import DataRepo

        return adopt_manifest(DataRepo.find(self._path), name, store=store)
