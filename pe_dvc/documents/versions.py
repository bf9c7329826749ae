"""Which versions of a document this pe_dvc reads. ADR 0001."""

from __future__ import annotations

from pe_dvc.primitives.errors import UnsupportedVersionError

SUPPORTED = 1
"""The major version of every schema that is written."""


def check_version(kind: str, document: object, *, where: str | None = None) -> None:
    """Refuse a document of a newer major version: its fields may mean something else.

    A newer *minor* version only adds fields, which a reader keeps and ignores.
    """
    version = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > SUPPORTED:
        raise UnsupportedVersionError(
            f"this {kind} has schema version {version}, and this pe_dvc reads "
            f"versions up to {SUPPORTED}",
            where=where,
            remedy="Upgrade pe_dvc.",
        )
