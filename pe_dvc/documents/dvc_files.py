"""Which files of a repo are DVC's own. Their formats are read in ``pe_dvc.adapters.dvc``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PIPELINE = "dvc.yaml"
LOCK = "dvc.lock"


def is_dvc_file(path: str) -> bool:
    """Tell whether DVC reads what it tracks, or how that is made, from the file ``path``."""
    return is_pipeline(path) or records_hashes(path)


def is_pipeline(path: str) -> bool:
    """Tell whether ``path`` is a dvc.yaml, of whatever folder."""
    return _name(path) == PIPELINE


def is_dvcfile(path: str) -> bool:
    """Tell whether ``path`` is a file such as ``raw.csv.dvc``, which ``dvc add`` writes."""
    return path.endswith(".dvc")


def records_hashes(path: str) -> bool:
    """Tell whether DVC records hashes of data in the file ``path``."""
    return _name(path) == LOCK or is_dvcfile(path)


def tracking_files(names: Iterable[str]) -> list[str]:
    """Return those of the names in one folder that say what DVC tracks: dvc.yaml and ``*.dvc``."""
    return [name for name in names if is_pipeline(name) or is_dvcfile(name)]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
