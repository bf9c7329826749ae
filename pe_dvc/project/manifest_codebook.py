"""The codebook of a dataset: what its model says of the columns, and what ``codebook.yaml`` does.

Made with a new manifest. A manifest that stays keeps its codebook. ADR 0023.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.adapters.codebook_hooks import model_codebook
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.documents.codebook import EMPTY, Codebook
from pe_dvc.documents.codebook_declaration import FILE, DeclaredCodebook, read_declared_codebook
from pe_dvc.primitives.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.settings import Settings


class Codebooks:
    """The codebooks of a data repo's datasets: model and ``codebook.yaml`` are read once for all.

    What ``codebook.yaml`` says raises FormatError and NotFoundError; PeDvcError is raised where the
    model that is installed cannot be asked.
    """

    def __init__(self, root: Path, settings: Settings) -> None:
        self._root, self._settings = root, settings

    def make(self, manifest: Manifest) -> bytes | None:
        """Return that of a dataset, None where nothing is known of its columns and entities."""
        columns = _columns_of(manifest)
        if not columns:
            return None
        whole = self._whole
        known = (whole.variable(name).entity or "" for name in columns)
        found = whole.only(columns, {*manifest.table.entities, *known})
        if not found.variables and not found.entities:
            return None
        access = self._settings.disclosure_rule.access
        return found.model_copy(update={"access": access}).to_bytes()

    def declares_more(self, manifest: Manifest, kept: bytes | None) -> bool:
        """Tell whether ``codebook.yaml`` says what ``kept``, the codebook of a dataset, does not.

        No model is asked, and what was taken out of ``codebook.yaml`` is not seen.
        """
        declared = self._declared.codebook()
        if declared == EMPTY:
            return False
        before = Codebook.from_bytes(kept, where="its codebook") if kept is not None else EMPTY
        entities = {*manifest.table.entities, *before.entities}
        now = before.overlaid(declared).only(_columns_of(manifest), entities)
        return (now.variables, now.entities) != (before.variables, before.entities)

    @cached_property
    def _whole(self) -> Codebook:
        declared = self._declared
        return _of_model(self._root, self._settings, declared).overlaid(declared.codebook())

    @cached_property
    def _declared(self) -> DeclaredCodebook:
        tree = WorkTree(self._root)
        if not tree.has(FILE):
            return DeclaredCodebook()
        from pe_dvc.adapters.dvc.yaml import read_yaml

        return read_declared_codebook(read_yaml(tree.read(FILE), FILE))


def version_notes(name: str, before: bytes, after: bytes) -> tuple[str, ...]:
    """Return which models' versions a codebook has, where the one ``before`` had others.

    Nothing where ``before`` is no codebook: it was edited, and is written again.
    """
    try:
        had = Codebook.from_bytes(before, where="its codebook").sources
    except FormatError:
        return ()
    has = Codebook.from_bytes(after, where="its codebook").sources
    if had == has or not had:
        return ()
    now, was = (", ".join(f"{s.name} {s.version}" for s in one) or "none" for one in (has, had))
    return (f"{name}: the codebook has labels of {now}, before of {was}",)


def _columns_of(manifest: Manifest) -> set[str]:
    return {column.name for table in manifest.table.tables for column in table.columns}


def _of_model(root: Path, settings: Settings, declared: DeclaredCodebook) -> Codebook:
    file = declared.model_file
    if file is not None:
        tree = WorkTree(root)
        if not tree.has(file):
            raise NotFoundError(
                f"{file}, which is `model` in {FILE}, is not there",
                remedy="Make it in the model's environment: pe-dvc codebook write -o FILE.",
            )
        return Codebook.from_bytes(tree.read(file), where=file)
    if settings.model_package is None or not declared.asks_installed_model:
        return EMPTY
    return model_codebook(settings.model_package) or EMPTY
