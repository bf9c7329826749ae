"""Which stores a reader reads: those that its user names, else the country's and its mirrors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pe_dvc.documents.hub_address import is_hub_address
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project import directories
from pe_dvc.project.notes import note_once
from pe_dvc.project.reader_trust import access_contact, declared_mirrors, signed_mirrors
from pe_dvc.project.stores import addresses, open_offline, open_store
from pe_dvc.store.error_hints import with_access_contact, with_ways_round
from pe_dvc.store.lazy_store import LazyStore
from pe_dvc.store.several import SeveralStores

if TYPE_CHECKING:
    from pe_dvc.adapters.stores.hub_release import HubRelease
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.port import ReadableStore

GivenStore = str | Sequence[str] | None
"""What a user names: an address, several of them (one a line in a text), or nothing."""


def reader_store(
    given: GivenStore | ReadableStore, country: str, repo: DataRepo | None, *, offline: bool
) -> ReadableStore:
    """Return the store to read a country from; of several addresses, all of them as one.

    It is what is given, else ``PE_DVC_STORE``, else the enclosing data repo's store or the
    default, with the mirrors that the repo and the trusted root name. Offline it has addresses
    and nothing else. Where it refuses access it says who grants it. Raises FormatError for an
    address, UntrustedError for a clone that may not be read.
    """

    def explained(store: ReadableStore) -> ReadableStore:
        return with_access_contact(
            store if offline else with_ways_round(store), lambda: access_contact(country, repo)
        )

    if isinstance(given, SeveralStores):
        return given
    if given is not None and not isinstance(given, str | Sequence):
        return explained(given)
    named = [one for one in _named(given, country, repo) if not is_hub_address(one)]
    if not named:
        raise FormatError(
            "only a hub is named, which has payloads and no signed metadata",
            where="--store or PE_DVC_STORE",
            remedy="Name the bucket, or a mirror of it, before the hub.",
        )

    def opened(address: str) -> ReadableStore:
        if offline:
            return open_offline(address)
        if repo is None:
            return open_store(address)
        # As pe-dvc mirror sync opens it: another endpoint may have a bucket of the same name.
        is_mirror = address in declared_mirrors(country, repo)
        return repo.open_other(address) if is_mirror else repo.open_bucket(address)

    if len(named) == 1:
        return explained(opened(named[0]))

    def later(address: str) -> ReadableStore:
        return LazyStore(open_offline(address).url, lambda: explained(opened(address)))

    return SeveralStores([later(address) for address in named], note_once, offline=offline)


def store_addresses(
    given: GivenStore | ReadableStore, country: str, repo: DataRepo | None
) -> tuple[str, ...]:
    """Return the addresses that a reader reads, as another process can open them: no credentials.

    No addresses for a store that is open already. Raises FormatError for an address.
    """
    if given is not None and not isinstance(given, str | Sequence):
        return ()
    named = _named(given, country, repo)
    return tuple(one if is_hub_address(one) else open_offline(one).url for one in named)


def reader_hubs(
    given: GivenStore | ReadableStore, country: str, repo: DataRepo | None
) -> list[HubRelease]:
    """Return the releases on a hub that payloads are read from where the stores fail.

    They stand among the addresses that ``reader_store`` reads. Raises FormatError for one.
    """
    if given is not None and not isinstance(given, str | Sequence):
        return []
    named = [one for one in _named(given, country, repo) if is_hub_address(one)]
    if not named:
        return []
    from pe_dvc.adapters.stores.hub_release import HubRelease
    from pe_dvc.documents.hub_uri import parse_release

    return [HubRelease(parse_release(address)) for address in named]


def _named(given: GivenStore, country: str, repo: DataRepo | None) -> list[str]:
    return addresses(given or os.environ.get("PE_DVC_STORE")) or _known(country, repo)


def _known(country: str, repo: DataRepo | None) -> list[str]:
    """Return the addresses where the user named none, each once."""
    if repo is not None:
        repo.check_root()
    origin = directories.DEFAULT_STORE if repo is None else repo.store_url()
    mirrors = [*declared_mirrors(country, repo), *signed_mirrors(country, repo)]
    return addresses([origin, *filter(_is_store, mirrors)])


def _is_store(address: str) -> bool:
    """Tell whether a mirror is of a kind that this pe_dvc reads; note one that is not."""
    try:
        if is_hub_address(address):
            from pe_dvc.documents.hub_uri import parse_release

            parse_release(address)
        else:
            open_offline(address)
    except FormatError as error:
        note_once(f"a mirror is passed over: {error.message}")
        return False
    return True
