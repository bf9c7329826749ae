"""Which files of a repo are DVC's own. Their formats are read in ``pe_dvc.adapters.dvc``."""

from __future__ import annotations

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


def _name(path: str) -> str:
    return path.rpartition("/")[2]
