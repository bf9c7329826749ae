"""A site of what is published, for those who browse: ``build_site``, ``serve_site``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.public.arguments import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.project.site import BuiltSite
    from pe_dvc.project.site_catalog import Source
    from pe_dvc.project.site_server import SiteServer


def build_site(
    directory: Path | str,
    countries: Sequence[str] | str = (),
    *,
    source: Source = "bucket",
    store: str | None = None,
    url: str | None = None,
    bucket_url: Sequence[str] | str = (),
) -> BuiltSite:
    """Write static pages of what countries have published into ``directory``.

    ``countries`` are all whose root is pinned here, and that of the data repo around, unless named.
    ``url`` is where the site will be, ``bucket_url`` the web address at which browsers read the
    bucket, or a list of it and of mirrors. Reads no payload. The same published state gives the
    same bytes. What an earlier build wrote there is replaced. With ``source="git"`` it is of what
    the data repo around has committed, and no store is asked; ``lacking`` of what is returned says
    what git does not have. Raises ConflictError where a file is in the way, FormatError for what is
    no web address, PeDvcError without the extra ``pe_dvc[site]``, and otherwise as ``ls``.
    """
    from pe_dvc.project.site import build_site as project_build

    named = names_of(countries)
    return project_build(
        Path(directory),
        named,
        source=source,
        store=store,
        url=url,
        bucket_urls=names_of(bucket_url),
    )


def build_site_file(
    file: Path | str,
    countries: Sequence[str] | str = (),
    *,
    source: Source = "bucket",
    store: str | None = None,
    bucket_url: Sequence[str] | str = (),
) -> BuiltSite:
    """Write the pages of a site into one ``file``, which opens from a disk.

    Parameters are those of ``build_site``. An earlier site in that file is replaced. Raises
    ConflictError where the file is no site, and otherwise as ``build_site``.
    """
    from pe_dvc.project.site_file import build_site_file as project_build

    named = names_of(countries)
    buckets = names_of(bucket_url)
    return project_build(Path(file), named, source=source, store=store, bucket_urls=buckets)


def serve_site(
    directory: Path | str | None = None,
    countries: Sequence[str] | str = (),
    *,
    store: str | None = None,
    port: int = 0,
) -> SiteServer:
    """Show a site on this machine alone, at the ``url`` of what is returned; use it as a context.

    Without ``directory`` one is built of ``countries``, as ``build_site`` does, for as long as it
    is shown, and its pages verify the signed metadata of the bucket. ``port`` is any that is free
    unless given. Raises ConflictError for a port that is in use, NotFoundError for a ``directory``
    without a site, and otherwise as ``build_site``.
    """
    from pe_dvc.project.site import serve_site as project_serve

    place = None if directory is None else Path(directory)
    return project_serve(place, names_of(countries), store=store, port=port)
