"""Reads what a site shows: of a bucket, or of what a data repo has committed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import check_country
from pe_dvc.project import directories
from pe_dvc.project.find import countries_here

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.site.catalog import Catalog, CountryCatalog

Source = Literal["bucket", "git"]
"""Where a site's documents are read: what is published, or what is committed."""


def read_catalog(countries: Sequence[str], store: str | None, source: Source = "bucket") -> Catalog:
    """Return what countries have published or committed: all known here, unless some are named."""
    return _in_git(countries, store) if source == "git" else _in_bucket(countries, store)


def _in_bucket(countries: Sequence[str], store: str | None) -> Catalog:
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


def web_addresses(texts: Sequence[str]) -> tuple[str, ...]:
    """Return addresses as ``web_address`` does, each once."""
    return tuple(dict.fromkeys(map(web_address, texts)))


def web_address(text: str) -> str:
    """Return an address without its final slash. Raises FormatError for another text."""
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    quoted = any(character in text for character in "\"'<>;, \t\r\n")
    if parts.scheme not in ("http", "https") or not parts.netloc or not plain or quoted:
        raise FormatError(
            f"{text!r} is not a web address: expected the form of https://data.example.org/us"
        )
    return text.rstrip("/")
