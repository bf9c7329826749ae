"""The profile that ``pe-dvc manifest write`` makes of a dataset's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.primitives.errors import FormatError
from pe_dvc.usecases.checkout.profile_plan import plan_profile

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.sidecar_subject import Subject


def make_profile(manifest: Manifest, subject: Subject) -> bytes | None:
    """Return the profile of a dataset; None where it has no tables, or wants none."""
    plans = plan_profile(manifest)
    if not plans or not subject.declaration.meta.profile:
        return None
    from pe_dvc.adapters.tables.profile import profile_of

    file, kind = subject.file, manifest.table.format
    try:
        found = shielded(lambda: profile_of(file, kind, plans), label=file.label, rule=file.rule)
    except FormatError:  # what cannot be read has no profile, as it has no content digest
        return None
    return found.to_bytes()
