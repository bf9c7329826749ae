"""What a model says of its variables, written where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.codebook_hooks import GROUP, is_installed, model_codebook
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.local_copies import check_output

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.codebook import Codebook


def write_codebook(package: str, output: Path) -> Codebook:
    """Write what a model package says of its variables (``pe_dvc.write_codebook``)."""
    if not is_installed(package):
        raise NotFoundError(
            f"{package} is not installed here",
            remedy="Run this in the environment of the model, with its package's name.",
        )
    check_output(output)
    found = model_codebook(package)
    if found is None:
        raise NotFoundError(
            f"no installed package says what the variables of {package} mean",
            remedy=f"It must depend on policyengine-core, or have an entry point {GROUP}.",
        )
    output = output.absolute()
    with writing_to(output):
        ConfinedTree(output.parent).write(output.name, found.to_bytes())
    return found
