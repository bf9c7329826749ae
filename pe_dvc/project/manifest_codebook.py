"""The codebook of a dataset: what its model says of the columns, and what ``codebook.yaml`` does.

Made with a new manifest. A manifest that stays keeps its codebook. ADR 0023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.codebook_hooks import model_codebook
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.documents.codebook import EMPTY, Codebook
from pe_dvc.documents.codebook_declaration import FILE, DeclaredCodebook, read_declared_codebook
from pe_dvc.primitives.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.settings import Settings


def make_codebook(manifest: Manifest, root: Path, settings: Settings) -> bytes | None:
    """Return the codebook of a dataset, None where nothing is known of its columns and entities.

    ``root`` and ``settings`` are those of the data repo.

    Raises FormatError and NotFoundError for what ``codebook.yaml`` says, PeDvcError where the model
    that is installed cannot be asked.
    """
    tables = manifest.table.tables
    columns = {column.name for table in tables for column in table.columns}
    if not columns:
        return None
    declared = read_declared(root)
    whole = _of_model(root, settings, declared).overlaid(declared.codebook())
    entities = {*manifest.table.entities, *(whole.variable(name).entity or "" for name in columns)}
    found = whole.only(columns, entities)
    if not found.variables and not found.entities:
        return None
    access = settings.disclosure_rule.access
    return found.model_copy(update={"access": access}).to_bytes()


def declares_more(declared: DeclaredCodebook, manifest: Manifest, kept: bytes | None) -> bool:
    """Tell whether ``codebook.yaml`` says what ``kept``, the codebook of a dataset, does not.

    No model is asked, and what was taken out of ``codebook.yaml`` is not seen.
    """
    before = Codebook.from_bytes(kept, where="its codebook") if kept is not None else EMPTY
    columns = {column.name for table in manifest.table.tables for column in table.columns}
    entities = {*manifest.table.entities, *before.entities}
    now = before.overlaid(declared.codebook()).only(columns, entities)
    return (now.variables, now.entities) != (before.variables, before.entities)


def read_declared(root: Path) -> DeclaredCodebook:
    """Return what ``codebook.yaml`` declares, nothing without one. Raises FormatError."""
    tree = WorkTree(root)
    if not tree.has(FILE):
        return DeclaredCodebook()
    from pe_dvc.adapters.dvc.yaml import read_yaml

    return read_declared_codebook(read_yaml(tree.read(FILE), FILE))


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
