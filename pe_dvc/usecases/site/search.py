"""What the search of a site looks in: names, labels and descriptions of datasets and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.printable import printable
from pe_dvc.usecases.site import places
from pe_dvc.usecases.site.filters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.usecases.site.catalog import CountryCatalog
    from pe_dvc.usecases.site.variables import VariableView

LONGEST_TEXT = 200
"""Characters of a description that are searched."""

Entry = list[str]
"""Kind, country, name, label, description and the path of the page, as static/search.js has it."""


def search_entries(country: CountryCatalog, variables: list[VariableView]) -> Iterator[Entry]:
    """Yield what can be found of a country, datasets first."""
    for entry in country.datasets:
        dataset = entry.current.dataset
        text = dataset.description if dataset is not None else ""
        page = places.dataset_page(country.country, entry.name)
        yield _entry("dataset", country.country, entry.name, "", text, page)
    for view in variables:
        label, text = view.variable.label or "", view.variable.description or ""
        page = places.variable_page(country.country, view.name)
        yield _entry("variable", country.country, view.name, label, text, page)


def search_document(entries: list[Entry]) -> dict[str, Any]:
    """Return the file that a browser loads when something is searched."""
    return {"entries": entries}


def _entry(kind: str, country: str, name: str, label: str, text: str, page: str) -> Entry:
    texts = (printable(one_line(each)) for each in (name, label, text))
    name, label, text = texts
    return [kind, country, name, label, text[:LONGEST_TEXT], page]
