"""``pe-dvc site build``: reads what is published, and writes the pages into a directory."""

from __future__ import annotations

import errno
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.result import Result
from pe_dvc.project.site_catalog import read_catalog, web_address, web_addresses
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.scratch import scratch_directory
from pe_dvc.usecases.site import places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.site_catalog import Source
    from pe_dvc.project.site_server import SiteServer
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.site.catalog import Catalog

STATIC = Path(__file__).parents[1] / "site" / "static"
MOST_OPEN = 64
"""Folders of a site that stay open while its pages are written."""


@dataclass(frozen=True, kw_only=True)
class BuiltSite(Result):
    """A site that was written: how many ``files``, of how many ``datasets``.

    ``file`` is it where it is a single one. ``sha256`` is that of the file, or of the list of all
    files, ``files.json``: the same for the same pages.
    ``problems`` are datasets that could not be read, by pinned reference; ``lacking`` is what is
    not on their pages since its document is not where the site was read from.
    """

    directory: Path
    sha256: Sha256
    files: int
    datasets: int
    file: Path | None = None
    problems: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)


def serve_site(
    directory: Path | None = None,
    countries: Sequence[str] = (),
    *,
    store: str | None = None,
    port: int = 0,
) -> SiteServer:
    """Show a site on this machine (``pe_dvc.serve_site``)."""
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.site_server import SiteServer

    if directory is not None:
        if not (directory / places.HOME).is_file():
            raise NotFoundError(
                f"{directory} has no {places.HOME}",
                remedy="Build a site there first (pe-dvc site build), or name no directory.",
            )
        return SiteServer(port, None).start(directory)

    @cache
    def bucket(country: str) -> ReadableStore:
        return Reader(country, store=store).store

    with ExitStack() as stack:
        server = SiteServer(port, bucket)
        stack.callback(server.close)
        made = ExitStack()
        stack.push(made)
        scratch = made.enter_context(scratch_directory())
        catalog = read_catalog(countries, store)
        _build(scratch, replace(catalog, bucket_urls=(server.bucket_url,), downloads=False))
        stack.pop_all()
        return server.start(scratch, made)


def build_site(
    directory: Path,
    countries: Sequence[str] = (),
    *,
    source: Source = "bucket",
    store: str | None = None,
    url: str | None = None,
    bucket_urls: Sequence[str] = (),
) -> BuiltSite:
    """Write a site (``pe_dvc.build_site``)."""
    at = None if url is None else web_address(url)
    buckets = web_addresses(bucket_urls)
    catalog = read_catalog(countries, store, source)
    return _build(directory, replace(catalog, url=at, bucket_urls=buckets))


def _build(directory: Path, catalog: Catalog) -> BuiltSite:
    from pe_dvc.adapters.page_templates import PageTemplates
    from pe_dvc.usecases.site.build import SiteBuilder
    from pe_dvc.usecases.site.filters import FILTERS

    templates = PageTemplates(FILTERS)
    files = dict(SiteBuilder(catalog, templates.render, static_files()).files())
    _write(directory, files)
    return BuiltSite(
        directory=directory.absolute(),
        sha256=sha256_bytes(files[places.FILES]),
        files=len(files),
        datasets=catalog.size,
        problems=catalog.problems,
        lacking=catalog.lacking,
    )


def static_files() -> dict[str, bytes]:
    """Return the files that stand beside the pages, by their paths in a site."""
    tree = ConfinedTree(STATIC)
    paths = (path for path in sorted(STATIC.rglob("*")) if path.is_file())
    names = (path.relative_to(STATIC).as_posix() for path in paths)
    return {f"static/{name}": tree.read(name) for name in names}


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a site, the list of them last; remove those of an earlier build.

    Raises ConflictError where a file is no site's: nothing is changed then.
    """
    directory.mkdir(parents=True, exist_ok=True)
    tree = ConfinedTree(directory, keep_open=MOST_OPEN)
    before = _listed(tree)
    for path in files:
        if path not in before and path != places.FILES and _exists(tree, path):
            raise ConflictError(
                f"{directory / path} is no file of a site that pe-dvc built",
                remedy="Name an empty directory, or one that pe-dvc site build made.",
            )
    with writing_to(directory):
        # A build that is killed from here on leaves a list by which the next one knows its files.
        ours = dict.fromkeys([*before, *files], "")
        tree.write(places.FILES, readable_json({"files": ours}))
        for path, data in files.items():
            if before.get(path) != sha256_bytes(data) or not _exists(tree, path):
                tree.write(path, data)
        for path in sorted(before.keys() - files.keys()):
            with suppress(FileNotFoundError):
                tree.unlink(path)
            tree.remove_empty_folders(path.rpartition("/")[0], below="")


def _listed(tree: ConfinedTree) -> dict[str, str]:
    """Return the files of the site that is there, by its own list; none where there is none."""
    try:
        data = tree.read(places.FILES)
    except FileNotFoundError:
        return {}
    value = read_json(data, what="a site's list of files", where=str(tree.root / places.FILES))
    listed = value if isinstance(value, dict) else {}
    files, signed = listed.get("files"), listed.get("signed", [])
    if not isinstance(files, dict) or not isinstance(signed, list):
        raise ConflictError(
            f"{tree.root / places.FILES} is no list of a site's files",
            remedy="Name an empty directory, or one that pe-dvc site build made.",
        )
    found = {str(path): str(sha256) for path, sha256 in files.items()}
    return dict.fromkeys(map(str, signed), "") | found


def _exists(tree: ConfinedTree, path: str) -> bool:
    try:
        tree.status(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return False
        raise
    return True
