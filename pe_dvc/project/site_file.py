"""``pe-dvc site build --single-file``: the pages of what is published, in one file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.project.site import BuiltSite, static_files
from pe_dvc.project.site_catalog import read_catalog, web_addresses
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.project.site_catalog import Source


def build_site_file(
    file: Path,
    countries: Sequence[str] = (),
    *,
    source: Source = "bucket",
    store: str | None = None,
    bucket_urls: Sequence[str] = (),
) -> BuiltSite:
    """Write a site as one file (``pe_dvc.build_site_file``)."""
    from pe_dvc.adapters.page_templates import PageTemplates
    from pe_dvc.usecases.site.filters import FILTERS
    from pe_dvc.usecases.site.single_file import single_file

    buckets, templates = web_addresses(bucket_urls), PageTemplates(FILTERS)
    file = file.absolute()
    _check_replaceable(file)
    catalog = replace(read_catalog(countries, store, source), bucket_urls=buckets)
    data = single_file(catalog, templates.render, static_files())
    with writing_to(file.parent):
        ConfinedTree(file.parent).write(file.name, data)
    return BuiltSite(
        directory=file.parent,
        file=file,
        sha256=sha256_bytes(data),
        files=1,
        datasets=catalog.size,
        problems=catalog.problems,
        lacking=catalog.lacking,
    )


def _check_replaceable(file: Path) -> None:
    """Raise ConflictError for a file that is no site."""
    from pe_dvc.usecases.site.single_file import BEGINNING

    with suppress(FileNotFoundError), file.open("rb") as existing:
        if existing.read(len(BEGINNING)) != BEGINNING:
            raise ConflictError(
                f"{file} is no site that pe-dvc built",
                remedy="Name another file, or remove that one.",
            )
