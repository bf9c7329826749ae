"""Builds a site: the files of its pages. The same catalog gives the same bytes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

from pe_dvc.documents.keys import TRO, release_key
from pe_dvc.documents.manifest_view import what_it_is
from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.usecases.site import api, places
from pe_dvc.usecases.site.dataset_view import dataset_view
from pe_dvc.usecases.site.figures import rows_text
from pe_dvc.usecases.site.json_ld import to_schema_org
from pe_dvc.usecases.site.layout import EACH_IN_A_FILE
from pe_dvc.usecases.site.search import search_document, search_entries
from pe_dvc.usecases.site.variables import variables_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pe_dvc.usecases.site.catalog import Catalog, CatalogDataset, CountryCatalog
    from pe_dvc.usecases.site.layout import Layout
    from pe_dvc.usecases.site.search import Entry
    from pe_dvc.usecases.site.variables import VariableView


class Render(Protocol):
    """Writes a page by its template (``pe_dvc.adapters.page_templates``)."""

    def __call__(self, name: str, **values: Any) -> bytes:
        """Return the page that a template makes of values."""
        ...


class SiteBuilder:
    """Writes the pages of a catalog. ``static`` are the files beside them, by path."""

    def __init__(
        self,
        catalog: Catalog,
        render: Render,
        static: Mapping[str, bytes],
        layout: Layout = EACH_IN_A_FILE,
    ) -> None:
        self._catalog, self._render, self._static = catalog, render, static
        self._layout = layout

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield every file of the site, by its path; the list of them is the last one."""
        digests: dict[str, str] = {}
        for path, data in self._all():
            digests[path] = sha256_bytes(data)
            yield path, data
        for country in self._catalog.countries:
            yield places.seen_file(country.country), country.seen or b"{}\n"
        if self._catalog.url is not None:
            pages = sorted(path for path in digests if path.endswith(".html"))
            data = self._render("sitemap.xml", addresses=map(self._address, pages))
            digests[places.SITEMAP] = sha256_bytes(data)
            yield places.SITEMAP, data
        # Signed by itself, and signed again each day: the rest is the same until something changes.
        signed = [places.seen_file(country.country) for country in self._catalog.countries]
        listed = {"schema_version": 1, "files": digests, "signed": signed}
        yield places.FILES, readable_json(listed)

    def _all(self) -> Iterator[tuple[str, bytes]]:
        yield from sorted(self._static.items())
        yield self._page(places.HOME, "home.html", title="Datasets")
        yield places.API_INDEX, api.to_bytes(api.index(self._catalog))
        found: list[Entry] = []
        for country in self._catalog.countries:
            variables = list(variables_of(country))
            found += search_entries(country, variables)
            yield from self._country(country, variables)
        yield places.SEARCH_JSON, api.to_bytes(search_document(found))

    def _country(
        self, country: CountryCatalog, variables: list[VariableView]
    ) -> Iterator[tuple[str, bytes]]:
        code = country.country
        yield places.root_file(code), country.root
        yield places.country_json(code), api.to_bytes(api.country_index(country))
        for entry in country.datasets:
            yield from self._dataset(country, entry)
        yield from self._variables(country, variables)
        yield from self._releases(country)
        for one in country.withdrawn:
            path = places.withdrawn_page(code, one.sha256)
            title = f"Withdrawn: {one.name}, {code}"
            given = {"country": country, "entry": one, "names": _names(country)}
            yield self._page(path, "withdrawn.html", title=title, **given)

    def _dataset(
        self, country: CountryCatalog, entry: CatalogDataset
    ) -> Iterator[tuple[str, bytes]]:
        path = places.dataset_page(entry.country, entry.name)
        title = f"{entry.name}, {entry.country}"
        page = partial(self._page, path, title=title, country=country, entry=entry)
        yield from _documents(entry)
        has_scripts = places.PARQUET in self._static
        view = dataset_view(entry, self._downloads, has_scripts=has_scripts)
        if view is None:
            yield page("unreadable.html")
            return
        address = self._address(path) if self._catalog.url is not None else None
        json_ld = to_schema_org(view.dataset, address, gated=entry.current.rule.is_gated)
        yield page("dataset.html", view=view, json_ld=json_ld)
        yield places.croissant_json(entry.country, entry.name), api.croissant(view.dataset)

    def _variables(
        self, country: CountryCatalog, views: list[VariableView]
    ) -> Iterator[tuple[str, bytes]]:
        document = api.variables_document(views)
        yield places.variables_json(country.country), api.to_bytes(document)
        for view in views:
            path = places.variable_page(country.country, view.name)
            title = f"{view.name}, {country.country}"
            yield self._page(path, "variable.html", title=title, country=country, view=view)

    def _releases(self, country: CountryCatalog) -> Iterator[tuple[str, bytes]]:
        names = _names(country)
        withdrawn = {one.sha256 for one in country.withdrawn}
        for release in country.releases:
            tag = release.released.tag
            yield self._page(
                places.release_page(country.country, tag),
                "release.html",
                title=f"Release {tag}, {country.country}",
                country=country,
                release=release,
                names=names,
                withdrawn=withdrawn,
                tro=self._bucket_address(release_key(country.country, tag, TRO)),
            )

    def _page(self, path: str, template: str, *, title: str, **values: Any) -> tuple[str, bytes]:
        data = self._render(
            template,
            title=title,
            path=path,
            layout=self._layout.template,
            link=lambda target: self._layout.link(path, target),
            anchor=lambda name: self._layout.anchor(path, name),
            site="#" if self._layout.in_one_file else "",
            address=self._address(path) if self._catalog.url is not None else None,
            places=places,
            catalog=self._catalog,
            has_panel=places.PANEL in self._static,
            connect=origins_of(self._catalog.bucket_urls),
            rows_text=rows_text,
            what_it_is=what_it_is,
            **values,
        )
        return path, data

    def _address(self, path: str) -> str:
        """Return where a page will be."""
        return f"{self._catalog.url}/{quote(path)}"

    def _bucket_address(self, key: str) -> str | None:
        return None if self._downloads is None else f"{self._downloads}/{quote(key)}"

    @property
    def _downloads(self) -> str | None:
        """Where payloads and releases can be downloaded, None where that is not known."""
        return self._catalog.bucket_url if self._catalog.downloads else None


def _documents(entry: CatalogDataset) -> Iterator[tuple[str, bytes]]:
    """Yield the JSON of a dataset, and that of its versions."""
    document = api.to_bytes(api.dataset_document(entry))
    yield places.dataset_json(entry.country, entry.name), document
    for version in entry.versions:
        if version.dataset is not None:
            path = places.version_json(entry.country, entry.name, version.sha256)
            yield path, api.to_bytes(api.version_document(version, version.dataset))


def _names(country: CountryCatalog) -> set[str]:
    """Return the datasets that have a page."""
    return {entry.name for entry in country.datasets}


def origins_of(urls: Iterable[str]) -> str:
    """Return what pages may connect to beside their own origin: those of the bucket and mirrors."""
    parts = map(urlsplit, urls)
    return " ".join(dict.fromkeys(f"{one.scheme}://{one.netloc}" for one in parts))
