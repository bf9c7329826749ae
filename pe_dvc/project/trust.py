"""Pinning roots of trust on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.primitives.line_endings import as_committed
from pe_dvc.primitives.names import check_country
from pe_dvc.primitives.result import Result
from pe_dvc.project import directories, trust_seen
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.pins import agreed_root, list_pins, pin_root, pinned_root

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256


@dataclass(frozen=True, kw_only=True)
class PinnedRoot(Result):
    """A root of trust that is pinned: its country, and the sha256 of its file.

    ``seen`` is the version of the timestamp below which no reader goes, None where none is known.
    ``log`` is what that publication says of the channels' log: ``number``, ``size`` (entries), and
    ``root`` (hex).
    """

    country: str
    fingerprint: Sha256
    seen: int | None = None
    log: dict[str, int | str] | None = None


def trust_file(
    country: str, root: Path, fingerprint: str | None = None, *, seen: Path | None = None
) -> PinnedRoot:
    """Pin the root.json ``root`` for a country, and what was published at least.

    That is ``seen``, else the newest file of ``seen/`` beside ``root`` that this root vouches for.
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
    floor = trust_seen.given(country, seen) if seen is not None else None
    pinned = pin_root(directories.config_dir(), country, data, fingerprint)
    kept = trust_seen.keep(country, floor or trust_seen.beside(country, root, data))
    return PinnedRoot(country=country, fingerprint=pinned, seen=kept)


def trust_store(
    country: str,
    *,
    store: str | None = None,
    fingerprint: str | None = None,
    seen: Path | None = None,
) -> PinnedRoot:
    """Pin the first root that the store shows, or the one of ``fingerprint``; never another one.

    What the store shows now is verified, so that nothing older is read later; ``seen`` is a file
    that says what was published at least.

    Raises ConflictError if another root is pinned already: a store must not talk a reader out of
    what it trusts. Raises NotFoundError if the store has none, and
    ConflictError where several stores show different ones and no fingerprint tells which.
    """
    from pe_dvc.project.reader import Reader

    reader = Reader(check_country(country), store=store)
    floor = trust_seen.given(country, seen) if seen is not None else None
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
    kept = trust_seen.keep(country, floor)
    trust_seen.begin_state(country, bucket)
    return PinnedRoot(country=country, fingerprint=pinned, seen=kept)


def trust_shown(
    country: str, *, store: str | None = None, export: Path | None = None
) -> PinnedRoot:
    """Return what is pinned for a country, and what this machine saw published last.

    With ``export`` both are written to that directory, for ``trust_file`` on another machine.
    Raises NotFoundError if nothing is pinned.
    """
    from pe_dvc.project.reader import Reader

    root = pinned_root(directories.config_dir(), check_country(country))
    if root is None:
        raise NotFoundError(f"no root of trust is pinned for {country!r}")
    seen = trust_seen.last_seen(Reader(country, store=store, offline=True))
    if export is not None:
        trust_seen.export(export, root, seen)
    version = seen.versions.timestamp if seen else None
    return PinnedRoot(
        country=country,
        fingerprint=sha256_bytes(root),
        seen=version,
        log=trust_seen.log_of(seen) if seen else None,
    )


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
