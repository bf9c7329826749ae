"""What the files of sidecars are called, beside the manifests in a data repo."""

from __future__ import annotations

import re

PROFILE = "profile"
CODEBOOK = "codebook"
"""The kinds that pe_dvc makes (``documents.sidecars``)."""

_SUFFIX = ".json"
_FILE = re.compile(r"([^.]+)\.([a-z]{2,32})\.json")


def sidecar_file(manifest_file: str, kind: str) -> str:
    """Return the file of a sidecar beside the file of its manifest, ``NAME.json``."""
    return f"{manifest_file.removesuffix('.json')}.{kind}.json"


def is_sidecar_file(path: str) -> bool:
    """Tell whether a file among the manifests is a sidecar: names of datasets have no dot."""
    return _FILE.fullmatch(path.rpartition("/")[2]) is not None
