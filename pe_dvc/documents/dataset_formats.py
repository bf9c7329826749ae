"""The formats in which others read what a dataset is: one row of a table for each."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.names import say_which_there_are

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset

# name: (module, function). A function returns text, or plain JSON values.
_FORMATS = {
    "bibtex": ("citation", "cite_bibtex"),
    "citation": ("citation", "cite_text"),
    "croissant": ("croissant", "to_croissant"),
    "datacite": ("datacite", "to_datacite"),
    "datapackage": ("data_package", "to_data_package"),
    "ddi": ("ddi", "to_ddi"),
    "jsonschema": ("json_schema", "to_json_schema"),
}

WITH_STATISTICS = frozenset({"ddi"})
"""Formats that say what a profile does."""


def as_format(dataset: Dataset, name: str) -> str:
    """Return a dataset in a format, as text that ends without a line break.

    Raises NotFoundError for a format that is not known.
    """
    if name not in _FORMATS:
        raise NotFoundError(
            f"there is no format {name!r}", remedy=say_which_there_are(name, list(_FORMATS))
        )
    module, function = _FORMATS[name]
    found: Any = getattr(import_module(f"pe_dvc.documents.{module}"), function)(dataset)
    return found.strip() if isinstance(found, str) else json.dumps(found, indent=2)
