"""What of a dataset's documents a site may show. ADR 0012, ADR 0026.

Of a gated dataset: names, types, meanings, how it was made, and figures that its rule allows. Left
out are single values that stand in a file beside its tables, and parameters of the build, which
people write freely.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.documents.disclosure import Count
from pe_dvc.usecases.site.figures import allowed

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset
    from pe_dvc.documents.diff import DatasetChanges
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.manifest import Manifest


def safe_dataset(dataset: Dataset, rule: Disclosure) -> Dataset:
    """Return a dataset with no more than its rule allows."""
    return replace(
        dataset,
        manifest=_safe_manifest(dataset.manifest) if rule.is_gated else dataset.manifest,
        profile=allowed(dataset.profile, rule),
    )


def safe_changes(changes: DatasetChanges, rule: Disclosure) -> DatasetChanges:
    """Return differences without numbers of rows that may not be said."""
    rows = {
        name: change
        for name, change in changes.rows.items()
        if all(rule.number(Count(number or 0, "row")) is not None for number in change)
    }
    return replace(changes, rows=rows)


def _safe_manifest(manifest: Manifest) -> Manifest:
    members = tuple(m.model_copy(update={"value": None}) for m in manifest.table.members)
    table = manifest.table.model_copy(update={"members": members})
    inputs = manifest.inputs.model_copy(update={"params": {}})
    return manifest.model_copy(update={"table": table, "inputs": inputs})
