"""Weighted totals in a file of DVC's metrics, so that ``dvc metrics diff`` shows what moved.

DVC hashes it with the manifests: all that writes these makes it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.documents.sidecar_files import PROFILE, sidecar_file
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.confined import ConfinedTree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIMIT = 1024 * 1024
"""Bytes beyond which there is no such file: hundreds of datasets are no table for people."""


def metrics_path(folder: str) -> str:
    """Return where the metrics lie among the manifests. No manifest is called so: it has a dot."""
    return f"{folder}/weighted.metrics.json"


def write_metrics(root: Path, folder: str) -> str | None:
    """Write the totals of the profiles in ``folder``; return the file, None if it was so already.

    Where there are none, or too many, there is no file.
    """
    here, tree, path = WorkTree(root), ConfinedTree(root), metrics_path(folder)
    suffix = sidecar_file(".json", PROFILE)
    profiles = {
        file[len(folder) + 1 :].removesuffix(suffix): here.read_signed(file)
        for file in here.files(folder)
        if file.endswith(suffix)
    }
    wanted, before = _metrics(profiles), here.read_signed(path) if here.has(path) else None
    if wanted == before:
        return None
    if wanted is None:
        tree.unlink(path)
    else:
        tree.write(path, wanted, durable=True)
    return path


def _metrics(profiles: Mapping[str, bytes]) -> bytes | None:
    totals = {name: _totals(data) for name, data in sorted(profiles.items())}
    known = {name: found for name, found in totals.items() if found}
    data = readable_json(known)
    return data if known and len(data) <= LIMIT else None


def _totals(profile: bytes) -> dict[str, dict[str, Any]]:
    """Return the totals by table, of a period by ``table/period``.

    Not checked as a ``Profile``, which takes time: hundreds are read at each build. One that is
    damaged has no totals; `pe-dvc verify` names it.
    """
    try:
        return dict(map(_table, read_json(profile, what="a profile")["tables"]))
    except (FormatError, KeyError, TypeError, AttributeError):
        return {}


def _table(table: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    period = table.get("period")
    name = table["name"] if period is None else f"{table['name']}/{period}"
    columns = table["columns"].items()
    totals = {column: one["total"] for column, one in columns if one.get("total") is not None}
    return name, {"rows": table["rows"], **totals}
