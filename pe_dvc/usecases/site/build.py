"""Builds a site: the files of its pages. The same catalog gives the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.usecases.site import places
from pe_dvc.usecases.site.dataset_view import dataset_view
from pe_dvc.usecases.site.figures import rows_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.usecases.site.catalog import Catalog, CatalogDataset, CountryCatalog


class Render(Protocol):
    """Writes a page by its template (``pe_dvc.adapters.page_templates``)."""

    def __call__(self, name: str, **values: Any) -> bytes:
        """Return the page that a template makes of values."""
        ...


class SiteBuilder:
    """Writes the pages of a catalog. ``static`` are the files beside them, by path."""

    def __init__(self, catalog: Catalog, render: Render, static: Mapping[str, bytes]) -> None:
        self._catalog, self._render, self._static = catalog, render, static

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield every file of the site, by its path; the list of them is the last one."""
        digests: dict[str, str] = {}
        for path, data in self._all():
            digests[path] = sha256_bytes(data)
            yield path, data
        yield places.FILES, readable_json({"schema_version": 1, "files": digests})

    def _all(self) -> Iterator[tuple[str, bytes]]:
        yield from sorted(self._static.items())
        yield places.HOME, self._page(places.HOME, "home.html", title="Datasets")
        for country in self._catalog.countries:
            yield places.root_file(country.country), country.root
            for dataset in country.datasets:
                yield self._dataset(country, dataset)

    def _dataset(self, country: CountryCatalog, entry: CatalogDataset) -> tuple[str, bytes]:
        path = places.dataset_page(entry.country, entry.name)
        view = dataset_view(entry, self._catalog.bucket_url)
        template = "dataset.html" if view is not None else "unreadable.html"
        data = self._page(
            path,
            template,
            title=f"{entry.name}, {entry.country}",
            country=country,
            entry=entry,
            view=view,
        )
        return path, data

    def _page(self, path: str, template: str, *, title: str, **values: Any) -> bytes:
        return self._render(
            template,
            title=title,
            link=lambda target: places.link(path, target),
            places=places,
            catalog=self._catalog,
            has_panel=places.PANEL in self._static,
            connect=_origin(self._catalog.bucket_url),
            rows_text=rows_text,
            **values,
        )


def _origin(url: str | None) -> str:
    """Return what pages may connect to beside their own origin: that of the bucket, if any."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
