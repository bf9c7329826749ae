"""Weighted totals in a file of DVC's metrics, so that ``dvc metrics diff`` shows what moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.profile import Profile
from pe_dvc.documents.sidecar_files import sidecar_file
from pe_dvc.documents.sidecars import PROFILE
from pe_dvc.primitives.canonical import readable_json

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 1024 * 1024
"""Bytes beyond which there is no such file: hundreds of datasets are no table for people."""


def metrics_path(folder: str) -> str:
    """Return where the metrics lie among the manifests. No manifest is called so: it has a dot."""
    return f"{folder}/weighted.metrics.json"


def metrics_of(folder: str, sidecars: Mapping[str, bytes]) -> bytes | None:
    """Return the weighted totals of all profiles among sidecars, None without any."""
    suffix = sidecar_file(".json", PROFILE)
    found = {
        path[len(folder) + 1 :].removesuffix(suffix): _totals(Profile.from_bytes(data, where=path))
        for path, data in sidecars.items()
        if path.endswith(suffix)
    }
    data = readable_json({name: totals for name, totals in found.items() if totals})
    return data if found and len(data) <= LIMIT else None


def _totals(profile: Profile) -> dict[str, dict[str, float]]:
    """Return the totals by table, of a period by ``table/period``."""
    tables: dict[str, dict[str, float]] = {}
    for table in profile.tables:
        name = table.name if table.period is None else f"{table.name}/{table.period}"
        totals = {c: one.total for c, one in table.columns.items() if one.total is not None}
        tables[name] = {"rows": table.rows, **totals}
    return tables
