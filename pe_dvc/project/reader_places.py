"""Where a reader gets an artifact's bytes from, besides its cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.project.notes import note_once
from pe_dvc.store.error_hints import with_offline_hint, with_reason_if_missing
from pe_dvc.store.key_mapped_store import KeyMappedStore
from pe_dvc.store.local_copies import LocalCopy
from pe_dvc.store.several import beside
from pe_dvc.usecases.payload_place import find_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pe_dvc.adapters.stores.hub_files import HubFiles
    from pe_dvc.adapters.stores.hub_release import HubRelease
    from pe_dvc.documents.members import Members
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.usecases.checkout.pull import FindPlace
    from pe_dvc.usecases.checkout.pull_plan import Target
    from pe_dvc.usecases.payload_place import PayloadPlace
    from pe_dvc.usecases.read.resolve import Resolved


def local_copies(repo: DataRepo | None, resolved: Resolved) -> list[LocalCopy]:
    """Return where a clone may hold the artifact: DVC's cache, then the workspace."""
    if repo is None:
        return []
    from pe_dvc.adapters.dvc.cache import object_path

    payload = resolved.payload
    in_dvc = object_path(repo.dvc_config.cache_dir, payload.md5)
    copies = [LocalCopy(path=in_dvc, immutable=True)]
    if resolved.manifest_verified:
        copies.append(LocalCopy(path=repo.root / payload.path, immutable=False))
    return copies


def place_finder(hubs: Sequence[HubRelease], note: Callable[[str], None]) -> FindPlace:
    """Return what says where a clone's data are read: in a store, then elsewhere and on hubs.

    What has no sha256 is on no hub: a file's name there is not believed.
    """
    from pe_dvc.project.stores import open_location

    def find(key: str, target: Target, store: ReadableStore) -> PayloadPlace:
        if target.sha256 is not None and hubs:
            wanted = {key: target.sha256}
            store = beside(store, [_on_hub(hub, wanted, _nothing) for hub in hubs], note)
        return find_place(key, target.location, store, open_location, note)

    return find


def _nothing() -> None:
    """Refuse nothing: what is withdrawn was left out."""


def _on_hub(
    hub: HubRelease, wanted: Mapping[str, Sha256], refuse: Callable[[], None]
) -> KeyMappedStore:
    def find(key: str) -> tuple[HubFiles, str]:
        if key not in wanted:
            raise NotFoundError(f"{hub.url} has payloads only, and not {key}")
        found = hub.find(wanted[key])
        # Stewards remove what they withdraw from stores; on a hub it may be there for long.
        refuse()
        return found

    return KeyMappedStore(hub.url, find)


@dataclass(frozen=True)
class Payloads:
    """Where payloads are read: in the country's stores, then on hubs that mirror them.

    ``refuse`` raises RevokedError for what is known to be withdrawn, ``look_again`` has it asked
    again. What failed in one read is asked last in those that follow.
    """

    store: ReadableStore
    cache: Cache
    hubs: Sequence[HubRelease]
    refuse: Callable[[Resolved], None]
    look_again: Callable[[], None]
    offline: bool

    @cached_property
    def _beside_hubs(self) -> ReadableStore:
        return beside(self.store, [], note_once)

    def store_of(self, resolved: Resolved, store: ReadableStore | None = None) -> ReadableStore:
        """Return what to read an artifact's bytes from; offline it names what is not here.

        ``store`` stands in the place of the country's.
        """
        store = store or self.store
        if self.offline:
            return with_offline_hint(
                store,
                f"{resolved.reference}: the bytes sha256:{resolved.sha256} are not in the cache "
                f"{self.cache.directory}, or not all of them, and the store is not read offline",
                f"Fetch them once online: pe-dvc get {resolved.pinned}",
            )
        several = self._several(resolved, {resolved.payload.key: resolved.sha256}, store)
        if resolved.payload.location is not None:
            return several  # its bytes lie elsewhere, and are missing here
        return self._with_reason(resolved, several)

    def store_of_members(self, resolved: Resolved, members: Members) -> ReadableStore:
        """Return what to read the files of a directory from."""
        country = resolved.payload.country
        wanted = {payload_key(country, member.md5): member.sha256 for member in members}
        if self.offline:
            return self.store
        return self._with_reason(resolved, self._several(resolved, wanted, self.store))

    def store_of_sidecars(self, resolved: Resolved) -> ReadableStore:
        """Return what to read what a manifest names besides the bytes from.

        Raises RevokedError for what is known to be withdrawn.
        """
        self.refuse(resolved)
        return self.store if self.offline else self._with_reason(resolved, self.store)

    def _with_reason(self, resolved: Resolved, store: ReadableStore) -> ReadableStore:
        """Return a store that asks of what is missing whether it was withdrawn since."""

        def refuse_now() -> None:
            self.look_again()
            self.refuse(resolved)

        return with_reason_if_missing(store, refuse_now)

    def _several(
        self, resolved: Resolved, wanted: Mapping[str, Sha256], store: ReadableStore
    ) -> ReadableStore:
        """Return the stores with the hubs beside; with a location, it will stand beside, too."""
        if not self.hubs and resolved.payload.location is None:
            return store
        base = self._beside_hubs if store is self.store else store
        on_hubs = [_on_hub(hub, wanted, lambda: self.refuse(resolved)) for hub in self.hubs]
        return beside(base, on_hubs, note_once)
