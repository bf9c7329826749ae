"""``pe-dvc site build``: reads what is published, and writes the pages into a directory."""

from __future__ import annotations

import errno
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import check_country
from pe_dvc.primitives.result import Result
from pe_dvc.project import directories
from pe_dvc.project.find import countries_here
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.scratch import scratch_directory
from pe_dvc.usecases.site import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.site_server import SiteServer
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.site.catalog import Catalog, CountryCatalog

Source = Literal["bucket", "git"]
"""Where a site's documents are read: what is published, or what is committed."""

STATIC = Path(__file__).parents[1] / "site" / "static"
MOST_OPEN = 64
"""Folders of a site that stay open while its pages are written."""


@dataclass(frozen=True, kw_only=True)
class BuiltSite(Result):
    """A site that was written: how many ``files``, of how many ``datasets``.

    ``sha256`` is that of its list of files, ``files.json``: the same for the same pages.
    ``problems`` are datasets that could not be read, by pinned reference; ``lacking`` is what is
    not on their pages since its document is not where the site was read from.
    """

    directory: Path
    sha256: Sha256
    files: int
    datasets: int
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
        catalog = _catalog(countries, store)
        _build(scratch, replace(catalog, bucket_url=server.bucket_url, downloads=False))
        stack.pop_all()
        return server.start(scratch, made)


def build_site(
    directory: Path,
    countries: Sequence[str] = (),
    *,
    source: Source = "bucket",
    store: str | None = None,
    url: str | None = None,
    bucket_url: str | None = None,
) -> BuiltSite:
    """Write a site (``pe_dvc.build_site``)."""
    at, bucket = _web_address(url), _web_address(bucket_url)
    catalog = _catalog(countries, store) if source == "bucket" else _in_git(countries, store)
    return _build(directory, replace(catalog, url=at, bucket_url=bucket))


def _build(directory: Path, catalog: Catalog) -> BuiltSite:
    from pe_dvc.adapters.page_templates import PageTemplates
    from pe_dvc.usecases.site.build import SiteBuilder
    from pe_dvc.usecases.site.filters import FILTERS

    templates = PageTemplates(FILTERS)
    files = dict(SiteBuilder(catalog, templates.render, dict(_static())).files())
    _write(directory, files)
    return BuiltSite(
        directory=directory.absolute(),
        sha256=sha256_bytes(files[places.FILES]),
        files=len(files),
        datasets=sum(len(country.datasets) for country in catalog.countries),
        problems=catalog.problems,
        lacking=catalog.lacking,
    )


def _catalog(countries: Sequence[str], store: str | None) -> Catalog:
    from pe_dvc.usecases.site.catalog import Catalog

    named = [check_country(country) for country in dict.fromkeys(countries)]
    found, missing = [], []
    for country in named or countries_here():
        try:
            found.append(_country(country, store))
        except NotFoundError as error:  # a bucket may have one of the countries only
            if named:
                raise
            missing.append(error)
    if not found:
        raise missing[0]
    return Catalog(countries=tuple(found))


def _country(country: str, store: str | None) -> CountryCatalog:
    from pe_dvc.project.reader import Reader
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.site_bucket import BucketPublished
    from pe_dvc.project.site_source import CountrySource

    repo = DataRepo.around()
    own = repo if repo is not None and repo.country == country else None
    return CountrySource(BucketPublished(Reader(country, store=store)), _rule_of(own)).read()


def _in_git(countries: Sequence[str], store: str | None) -> Catalog:
    """Return what the data repo around has committed. Raises NotFoundError, FormatError."""
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.site_git import GitPublished
    from pe_dvc.project.site_source import CountrySource
    from pe_dvc.store.cache import Cache
    from pe_dvc.usecases.site.catalog import Catalog

    if store is not None:
        raise FormatError(
            "a site is built from git or from a store, not from both",
            remedy="Leave out one of --from git and --store.",
        )
    repo = DataRepo.find()
    for country in countries:
        repo.check_country(country)
    published = GitPublished(repo, Cache(directories.cache_dir()))
    return Catalog(countries=(CountrySource(published, _rule_of(repo)).read(),))


def _rule_of(repo: DataRepo | None) -> Callable[[Disclosure], Disclosure]:
    """Return what settles a dataset's rule: in its data repo, by the settings there.

    These say how many carriers a figure needs, and may make public data gated only.
    """

    def settle(rule: Disclosure) -> Disclosure:
        if repo is None:
            return rule
        own = repo.settings.disclosure_rule
        return replace(own, access="gated") if rule.is_gated else own

    return settle


def _web_address(text: str | None) -> str | None:
    """Return an address without its final slash. Raises FormatError for another text."""
    if text is None:
        return None
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    quoted = any(character in text for character in "\"'<>;, \t\r\n")
    if parts.scheme not in ("http", "https") or not parts.netloc or not plain or quoted:
        raise FormatError(
            f"{text!r} is not a web address: expected the form of https://data.example.org/us"
        )
    return text.rstrip("/")


def _static() -> Iterator[tuple[str, bytes]]:
    """Yield the files that stand beside the pages, by their paths in a site."""
    tree = ConfinedTree(STATIC)
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            name = path.relative_to(STATIC).as_posix()
            yield f"static/{name}", tree.read(name)


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
    files = value.get("files") if isinstance(value, dict) else None
    if not isinstance(files, dict):
        raise ConflictError(
            f"{tree.root / places.FILES} is no list of a site's files",
            remedy="Name an empty directory, or one that pe-dvc site build made.",
        )
    return {str(path): str(sha256) for path, sha256 in files.items()}


def _exists(tree: ConfinedTree, path: str) -> bool:
    try:
        tree.status(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return False
        raise
    return True
