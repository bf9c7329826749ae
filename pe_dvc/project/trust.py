"""Pinning roots of trust on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.primitives.line_endings import as_committed
from pe_dvc.primitives.names import check_country
from pe_dvc.primitives.result import Result
from pe_dvc.project import directories
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.pins import agreed_root, list_pins, pin_root, pinned_root

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256


@dataclass(frozen=True, kw_only=True)
class PinnedRoot(Result):
    """A root of trust that was pinned: its country, and the sha256 of its file."""

    country: str
    fingerprint: Sha256


def trust_file(country: str, root: Path, fingerprint: str | None = None) -> PinnedRoot:
    """Pin the root.json ``root`` for a country.

    Raises NotFoundError without the file, ConflictError if another root is pinned already, and as
    ``pe_dvc.trust.pins.pin_root``.
    """
    if not root.exists():
        raise NotFoundError(
            f"{root} does not exist",
            remedy=f"Get channels/{country}/root.json from the country's data repo; or trust the "
            f"store on first use: pe-dvc trust add {country} --from-store",
        )
    data = as_committed(read_document(root))
    _refuse_another(country, data, str(root))
    pinned = pin_root(directories.config_dir(), country, data, fingerprint)
    return PinnedRoot(country=country, fingerprint=pinned)


def trust_store(
    country: str, *, store: str | None = None, fingerprint: str | None = None
) -> PinnedRoot:
    """Pin the first root that the store shows, or the one of ``fingerprint``; never another one.

    Raises ConflictError if another root is pinned already: a store must not talk a reader out of
    what it trusts. Raises NotFoundError if the store has none, and
    ConflictError where several stores show different ones and no fingerprint tells which.
    """
    from pe_dvc.project.reader import Reader

    reader = Reader(check_country(country), store=store)
    bucket = reader.store
    try:
        root = agreed_root(bucket, country, fingerprint)
    except NotFoundError as error:
        raise NotFoundError(
            f"{bucket.url} has no root of {country} to trust: {error.message}",
            remedy=error.remedy or "Check the country, and that --store names the right bucket.",
        ) from None
    _refuse_another(country, root, bucket.url)
    pinned = pin_root(directories.config_dir(), country, root)
    return PinnedRoot(country=country, fingerprint=pinned)


def _refuse_another(country: str, root: bytes, source: str) -> None:
    if pinned_root(directories.config_dir(), country) not in (None, root):
        raise ConflictError(
            f"another root is pinned for {country} than {source} shows",
            remedy="Keep it. If a maintainer says that it is wrong, run pe-dvc trust remove "
            f"{country}, then pe-dvc trust add.",
        )


def trusted_countries() -> list[str]:
    """Return the countries whose root of trust is pinned, in order."""
    return sorted(list_pins(directories.config_dir()))
