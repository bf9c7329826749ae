"""A site in one file, which opens from a disk: all pages, their style, scripts and JSON.

Its Content-Security-Policy names the script and the style by their hash: no other one runs.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.usecases.site import places
from pe_dvc.usecases.site.build import SiteBuilder, origins_of
from pe_dvc.usecases.site.layout import IN_ONE_FILE
from pe_dvc.usecases.site.script_bundle import bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.usecases.site.build import Render
    from pe_dvc.usecases.site.catalog import Catalog

BEGINNING = b'<!doctype html>\n<html lang="en" data-made-by="pe-dvc site build">\n'
"""What every such file begins with."""

_HERE = b"<!-- here -->"
_SCRIPTS = (places.PANEL, places.COMPARE, places.SEARCH)


def single_file(catalog: Catalog, render: Render, static: Mapping[str, bytes]) -> bytes:
    """Return the file. Of what JSON a site has, it holds what its own scripts read.

    Tables of public data are not in it: their reader is loaded when it is needed.
    """
    catalog = replace(catalog, url=None)
    files = dict(SiteBuilder(catalog, render, {}, IN_ONE_FILE).files())
    pages = [files.pop(places.HOME), *(data for path, data in files.items() if _is_page(path))]
    style, script = static[places.STYLE], _script(static)
    frame = render(
        "single.html",
        script_hash=_hash(script),
        style_hash=_hash(style),
        connect=origins_of(catalog.bucket_urls),
    )
    parts = (style, b"".join(pages), b"".join(_held(catalog, files)), script)
    return b"".join(_filled(frame.split(_HERE), parts))


def _filled(frame: list[bytes], parts: tuple[bytes, ...]) -> Iterator[bytes]:
    for around, part in zip(frame, (*parts, b""), strict=True):
        yield around
        yield part


def _is_page(path: str) -> bool:
    return path.endswith(".html")


def _held(catalog: Catalog, files: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the JSON that scripts read, as data in the page: as text it has no mark of HTML."""
    for country in catalog.countries:
        versions = f"{places.versions_folder(country.country)}/"
        yield _data(places.root_file(country.country), country.root)
        for path, data in files.items():
            if path.startswith(versions):
                yield _data(path, data)
    yield _data(places.SEARCH_JSON, files[places.SEARCH_JSON])


def _data(path: str, data: bytes) -> bytes:
    text = data.replace(b"<", b"\\u003c")
    return b'<script type="application/json" id="%s">%s</script>\n' % (path.encode(), text)


def _script(static: Mapping[str, bytes]) -> bytes:
    prefix = "static/"
    modules = {
        path.removeprefix(prefix): data.decode()
        for path, data in static.items()
        if path.endswith(".js") and path.count("/") == 1
    }
    return bundle(modules, (path.removeprefix(prefix) for path in _SCRIPTS)).encode()


def _hash(data: bytes) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(data).digest()).decode()}"
