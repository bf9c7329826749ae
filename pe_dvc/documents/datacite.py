"""A dataset in DataCite's metadata schema 4.5, as its REST API takes it: ready for a DOI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dataset import PUBLISHER
from pe_dvc.primitives.sizes import bytes_text

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset

SCHEMA = "http://datacite.org/schema/kernel-4"


def to_datacite(dataset: Dataset) -> dict[str, Any]:
    """Return the attributes of a record; the DOI itself is for the repository to give."""
    artifact = dataset.manifest.artifact
    found = {
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": artifact.kind},
        "creators": [{"name": PUBLISHER, "nameType": "Organizational"}],
        "titles": [{"title": dataset.name}],
        "publisher": {"name": PUBLISHER},
        "publicationYear": dataset.year,
        "dates": _dates(dataset),
        "alternateIdentifiers": [
            {"alternateIdentifier": dataset.pin, "alternateIdentifierType": "pe-data reference"},
            {"alternateIdentifier": artifact.sha256, "alternateIdentifierType": "sha256"},
        ],
        "sizes": [bytes_text(artifact.size), *_rows(dataset)],
        "formats": [artifact.media_type],
        "version": dataset.version,
        "rightsList": _rights(dataset),
        "descriptions": [
            {"description": dataset.description, "descriptionType": "Abstract"},
            *_citation(dataset),
        ],
        "schemaVersion": SCHEMA,
    }
    return {key: value for key, value in found.items() if value}


def _dates(dataset: Dataset) -> list[dict[str, str]]:
    return [{"date": dataset.built_on, "dateType": "Created"}] if dataset.built_on else []


def _rows(dataset: Dataset) -> list[str]:
    return [f"{table.name}: {table.rows:,} rows" for table in dataset.manifest.table.tables]


def _rights(dataset: Dataset) -> list[dict[str, str]]:
    rights = [{"rights": dataset.licence}] if dataset.licence else []
    # COAR's vocabulary of access rights, as DataCite recommends.
    gated = {
        "rights": "restricted access",
        "rightsUri": "http://purl.org/coar/access_right/c_16ec",
    }
    return [*rights, gated] if dataset.access == "gated" else rights


def _citation(dataset: Dataset) -> list[dict[str, str]]:
    about = dataset.manifest.about
    if about is None or not about.citation:
        return []
    text = " ".join(about.citation.split())
    return [{"description": f"Cite as: {text}", "descriptionType": "Other"}]
