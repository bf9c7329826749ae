"""Where the pages of a site are: paths that stay the same from one build to the next.

Every name that becomes a path was checked (``primitives.names``). Links are relative, so that a
site works below any address, and from a disk.
"""

from __future__ import annotations

import posixpath

HOME = "index.html"
FILES = "files.json"
"""The list of all other files, each with its sha256."""

STYLE = "static/site.css"
PANEL = "static/panel.js"


def dataset_page(country: str, name: str) -> str:
    """Return the path of a dataset's page, such as ``us/datasets/states/AL.html``."""
    return f"{country}/datasets/{name}.html"


def root_file(country: str) -> str:
    """Return the path of the root that a country's pages were verified from."""
    return f"{country}/root.json"


def link(page: str, target: str) -> str:
    """Return the way from a page to another file of the site."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
