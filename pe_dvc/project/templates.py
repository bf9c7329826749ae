"""The starter files: ``templates/`` of the source, which is in the installed package, too."""

from __future__ import annotations

from pathlib import Path

from pe_dvc.store.plain_files import read_document

_PACKAGE = Path(__file__).parents[1]


def read_template(name: str) -> str:
    """Return the text of a starter file, such as ``dvc.yaml``."""
    installed = _PACKAGE / "templates"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "templates"
    return read_document(folder / name).decode()
