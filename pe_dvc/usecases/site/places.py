"""Where the pages of a site are: paths that stay the same from one build to the next.

Every name that becomes a path was checked (``primitives.names``). Links are relative, so that a
site works below any address, and from a disk.
"""

from __future__ import annotations

import posixpath
import re

from pe_dvc.primitives.digest import sha256_bytes

API = "api/v1"
API_INDEX = f"{API}/index.json"
SEARCH_JSON = f"{API}/search.json"
SITEMAP = "sitemap.xml"
LONGEST = 80
"""Characters of a variable's name in the name of its file."""

_PLAIN = re.compile(rf"[a-z0-9_]{{1,{LONGEST}}}")
_OTHERS = re.compile(r"[^a-z0-9_]")

HOME = "index.html"
FILES = "files.json"
"""The list of all other files, each with its sha256."""

STYLE = "static/site.css"
PANEL = "static/panel.js"
COMPARE = "static/compare.js"
SEARCH = "static/search.js"
TABLES = "static/tables.js"
PARQUET = "static/vendor/hyparquet/index.js"
"""What live tables are read by, where it was fetched when pe_dvc was built."""


def dataset_page(country: str, name: str) -> str:
    """Return the path of a dataset's page, such as ``us/datasets/states/AL.html``."""
    return f"{datasets_folder(country)}/{name}.html"


def datasets_folder(country: str) -> str:
    """Return the folder of all pages of datasets."""
    return f"{country}/datasets"


def variable_page(country: str, name: str) -> str:
    """Return the path of a variable's page, such as ``us/variables/age.html``.

    A name may have any characters. One of small letters, digits and ``_`` is its own file's name;
    another has a digest in it, so that no two have one file, on no file system.
    """
    file = name
    if not _PLAIN.fullmatch(name):
        digest = sha256_bytes(name.encode("utf-8", "surrogatepass"))
        file = f"{_OTHERS.sub('-', name.lower())[:LONGEST]}-{digest[:12]}"
    return f"{variables_folder(country)}/{file}.html"


def variables_folder(country: str) -> str:
    """Return the folder of all pages of variables."""
    return f"{country}/variables"


def versions_folder(country: str, name: str | None = None) -> str:
    """Return the folder of what versions of a dataset, or of all, are compared by.

    Each dataset has its own: the same bytes may be a version of two, described otherwise.
    """
    folder = f"{API}/{country}/versions"
    return folder if name is None else f"{folder}/{name}"


def release_page(country: str, tag: str) -> str:
    """Return the path of a release's page, such as ``us/release/1.78.2.html``."""
    return f"{country}/release/{tag}.html"


def withdrawn_page(country: str, sha256: str) -> str:
    """Return the path of the page that says why an artifact was withdrawn."""
    return f"{country}/withdrawn/{sha256}.html"


def dataset_json(country: str, name: str) -> str:
    """Return the path of what a dataset's page says, as JSON."""
    return f"{API}/{country}/datasets/{name}.json"


def croissant_json(country: str, name: str) -> str:
    """Return the path of a dataset as Croissant."""
    return f"{API}/{country}/croissant/{name}.json"


def version_json(country: str, name: str, sha256: str) -> str:
    """Return the path of what one version of a dataset is, to compare it with another."""
    return f"{versions_folder(country, name)}/{sha256}.json"


def country_json(country: str) -> str:
    """Return the path of what is published of a country, as JSON."""
    return f"{API}/{country}/index.json"


def variables_json(country: str) -> str:
    """Return the path of the variables of a country, as JSON."""
    return f"{API}/{country}/variables.json"


def root_file(country: str) -> str:
    """Return the path of the root that a country's pages were verified from."""
    return f"{country}/root.json"


def seen_file(country: str) -> str:
    """Return the path of what was published of a country when its pages were made, signed."""
    return f"{country}/seen.json"


def link(page: str, target: str) -> str:
    """Return the way from a page to another file of the site."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
