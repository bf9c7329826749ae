"""The sidecars that ``pe-dvc manifest write`` makes beside manifests. ADR 0020."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.documents.codebook_declaration import FILE
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.sidecar_files import CODEBOOK, PROFILE, is_sidecar_file, sidecar_file
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.documents.sidecars import Sidecar
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project.content_sidecars import find_sidecar
from pe_dvc.project.manifest_codebook import version_notes
from pe_dvc.project.metrics_file import write_metrics
from pe_dvc.project.profile import make_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pe_dvc.documents.sidecar_refs import SidecarRef
    from pe_dvc.project.manifest_codebook import Codebooks
    from pe_dvc.project.sidecar_subject import Subject
    from pe_dvc.store.confined import ConfinedTree

MAKERS: dict[str, Callable[[Manifest, Subject], bytes | None]] = {
    CODEBOOK: lambda manifest, of: of.codebooks.make(manifest),
    PROFILE: make_profile,
}
"""What makes each kind of sidecar: its bytes, or None for a dataset that has none of the kind.

The same manifest and the same files must give the same bytes.
"""


class SidecarFiles:
    """The sidecars of a data repo: settled for each manifest first, then written together."""

    def __init__(
        self,
        root: Path,
        folder: str,
        codebooks: Codebooks,
        manifests: Iterable[str] | None = None,
    ) -> None:
        """Take the sidecars of ``manifests``, by path, and leave the others; None for all."""
        self._root, self._folder, self._codebooks = root, folder, codebooks
        self._wanted: dict[str, bytes] = {}
        self._own: set[str] | None = None
        if manifests is not None:
            self._own = {sidecar_file(path, kind) for path in manifests for kind in MAKERS}

    def settle(
        self, path: str, data: bytes, manifest: Manifest, subject: Subject, *, stays: bool
    ) -> bytes:
        """Return the bytes of the manifest at ``path``, and keep in mind its sidecars' files.

        May be called from several threads.

        A new one gets sidecars. One that ``stays``, with the bytes ``data``, keeps those that it
        names: they are looked for here and in git, and made again last. Raises NotFoundError for
        one that none of this gives.
        """
        if stays:
            for kind, named in content_sidecars(Manifest.from_bytes(data)).items():
                file = sidecar_file(path, kind)
                self._wanted[file] = self._kept(file, named, manifest, subject)
            return data
        made = {kind: make(manifest, subject) for kind, make in MAKERS.items()}
        found = {kind: one for kind, one in made.items() if one is not None}
        self._wanted |= {sidecar_file(path, kind): one for kind, one in found.items()}
        sidecars = {kind: Sidecar.of(one) for kind, one in found.items()}
        return manifest.model_copy(update={"sidecars": sidecars}).to_bytes()

    def _kept(self, file: str, named: SidecarRef, manifest: Manifest, subject: Subject) -> bytes:
        try:
            return find_sidecar(self._root, file, named)
        except NotFoundError:
            make = MAKERS.get(named.kind)
            again = make(manifest, subject) if make is not None else None
            if again is None or sha256_bytes(again) != named.sha256:
                raise
            return again

    def outdated(self, path: str, manifest: Manifest) -> tuple[str, ...]:
        """Return what declares more of a dataset than its settled sidecars say. FormatError."""
        kept = self._wanted.get(sidecar_file(path, CODEBOOK))
        return (FILE,) if self._codebooks.declares_more(manifest, kept) else ()

    def notes(self, path: str, name: str) -> tuple[str, ...]:
        """Return what a person should know of a dataset's new sidecars, before they are written."""
        file, here = sidecar_file(path, CODEBOOK), WorkTree(self._root)
        if file not in self._wanted or not here.has(file):
            return ()
        return version_notes(name, here.read_signed(file), self._wanted[file])

    def write(self, tree: ConfinedTree) -> None:
        """Write the sidecars that changed, and metrics; remove what no manifest names any more."""
        here = WorkTree(self._root)
        for file, data in self._wanted.items():
            if not here.has(file) or here.read_signed(file) != data:
                tree.write(file, data, durable=True)
        for file in list(here.files(self._folder)):
            if (
                is_sidecar_file(file)
                and file not in self._wanted
                and (self._own is None or file in self._own)
            ):
                tree.unlink(file)
                tree.remove_empty_folders(file.rpartition("/")[0], below=self._folder)
        write_metrics(self._root, self._folder)
