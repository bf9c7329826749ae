"""What search engines for data read of a dataset's page: schema.org's ``Dataset``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.citation import cite_text
from pe_dvc.documents.dataset import PUBLISHER
from pe_dvc.usecases.site.filters import is_web_address

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset

LONGEST_DESCRIPTION = 5000
"""Characters that Google's dataset search takes."""


def to_schema_org(dataset: Dataset, page_url: str | None, *, gated: bool) -> dict[str, Any]:
    """Return JSON-LD of a dataset. ``page_url`` is the address of its page, if that is known."""
    organization = {"@type": "Organization", "name": PUBLISHER}
    licence = dataset.licence
    found = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": dataset.name,
        "description": dataset.description[:LONGEST_DESCRIPTION],
        "identifier": dataset.pin,
        "url": page_url,
        "version": dataset.version,
        "dateCreated": dataset.built_on,
        "license": licence if is_web_address(licence) else None,
        "citation": cite_text(dataset),
        "creator": organization,
        "publisher": organization,
        "isAccessibleForFree": not gated,
        "conditionsOfAccess": "on application" if gated else None,
        "variableMeasured": list(dict.fromkeys(column.name for column in dataset.columns)),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}
